"""Builds the documentation site from notebooks, tasks, recorded runs and figures.

    python docs/build.py              # the site, in _docs
    python docs/build.py --if-changed # the same, unless it was built from what is here now
    python docs/build.py --pictures   # draw the pictures of the tasks afresh first

It runs no notebook: their outputs are stored, and tests see to it that they are what the cells give. A warning is an error.
"""
import argparse
import hashlib
import re
import shutil
import subprocess
import sys
import time
from configparser import ConfigParser
from importlib.metadata import distributions
from pathlib import Path

import catalogue
import results
from notebooks import Site, bare, is_exported, module_of, page_of, read, text_of
from reference import entries

ROOT = Path(__file__).resolve().parents[1]
FIRST = ("first", "read", "own", "five", "fork", "compar")   # beginnings of the tutorials' names, in the order in which one reads them
STAGES = {"0": "Record", "1": "Tasks", "2": "Ask", "3": "Try", "4": "Improve", "5": "Look", "9": "Doors"}


def settings() -> dict:
    ini = ConfigParser(delimiters=["="])
    ini.read(ROOT / "settings.ini", encoding="utf-8")
    return ini["DEFAULT"]


def sources() -> dict[str, Path]:
    "Page -> notebook. A module's page bears the module's name; other notebooks keep theirs."
    found = {}
    for path in sorted((ROOT / "nbs").rglob("*.ipynb")):
        parts = path.relative_to(ROOT / "nbs").parts
        if any(p.startswith((".", "_")) for p in parts) or parts[0] == "figures":   # the gallery has these
            continue
        found["/".join((*parts[:-1], re.sub(r"^\d+[a-z]?_", "", path.stem)))] = path
    return found


def offered(pages) -> tuple[dict, dict]:
    "Name -> modules that offer it; module -> names of its parameters and fields."
    names, words = {}, {}
    for path in pages.values():
        notebook = read(path)
        for cell in notebook["cells"] if module_of(notebook) else []:
            for e in entries(bare(text_of(cell))) if is_exported(cell) else []:
                words.setdefault(module_of(notebook), set()).update(w for each in (e, *e.members) for row in each.parameters for w in row[0].split(", "))
                for name in (e.name, *(f"{e.name}.{m.name}" for m in e.members)):
                    names.setdefault(name, []).append(module_of(notebook))
    return names, words


def write_pages(site, pages):
    for page, path in pages.items():
        text = page_of(path, site, page)
        site.write(page, home(text, site, pages) if page == "index" else text)


def home(text: str, site, pages) -> str:
    "The first page: the index notebook, with ways in below its first lines, and the tree of all pages."
    head, rest = text.split("\n\n```{image}", 1)
    ways = [("On your own environment", "Any Gymnasium class, in five lines.", "tutorials/own_env"), ("What the number means", "Why it is lower than the search score, and why you can trust it.", "guides/numbers"),
            ("Code that nobody trusts", "How it is kept away from your keys, files and network.", "guides/isolation_report"), ("Tasks", "What the policy sees and sets, the reward, floors and optimum.", "tasks/index"),
            ("Recorded runs", "Real runs of a real model, round by round.", "runs/index"), ("Figures", "Drawn from logs, each with the command that makes it.", "gallery/index")]
    cards = "::::{grid} 1 2 3 3\n:gutter: 3\n:class-container: ways\n\n" + "\n".join(f":::{{grid-item-card}} {t}\n:link: {p}\n:link-type: doc\n\n{w}\n:::" for t, w, p in ways if p.split("/")[0] in ("tasks", "runs", "gallery") or p in pages) + "\n::::"
    def group(folder): return [p for p in pages if p.startswith(folder + "/")]
    tutorials = sorted(group("tutorials"), key=lambda p: (next((i for i, f in enumerate(FIRST) if f in p), 99), p))
    guides = sorted(group("guides"), key=lambda p: ("add_" in p, p))
    trees = [("Start", ["Home <self>", *tutorials]), ("Understand", guides), ("See", ["tasks/index", "runs/index", "gallery/index"]), ("Look up", ["reference", "changelog"])]
    toc = "\n\n".join(f"```{{toctree}}\n:caption: {title}\n:hidden:\n\n" + "\n".join(some) + "\n```" for title, some in trees if some)
    return f"{head}\n\n{cards}\n\n```{{image}}{rest}\n\n{toc}"


