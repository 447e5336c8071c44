"""The task catalogue: a page for each task of `all_tasks()`, made from its `Task` alone."""
import html
import re
from pathlib import Path

from notebooks import block, folded, raw
from reference import SPECIAL

HERE = Path(__file__).parent


def slug(name: str) -> str:
    return re.sub(r"[^\w.-]+", "_", name)


def narrow(name: str) -> str:
    "A name that may be broken behind its underscores, for the tree of pages."
    return name.replace("_", "_\u200b")


def plain(text) -> str:
    "A text from elsewhere in Markdown, with nothing in it but text."
    return SPECIAL.sub(r"\\\1", html.escape(" ".join(str(text).split()), quote=False)).replace("`", "\\`")


def safe_html(text: str) -> str:
    "Markdown from a task as HTML: no raw HTML, no pictures, no links but to the web."
    from markdown_it import MarkdownIt
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import PythonLexer, TextLexer
    def coloured(code, language, _):
        lexer = PythonLexer() if language == "python" else TextLexer()
        return f'<pre class="highlight"><code>{highlight(code, lexer, HtmlFormatter(nowrap=True))}</code></pre>'
    md = MarkdownIt("commonmark", {"html": False, "highlight": coloured}).enable("table").disable("image")
    out = md.render(re.sub(r"^(#+) ", r"\1### ", text, flags=re.M))
    out = re.sub(r'<a href="(?!https?:)[^"]*"[^>]*>(.*?)</a>', r"\1", out, flags=re.S)
    return out.replace("<table>", '<div class="table-wrapper"><table class="docutils">').replace("</table>", "</table></div>")


def body(text: str) -> str:
    return raw(f'<div class="told">{safe_html(text)}</div>')


def field_rows(fields, reading) -> str:
    "A table of fields; where they come from stands under what they mean."
    def meaning(f): return plain(f.meaning) + (f" (`{f.source}`)" if f.source else "")
    rows = [f"| `{reading(f)}` | {plain(f.range_words() if f.value is not None else f'{f.type_words()}, {f.range_words()}')} | {meaning(f)} |" for f in fields]
    return ":::{div} fields\n" + "\n".join(["| name | type, range, unit | meaning (where from) |", "|:-|:-|:-|", *rows]) + "\n:::"


def how_to_install(task) -> str:
    return f"`pip install 'promptpo[{task.extra}]'`" if task.extra else "nothing beyond promptpo"


def page(task, site, recorded) -> str:
    "The page of a task."
    from promptpo.prompt import policy_prompt
    from promptpo.task import describe
    file, parts = picture_file(task), [f"# {plain(task.name)}", plain(task.summary)]
    if file:
        parts.append(f"```{{image}} {site.keep(file.read_bytes(), '.png')}\n:alt: {task.name}\n:class: task-picture\n```")
    facts = [("family", plain(task.family)), ("horizon", f"{task.horizon} steps at most"), ("score", "mean return" if task.metric == "return" else "share of successful episodes"),
             ("needs", how_to_install(task)), ("recorded run", f"[{task.name}](../runs/{slug(task.name)}.md)" if task.name in recorded else "none yet")]
    parts.append("\n".join(["| | |", "|:-|:-|", *(f"| {k} | {v} |" for k, v in facts)]))
    parts.append(block(f"promptpo show {task.name}      # exactly what the model is told\npromptpo run {task.name}       # with a key, or a recorded run", "sh"))
    parts += ["## What the policy sees", "Its `act(self, obs)` is given an object `obs` with these attributes.", field_rows(task.obs, lambda f: f.reading)]
    parts += ["## What the policy sets", f"`act` returns {'an array with these entries' if len(task.acts) > 1 else 'one number' if task.acts[0].shape == () else 'one array'}.", field_rows(task.acts, lambda f: f.name)]
    parts += ["## Reward", "The return of an episode is the sum of the rewards of its steps." + (" The score is not the return but whether the episode succeeded." if task.metric == "success" else ""), body(task.reward_source)]
    if task.ending:
        parts += ["## How an episode ends", body(task.ending)]
    parts += ["## Floors and optimum", anchors(task)]
    parts += ["## What the model is not told", "\n".join(f"* {plain(w)}" for w in task.withheld) or "Nothing is withheld on purpose."]
    if task.notes:
        parts += ["## Notes for the model", body(task.notes)]
    if task.written:
        parts += ["## A policy written by hand", "With all that its author knows; a floor, and a test of the environment.", folded("Source", block(task.written, "python"))]
    parts += ["## The first prompt", folded("What the model is sent in the first round, word for word", block(policy_prompt(task).text, "markdown"))]
    return "\n\n".join(parts)


