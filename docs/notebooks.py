"""Notebooks to pages: prose and outputs as they are stored, exported cells as API entries with their source folded away."""
import ast
import base64
import hashlib
import html
import json
import posixpath
import re
import textwrap
from dataclasses import dataclass, field
from pathlib import Path

from reference import as_myst, entries

ANSI = re.compile(r"\x1b\[[0-9;]*m")
FENCE = re.compile(r"^(`{3,}|~{3,}).*?^\1`*\s*$", re.S | re.M)


@dataclass
class Site:
    "What pages have to know of each other."
    root: Path                                     # of the repository
    source: Path                                   # where Sphinx's sources are written
    url: str                                       # of the repository on the web
    reports: Path = None                           # where the reports of runs are written
    pages: dict = field(default_factory=dict)      # path in the repository -> page, without suffix
    names: dict = field(default_factory=dict)      # name -> modules of the package that offer it
    words: dict = field(default_factory=dict)      # module -> names of its parameters and fields
    public: set = field(default_factory=set)       # names that the package itself offers
    problems: list = field(default_factory=list)   # what is wrong with the sources

    def write(self, page: str, text: str):
        "Write a page."
        path = self.source / f"{page}.md"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text.rstrip() + "\n", encoding="utf-8")

    def keep(self, data: bytes, suffix: str) -> str:
        "Keep a picture under the hash of its content; gives its path from the top of the site's sources."
        path = self.source / "pictures" / f"{hashlib.sha256(data).hexdigest()[:16]}{suffix}"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
        return "/" + path.relative_to(self.source).as_posix()

    def link(self, target: str, page: str, base: str) -> str:
        "Where a link in a file of the repository leads on the site; `base` is the file's folder in the repository."
        path, hash, anchor = target.partition("#")
        if re.match(r"\w+:|/|$", path):
            return target
        found = posixpath.normpath(posixpath.join(base, path))
        if found in self.pages:
            return posixpath.relpath(self.pages[found], posixpath.dirname(page) or ".") + f".md{hash}{anchor}"
        file = self.root / found
        if not file.exists():
            self.problems.append(f"{page}: a link leads to {found}, which does not exist")
            return self.url
        if file.suffix in (".png", ".svg", ".jpg"):
            return self.keep(file.read_bytes(), file.suffix)
        return f"{self.url}/{'tree' if file.is_dir() else 'blob'}/main/{found}"

    def reference(self, module: str):
        "A function that links a name of the package as seen from one of its modules."
        def link(name):
            bare = re.sub(r"\(.*\)$", "", name).removeprefix("promptpo.")
            owner, _, attribute = bare.rpartition(".")
            if owner in {m for ms in self.names.values() for m in ms} and owner in self.names.get(attribute, ()):
                return f"{{py:obj}}`{name} <promptpo.{owner}.{attribute}>`"
            owners = self.names.get(bare, ())
            if module not in owners and (bare in self.words.get(module, ()) or re.fullmatch("[a-z]+", bare) and bare not in self.public):   # it is only called like something elsewhere
                return None
            owner = module if module in owners else owners[0] if len(owners) == 1 else None
            return f"{{py:obj}}`{name} <promptpo.{owner}.{bare}>`" if owner else None
        return link


def read(path) -> dict:
    return json.loads(Path(path).read_text(encoding="utf-8"))


def text_of(cell) -> str:
    return "".join(cell["source"])


def directives(source: str) -> dict:
    "'#| echo: false' and the like, at the top of a cell."
    return {m[1]: m[2] for m in re.finditer(r"^#\|\s*([\w-]+)\s*:?\s*(.*)$", source, re.M)}


def bare(source: str) -> str:
    return re.sub(r"^#\|.*\n?", "", source, flags=re.M).strip("\n")


def module_of(notebook: dict) -> str:
    "The module that a notebook exports, or ''."
    return next((d["default_exp"] for c in notebook["cells"] if c["cell_type"] == "code" for d in [directives(text_of(c))] if "default_exp" in d), "")


def is_exported(cell) -> bool:
    return cell["cell_type"] == "code" and {"export", "exports", "exporti"} & directives(text_of(cell)).keys() != set()


def is_import(source: str) -> bool:
    return all(isinstance(n, (ast.Import, ast.ImportFrom)) for n in ast.parse(source).body)


def is_test(source: str) -> bool:
    "Whether a cell only asserts."
    try:
        body = ast.parse(source).body
    except SyntaxError:
        return False
    def asserts(n):
        name = ast.unparse(n.value.func) if isinstance(n, ast.Expr) and isinstance(n.value, ast.Call) else ""
        return isinstance(n, ast.Assert) or name.startswith("test_") or isinstance(n, (ast.For, ast.With)) and all(map(asserts, n.body))
    return bool(body) and asserts(body[-1]) and all(isinstance(n, (ast.Assign, ast.Import, ast.ImportFrom)) or asserts(n) for n in body)


def block(text: str, language="text", name="") -> str:
    "A block of code that its content cannot close."
    text = ANSI.sub("", text).rstrip()
    text = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
    fence = longer("`", text)
    return f"{fence}{{code-block}} {language}\n:force:\n" + (f":class: {name}\n\n" if name else "\n") + f"{text}\n{fence}"


def longer(mark: str, text: str, least=3) -> str:
    "A row of marks that is longer than every one in a text."
    return mark * max(least, 1 + max(map(len, re.findall(re.escape(mark) + "+", text)), default=0))


def folded(title: str, body: str) -> str:
    "Something that opens when it is clicked."
    fence = longer(":", body)
    return f"{fence}{{dropdown}} {title}\n:class-container: folded\n\n{body}\n{fence}"


def raw(text: str) -> str:
    "HTML as it is."
    fence = longer("`", text)
    return f"{fence}{{raw}} html\n{text}\n{fence}"