def write_reference(site, pages):
    "All modules with what they offer."
    parts = ["# Reference", "Every module is made from a notebook that explains it, shows it and tests it. Its page is that notebook: the prose, each name with its signature and parameters, the source folded away, and examples with what they show."]
    modules = {page: path for page, path in pages.items() if "/" not in page and page != "index"}
    for digit, stage in STAGES.items():
        some = {page: path for page, path in modules.items() if path.name.startswith(digit)}
        if not some:
            continue
        parts += [f"## {stage}", "| module | what it is | offers |\n|:-|:-|:-|\n" + "\n".join(row(page, path, site) for page, path in some.items())]
    parts.append("```{toctree}\n:hidden:\n\n" + "\n".join(modules) + "\n```")
    parts.append("All names from A to Z, constants too, are in the {ref}`index <genindex>`.")
    site.write("reference", "\n\n".join(parts))


def row(page, path, site) -> str:
    notebook = read(path)
    summary = next((m[1] for c in notebook["cells"] if c["cell_type"] == "markdown" for m in [re.search(r"^> (.+)$", text_of(c), re.M)] if m), "")
    module, link = module_of(notebook), site.reference(module_of(notebook))
    found = [e.name for c in notebook["cells"] if is_exported(c) for e in entries(bare(text_of(c))) if e.kind != "data"] if module else []
    return f"| [{page}]({page}.md) | {summary.replace('|', chr(92) + '|')} | {', '.join(link(n) or f'`{n}`' for n in found)} |"


def write_changelog(site):
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    site.write("changelog", re.sub(r"\]\(([^)\s]+)\)", lambda m: f"]({site.link(m[1], 'changelog', '.')})", text))


def write_all(site):
    "All of Sphinx's sources."
    import promptpo
    from promptpo.runlog import recorded_runs
    from promptpo.task import all_tasks
    pages, tasks, runs = sources(), all_tasks(), recorded_runs()
    site.pages.update({p.relative_to(ROOT).as_posix(): page for page, p in pages.items()})
    site.pages.update({"CHANGELOG.md": "changelog", "data/runs/README.md": "runs/index", "data/runs": "runs/index", "README.md": "index"})
    site.pages.update({f"nbs/figures/{p.stem}.ipynb": f"gallery/{p.stem}" for p in (ROOT / "figures").glob("*.ipynb")})
    names, words = offered(pages)
    site.names.update(names)
    site.words.update(words)
    site.public.update(promptpo.__all__)
    write_pages(site, pages)
    write_reference(site, pages)
    write_changelog(site)
    catalogue.write(site, tasks, runs)
    results.write_runs(site, tasks, runs)
    results.write_gallery(site)


def made_from() -> str:
    "A hash of all that a site depends on: files of the repository, and what is installed."
    files = [ROOT / "settings.ini", ROOT / "CHANGELOG.md", *(p for folder in ("data", "docs", "figures", "nbs", "promptpo") for p in (ROOT / folder).rglob("*") if (ROOT / "nbs" / "runs") not in p.parents)]
    total = hashlib.sha256("\n".join(sorted({f"{d.metadata['Name']} {d.version}" for d in distributions()})).encode())
    for path in sorted(p for p in files if p.is_file() and not any(part.startswith(".") or part == "__pycache__" for part in p.relative_to(ROOT).parts)):
        total.update(path.relative_to(ROOT).as_posix().encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return total.hexdigest()


def main(arguments=None) -> int:
    "Build the site."
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=Path, default=ROOT / settings()["doc_path"], help="folder of the site")
    parser.add_argument("--if-changed", action="store_true", help="build nothing if the site was built from what is here now")
    parser.add_argument("--pictures", action="store_true", help="draw the pictures of the tasks afresh first")
    args = parser.parse_args(arguments)
    began = time.monotonic()
    if args.pictures:
        import pictures
        pictures.draw_all()
    work, stamp, now = ROOT / "build" / "docs", args.out / ".made_from", made_from()
    if args.if_changed and stamp.exists() and stamp.read_text() == now:
        print(f"The site in {args.out} is up to date")
        return 0
    for folder in (work, ROOT / "build" / "reports", args.out):
        shutil.rmtree(folder, ignore_errors=True)
    site = Site(ROOT, work, settings()["git_url"], ROOT / "build" / "reports")
    write_all(site)
    print(f"{len(list(work.rglob('*.md')))} pages written in {time.monotonic() - began:.0f} s", flush=True)
    for problem in site.problems:
        print(f"WARNING: {problem}", file=sys.stderr)
    done = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "-j", "auto", "-b", "html", "-d", str(ROOT / "build" / "doctrees"), "-c", str(ROOT / "docs"), str(work), str(args.out)])
    if site.reports.exists():
        shutil.copytree(site.reports, args.out / "reports")
    if done.returncode == 0 and not site.problems:
        stamp.write_text(now)   # not if there were warnings
        print(f"The site is in {args.out}; open {args.out / 'index.html'} ({time.monotonic() - began:.0f} s)")
    return int(done.returncode != 0 or bool(site.problems))


if __name__ == "__main__":
    sys.exit(main())