def anchors(task) -> str:
    if not task.anchors:
        return "Nothing is known yet to compare a score with."
    rows = [f"| {plain(a.name)} | {number(a.value)} | {plain(a.source)} |" for a in sorted(task.anchors, key=lambda a: a.value)]
    return "\n".join([f"| | mean {task.metric} | how it is known |", "|:-|-:|:-|", *rows])


def picture_file(task):
    "The stored picture of a task, or None."
    path = HERE / "pictures" / f"{slug(task.name)}.png"
    return path if path.exists() else None


def index(tasks, recorded, site) -> str:
    "All tasks by family, as cards."
    families = {}
    for t in tasks.values():
        families.setdefault(t.family, []).append(t)
    parts = ["# Tasks", f"{len(tasks)} tasks come with promptpo, and any other [Gymnasium environment](../{site.pages.get('nbs/tutorials/own_env.ipynb', 'index')}.md) can be one. Each page says what the policy sees and sets, how it is rewarded, what is known to compare "
             "a score with, and what the model is not told.", "`promptpo tasks --check` plays them all: same seed same episode, values in their ranges, the reward that is paid is the one in the text, the hand-written policy beats random actions."]
    alone = [t for some in families.values() if len(some) == 1 for t in some]
    for family, some in families.items():
        if len(some) > 1 or len(alone) == 1:
            parts += [f"## {plain(family)[:1].upper() + plain(family)[1:]}", cards(some, recorded, site)]
    if len(alone) > 1:
        parts += ["## One of a kind", cards(alone, recorded, site, lambda t: [plain(t.family)] if t.family != t.name else [])]
    parts.append("```{toctree}\n:hidden:\n\n" + "\n".join(f"{narrow(n)} <{slug(n)}>" for n in tasks) + "\n```")
    return "\n\n".join(parts)


def number(x: float) -> str:
    return f"{x:,.0f}" if abs(x) >= 1000 else f"{x:.4g}"


def cards(tasks, recorded, site, more=lambda task: []) -> str:
    out = ["::::::{grid} 1 2 2 3\n:gutter: 3\n"]
    for t in tasks:
        file = picture_file(t)
        image = f":img-top: {site.keep(file.read_bytes(), '.png')}\n:img-alt: {t.name}\n" if file else ""
        known = [f"{plain(a.name)} {number(a.value)}" for a in t.anchors if a.name in ("random", "optimum", "hand-written")]
        words = [*more(t), f"{t.horizon} steps, {'return' if t.metric == 'return' else 'success rate'}", *known] + (["recorded run"] if t.name in recorded else []) + ([f"needs `{t.extra}`"] if t.extra else [])
        out.append(f":::::{{grid-item-card}} {narrow(plain(t.name))}\n:link: {slug(t.name)}\n:link-type: doc\n{image}:class-card: task-card\n\n" + "  \n".join(w for w in words if w) + "\n:::::\n")
    return "\n".join(out) + "::::::"


def write(site, tasks, recorded):
    site.write("tasks/index", index(tasks, recorded, site))
    for t in tasks.values():
        site.write(f"tasks/{slug(t.name)}", page(t, site, recorded))
