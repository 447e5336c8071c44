"""README.md from nbs/index.ipynb. `--check` only says whether it is up to date."""
import re
import sys
from pathlib import Path

import nbformat
from nbconvert import MarkdownExporter

root = Path(__file__).resolve().parents[1]


def shown(cell):
    "What a cell shows, without its code: Markdown, or what it prints as a block."
    for o in cell.outputs:
        if "text/markdown" in o.get("data", {}):
            return nbformat.v4.new_markdown_cell(o.data["text/markdown"])
    text = "".join(o.text for o in cell.outputs if o.output_type == "stream")
    return nbformat.v4.new_markdown_cell(f"```\n{text.strip()}\n```")


def readme() -> str:
    "The index notebook as Markdown: hidden cells and directives left out, links as seen from the top."
    notebook = nbformat.read(root / "nbs" / "index.ipynb", 4)
    notebook.cells = [c for c in notebook.cells if not re.search(r"^#\| *hide\b", c.source, re.M)]
    notebook.cells = [shown(c) if re.search(r"^#\| *echo: *false", c.source, re.M) else c for c in notebook.cells]
    for cell in notebook.cells:
        cell.source = re.sub(r"^#\|.*\n?", "", cell.source, flags=re.M)
    notebook.metadata["language_info"] = {"name": "python"}
    text, _ = MarkdownExporter().from_notebook_node(notebook)
    text = re.sub(r"\]\((?!https?:|\.\./)([\w./-]+\.ipynb)", r"](nbs/\1", text)
    text = text.replace("](../", "](")
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


if __name__ == "__main__":
    target, text = root / "README.md", readme()
    if "--check" in sys.argv:
        if target.read_text(encoding="utf-8") != text:
            sys.exit("README.md differs from nbs/index.ipynb: run python .ci/readme.py")
    else:
        target.write_text(text, encoding="utf-8")
