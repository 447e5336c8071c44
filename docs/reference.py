"""API entries from the source of exported cells: signatures, and tables of parameters from the comments beside them."""
import ast
import io
import re
import tokenize
from dataclasses import dataclass, field


@dataclass
class Entry:
    "One name that a module offers."
    kind: str                  # function, class, exception, method, property, data: a directive of Sphinx's Python domain
    name: str
    signature: str             # behind the name, with types and defaults
    doc: str = ""
    parameters: list = field(default_factory=list)   # of (names, default, meaning)
    returns: str = ""          # what comes back, in words
    members: list = field(default_factory=list)      # of `Entry`


def entries(source: str) -> list[Entry]:
    "What a piece of a module defines for others."
    notes = comments(source)
    found = []
    for node in ast.parse(source).body:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            found.append(function(node, notes, "function"))
        elif isinstance(node, ast.ClassDef):
            found.append(klass(node, notes))
        elif isinstance(node, (ast.Assign, ast.AnnAssign)):
            found += constants(node, notes)
    return [e for e in found if not e.name.startswith("_")]


def comments(source: str) -> dict[int, str]:
    "Line number -> the comment at its end."
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").rstrip() for t in tokens if t.type == tokenize.COMMENT and t.line[:t.start[1]].strip()}


def function(node, notes, kind) -> Entry:
    "A function or method."
    returns = f" -> {ast.unparse(node.returns)}" if node.returns else ""
    a = node.args
    method = kind != "function" and a.args and a.args[0].arg in ("self", "cls")
    shown = ast.arguments(a.posonlyargs, a.args[1:] if method else a.args, a.vararg, a.kwonlyargs, a.kw_defaults, a.kwarg, a.defaults)
    if any(isinstance(d, ast.Name) and d.id == "property" for d in node.decorator_list):
        return Entry("property", node.name, f"\n:type: {ast.unparse(node.returns)}" if node.returns else "", doc_of(node), returns=returned(node, notes))
    return Entry(kind, node.name, f"({ast.unparse(shown)}){returns}", doc_of(node), parameters(shown, notes, node), returned(node, notes))


def parameters(args, notes, node) -> list:
    "Rows of the table: the arguments that share a line share its comment."
    positional = args.posonlyargs + args.args
    defaults = [None] * (len(positional) - len(args.defaults)) + list(args.defaults)
    pairs = [*zip(positional, defaults), *([(args.vararg, None)] if args.vararg else []), *zip(args.kwonlyargs, args.kw_defaults), *([(args.kwarg, None)] if args.kwarg else [])]
    by_line = {}
    for arg, default in pairs:
        line = (default or arg.annotation or arg).end_lineno
        if line < node.body[0].lineno and line > node.lineno:
            star = "*" if arg is args.vararg else "**" if arg is args.kwarg else ""
            by_line.setdefault(line, []).append((star + arg.arg, default))
    return [(", ".join(n for n, _ in some), ", ".join(ast.unparse(d) for _, d in some if d is not None), notes[line]) for line, some in by_line.items() if line in notes]


def returned(node, notes) -> str:
    "The comment behind the signature."
    last = max([node.lineno] + [a.end_lineno for a in ast.walk(node.args) if hasattr(a, "end_lineno")])
    first_of_body = node.body[0].lineno
    lines = range(last + 1, first_of_body) if last > node.lineno else range(node.lineno, first_of_body)
    return next((notes[n].removeprefix("->").strip() for n in lines if n in notes), "")


def klass(node, notes) -> Entry:
    "A class with its fields, public methods and properties."
    bases = [ast.unparse(b) for b in node.bases]
    kind = "exception" if any(b.endswith(("Error", "Exception")) for b in bases) else "class"
    data = any("dataclass" in ast.unparse(d) for d in node.decorator_list)
    init = next((n for n in node.body if isinstance(n, ast.FunctionDef) and n.name == "__init__"), None)
    rows, signature = [], ""
    if init:
        e = function(init, notes, "method")
        rows, signature = e.parameters, e.signature
    elif data:
        fields = [n for n in node.body if isinstance(n, ast.AnnAssign) and isinstance(n.target, ast.Name)]
        rows = [(n.target.id, default_of(n), notes.get(n.end_lineno, "")) for n in fields]
        signature = "(" + ", ".join(f"{n.target.id}: {ast.unparse(n.annotation)}" + (f" = {default_of(n)}" if n.value else "") for n in fields) + ")"
    members = [function(n, notes, "method") for n in node.body if isinstance(n, (ast.FunctionDef, ast.AsyncFunctionDef)) and not n.name.startswith("_")]
    return Entry(kind, node.name, signature, doc_of(node), rows, members=members)


def default_of(node) -> str:
    "The default of a dataclass's field; a factory is shown as what it makes."
    if node.value is None:
        return ""
    text = ast.unparse(node.value)
    made = re.search(r"default_factory=(\w+)", text)
    return f"{made[1]}()" if made else text


def constants(node, notes) -> list[Entry]:
    "Names in capitals, with their values where these are short."
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    names = [n.id for t in targets for n in ([t] if isinstance(t, ast.Name) else getattr(t, "elts", [])) if isinstance(n, ast.Name)]
    values = [node.value] if len(names) == 1 else list(getattr(node.value, "elts", []))
    words = [ast.unparse(v) if v is not None else "" for v in values] + [""] * len(names)
    return [Entry("data", n, f"\n:value: {w}" if w and len(w) < 90 and "\n" not in w else "", notes.get(node.end_lineno, "") or notes.get(node.lineno, "")) for n, w in zip(names, words) if n.isupper()]


def doc_of(node) -> str:
    return ast.get_docstring(node) or ""


# As MyST Markdown

SPECIAL = re.compile(r"([\\*_\[\]<>$#|~{}])")


def prose(text: str, link=lambda name: None) -> str:
    "A comment or docstring: plain text but for `code`, which is linked where it is a name of the package."
    parts = re.split(r"(`[^`]+`)", text)
    return "".join((link(p[1:-1]) or p.replace("|", "\\|")) if p.startswith("`") and len(p) > 2 else SPECIAL.sub(r"\\\1", p) for p in parts)


def as_myst(entry: Entry, link, depth=8) -> str:
    "An entry as a directive, with those of its members inside."
    fence = ":" * depth
    signature, *options = (entry.name + entry.signature).split("\n")
    body = [paragraph for paragraph in ("\n".join(options), prose(entry.doc, link)) if paragraph]
    if entry.parameters:
        with_default = any(d for _, d, _ in entry.parameters)
        head = "| parameter | " + ("default | " if with_default else "") + "meaning |\n|:-|" + (":-|" if with_default else "") + ":-|"
        rows = [f"| `{n}` | " + ((f"`{d.replace('|', chr(92) + '|')}`" if d else "") + " | " if with_default else "") + f"{prose(m, link)} |" for n, d, m in entry.parameters]
        body.append(":::{div} parameters\n" + "\n".join([head, *rows]) + "\n:::")
    if entry.returns:
        body.append(f"Gives: {prose(entry.returns, link)}")
    body += [as_myst(m, link, depth - 2) for m in entry.members]
    return f"{fence}{{py:{entry.kind}}} {signature}\n" + "\n\n".join(body) + f"\n{fence}"