def outputs(cell, site: Site, page: str, base: str, link) -> list[str]:
    "What a cell has shown: of each output the richest form that needs no kernel."
    parts = []
    for o in cell.get("outputs", []):
        data = o.get("data", {})
        joined = {k: "".join(v) if isinstance(v, list) else v for k, v in data.items()}
        if o["output_type"] == "stream":
            if o["name"] == "stdout":
                parts.append(shown("".join(o["text"])))
        elif o["output_type"] == "error":
            parts.append(shown("\n".join(o["traceback"])))
        elif "text/html" in joined:
            parts.append(raw(f'<div class="output-html">{joined["text/html"]}</div>'))
        elif "image/svg+xml" in joined:
            parts.append(f"![output]({site.keep(joined['image/svg+xml'].encode(), '.svg')})")
        elif "image/png" in joined:
            parts.append(picture(site.keep(base64.b64decode(joined["image/png"]), ".png"), o.get("metadata", {}).get("image/png", {}).get("width")))
        elif "text/markdown" in joined:
            parts.append(markdown(joined["text/markdown"], site, page, base, link))
        elif "text/plain" in joined and "application/vnd.jupyter.widget-view+json" not in joined:
            parts.append(shown(joined["text/plain"]))
    return parts


def shown(text: str) -> str:
    "An output that is text. Its long lines are broken, but for those of a table."
    return block("\n".join(map(broken, ANSI.sub("", text).split("\n"))), name="output")


def broken(line: str, width=90) -> str:
    "A line as several, the others below what follows its first column."
    if len(line) <= width or len(re.findall(r"\S {2,}(?=\S)", line)) > 2:
        return line
    first = re.match(r" *(\S.{0,24}?\S? {2,})?(?=\S)", line)
    return "\n".join(textwrap.wrap(line, width, subsequent_indent=" " * first.end(), drop_whitespace=True, replace_whitespace=False, break_long_words=False, break_on_hyphens=False)) if first else line


def picture(path: str, width=None, alt="what the cell above shows") -> str:
    return f"```{{image}} {path}\n:alt: {alt}\n:class: output-picture\n" + (f":width: {int(width)}px\n" if width else "") + "```"


def markdown(text: str, site: Site, page: str, base: str, link) -> str:
    "Prose with its links led to the site's pages, and names of the package linked to their entries; blocks of code stay as they are."
    kept = []
    def keep(m):
        kept.append(m[0])
        return f"\0{len(kept) - 1}\0"
    text = FENCE.sub(keep, text)
    text = re.sub(r"^!\[([^\]\n]*)\]\(([^)\s]+)\)$", lambda m: keep([image(m[2], m[1], site, page, base)]), text, flags=re.M)
    text = re.sub(r"(\]\()([^)\s]+)(\))", lambda m: m[1] + site.link(m[2], page, base) + m[3], text)
    lines = []
    for line in text.split("\n"):
        if not line.startswith("#"):
            line = re.sub(r"(?<![\[`\\])`([^`\n]+)`(?![`\]])", lambda m: link(m[1]) or m[0], line)
        lines.append(line)
    text = re.sub(r"^::: *\{\.callout-(\w+)[^}]*\}", r":::{\1}", "\n".join(lines), flags=re.M)
    return re.sub("\0(\\d+)\0", lambda m: kept[int(m[1])], text)


def image(target: str, alt: str, site: Site, page: str, base: str) -> str:
    "A picture; where a file NAME.dark.png lies beside NAME.png, one for light and one for dark pages."
    dark = re.sub(r"\.png$", ".dark.png", target)
    kinds = [(target, "only-light"), (dark, "only-dark")] if dark != target and (site.root / base / dark).exists() else [(target, "output-picture")]
    return "\n\n".join(f"```{{image}} {site.link(file, page, base)}\n:alt: {alt}\n:class: {kind} figure-picture\n```" for file, kind in kinds)


def page_of(path: Path, site: Site, page: str) -> str:
    "A notebook as a page of MyST Markdown."
    notebook, base = read(path), path.parent.relative_to(site.root).as_posix()
    module = module_of(notebook)
    link, parts = site.reference(module), []
    for i, cell in enumerate(notebook["cells"]):
        source = text_of(cell)
        if cell["cell_type"] == "markdown":
            parts.append(markdown(source, site, page, base, link))
            if i == 0 and module:
                parts.append(module_line(path, site, module))
        elif cell["cell_type"] == "code":
            parts += code_cell(cell, site, page, base, link)
    return "\n\n".join(parts)


def module_line(path, site, module) -> str:
    "Which module and which notebook a page is about."
    file = path.relative_to(site.root).as_posix()
    return f"```{{py:module}} promptpo.{module}\n```\n\n:::{{div}} origin\nModule `promptpo.{module}`, made from the notebook [{file}]({site.url}/blob/main/{file}).\n:::"


def code_cell(cell, site, page, base, link) -> list[str]:
    "A code cell: an API entry, an example with its output, or folded tests."
    marks, source = directives(text_of(cell)), bare(text_of(cell))
    if not source.strip() or "hide" in marks or "default_exp" in marks:
        return []
    if is_exported(cell):
        if is_import(source):
            return []
        return [*(as_myst(e, link) for e in entries(source)), folded("Source", block(source, "python"))] + outputs(cell, site, page, base, link)
    if "injected-parameters" in cell["metadata"].get("tags", []):
        return []
    came = outputs(cell, site, page, base, link)
    if marks.get("echo") == "false":
        return came
    if is_test(source) and not came:
        return [folded("Tests", block(source, "python"))]
    language = "python" if not re.search(r"^[!%]", source, re.M) else "ipython3"
    return [block(source, language, "input"), *came]
