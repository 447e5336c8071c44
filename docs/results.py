"""Pages of recorded runs and of figures, from logs and from what `promptpo figures` has built."""
import html
import io
import json
import re
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from catalogue import narrow, plain, slug
from notebooks import block, code_cell, folded, markdown, raw

FIRST = ("first_look", "story", "rounds", "optimism", "exploration", "cost")   # figures in the order in which one looks at them; others follow
MARKS = {"+": "new", "-": "gone", "@": "skipped", " ": "kept"}


def both_looks(draw, site, alt: str) -> str:
    "A picture for light and for dark pages."
    from promptpo.figures import NOTHING
    from promptpo.plots import drawn
    parts = []
    for style, kind in (("print", "only-light"), ("dark", "only-dark")):
        with drawn(style):
            data = io.BytesIO()
            draw().savefig(data, format="png", dpi=170, metadata=NOTHING["png"])
        parts.append(f"```{{image}} {site.keep(data.getvalue(), '.png')}\n:alt: {alt}\n:class: {kind} figure-picture\n```")
    return "\n\n".join(parts)


def quotation(text: str) -> str:
    "What a model wrote: text, whatever it holds."
    clean = "".join(c if c.isprintable() or c in "\n\t" else "�" for c in text)
    return raw(f'<blockquote class="model">{html.escape(clean)}</blockquote>')


def diff(version) -> str:
    "The changes of a version as lines, each of its kind."
    def clean(t): return "".join(c if c.isprintable() else "�" for c in t)
    rows = "".join(f'<span class="{MARKS[m]}">{html.escape(m if m != "@" else " ")} {html.escape(clean(t.lstrip("@") if m == "@" else t))}\n</span>' for m, t in version.changes())
    return raw(f'<div class="diff"><pre>{rows}</pre></div>')


def facts(report: str) -> str:
    "The lines of a report as a table."
    def words(text): return re.sub(r" {2,}", ", ", re.sub(r" {2,}(?=\()", " ", text.strip()))
    rows = [f"| {plain(line[2:17])} | {plain(words(line[17:]))} |" for line in report.split("\n")[1:] if line[:2] == "  "]
    return ":::{div} facts\n" + "\n".join(["| | |", "|:-|:-|", *rows]) + "\n:::"


def run_page(name: str, folder, tasks, site) -> str:
    "One recorded run: what came of it, and how it went round by round."
    from promptpo.loop import Run
    from promptpo.plots import PAGE, axes_at, learning_curve, new_figure
    from promptpo.runlog import report, report_text
    from promptpo.stats import events_of, tries, versions
    events = events_of(folder)
    r, task = report(events), tasks.get(report(events).task)
    def curve():
        figure = new_figure(PAGE, 3.1, layout=None)   # a layout that is worked out takes as long as the drawing
        learning_curve(events, task.anchors if task else (), axes_at(figure, 0.62, 0.25, PAGE - 1.72, 2.1))
        return figure
    parts = [f"# {plain(name)}", f"A recorded run on [{plain(r.task)}](../tasks/{slug(r.task)}.md)." if task else f"A recorded run on {plain(r.task)}."]
    parts += [both_looks(curve, site, f"learning curve of {name}") if r.candidates else "", facts(report_text(r, anchors=task.anchors if task else ()))]
    parts.append(block(f"promptpo report {name}    # every candidate\npromptpo verify {name}    # do it again from its log, and compare\npromptpo run {r.task}       # replay it, if there is no key", "sh"))
    if hasattr(Run, "html"):
        report_file = site.reports / f"{slug(name)}.html"
        report_file.parent.mkdir(parents=True, exist_ok=True)
        Run(folder).html(report_file)
        parts.append(raw(f'<p><a class="report" href="../reports/{html.escape(slug(name))}.html">The whole run on one page</a>: every prompt, reply, program, difference and episode, as the panel shows it.</p>'))
    if r.policy:
        parts += ["## The policy", f"{r.chosen}, which the test score is about. It was written by a language model and is shown as it is.", folded("Source", block(r.policy, "python"))]
    parts.append("## Round by round")
    for v in versions(events):
        parts.append(f"### Round {v.round}: {v.score:.6g}")
        parts.append(f"{v.id}, " + (f"{v.new} new lines and {v.gone} gone." if any(m == " " for m, _ in v.lines) else f"{v.new} lines."))
        parts.append(folded("What changed", diff(v)) if any(m == " " for m, _ in v.lines) else folded("Source", block("\n".join(t for m, t in v.lines if m == "+"), "python")))
        if v.reflection:
            parts.append(quotation(v.reflection))
    table = tries(events)
    rows = [f"| {t.id} | {plain(t.status)}{': ' + plain(t.why) if t.why else ''} | {'' if t.score != t.score else f'{t.score:.6g}'} | {t.n} | {'yes' if t.best else ''} |" for t in table.itertuples()]
    last = [e.data["trajectories"] for e in events if e.kind == "told" and "trajectories" in e.data]
    if last and (folder / last[-1]).exists():
        import numpy as np
        from promptpo.plots import episodes
        with np.load(folder / last[-1], allow_pickle=False) as arrays:
            kept = dict(arrays)
        parts += ["## Episodes of the last round's best program", both_looks(lambda: episodes(kept), site, "observations, actions and rewards over time")]
    parts += ["## All candidates", "\n".join(["| candidate | outcome | search score | episodes | best of its round |", "|:-|:-|-:|-:|:-|", *rows])]
    return "\n\n".join(p for p in parts if p)


_SHARED = {}   # what a process inherits


def _run_page(name, folder):
    return run_page(name, folder, **_SHARED)


def write_runs(site, tasks, runs):
    from promptpo.runlog import report
    from promptpo.stats import events_of
    rows = []
    with ProcessPoolExecutor(mp_context=get_context("fork"), initializer=_SHARED.update, initargs=(dict(tasks=tasks, site=site),)) as pool:   # a page is mostly pictures
        pages = {name: pool.submit(_run_page, name, folder) for name, folder in runs.items()}
    for name, folder in runs.items():
        r = report(events_of(folder))
        site.write(f"runs/{slug(name)}", pages[name].result())
        test = f"{r.test_mean:.4g} [{r.test_low:.4g}, {r.test_high:.4g}]" if r.test_low is not None else "none"
        optimum = next((f"{a.value:.4g}" for a in (tasks[r.task].anchors if r.task in tasks else ()) if a.name == "optimum"), "")
        rows.append(f"| [{plain(name)}]({slug(name)}.md) | {plain(r.model or r.llm)} | {r.rounds} × {r.candidates // max(1, r.rounds)} | {'' if r.search_mean is None else f'{r.search_mean:.4g}'} | {test} | {optimum} |")
    readme = (site.root / "data" / "runs" / "README.md").read_text(encoding="utf-8").split("\n", 1)[1]
    parts = ["# Recorded runs", "Every score is the mean of a task's own metric. What a search score is, and why it is larger than the test score on average, is in [what the number means](../guides/numbers.md).",
             ":::{div} runs\n" + "\n".join(["| run | model | rounds × candidates | search score | test score [95 %] | optimum |", "|:-|:-|:-|-:|-:|-:|", *rows]) + "\n:::", "## How they were made",
             re.sub(r"\]\(([^)\s]+)\)", lambda m: f"]({site.link(m[1], 'runs/index', 'data/runs')})", readme), "```{toctree}\n:hidden:\n\n" + "\n".join(f"{narrow(n)} <{slug(n)}>" for n in runs) + "\n```"]
    site.write("runs/index", "\n\n".join(parts))


def write_gallery(site):
    "The figures that `promptpo figures` has built, with caption, command and files."
    records = [json.loads(p.read_text(encoding="utf-8")) for p in (site.root / "figures").glob("*.json")]
    records.sort(key=lambda r: (FIRST.index(r["name"]) if r["name"] in FIRST else len(FIRST), r["name"]))
    cards = []
    for r in records:
        name, folder = r["name"], site.root / "figures"
        notebook = json.loads((folder / f"{name}.ipynb").read_text(encoding="utf-8"))
        title, summary, _ = title_of(notebook)
        site.pages[f"figures/{name}.ipynb"] = f"gallery/{name}"
        light, dark = (site.keep((folder / f"{name}{s}.png").read_bytes(), ".png") for s in ("", ".dark" if (folder / f"{name}.dark.png").exists() else ""))
        files = " · ".join(f"[{label}]({site.url}/blob/main/figures/{name}{suffix})" for label, suffix in (("PDF", ".pdf"), ("PNG", ".png"), ("executed notebook", ".ipynb"), ("hashes", ".json")))
        parts = [f"# {plain(title)}", f"```{{image}} {light}\n:alt: {name}\n:class: only-light figure-picture\n```\n\n```{{image}} {dark}\n:alt: {name}\n:class: only-dark figure-picture\n```",
                 caption(r["caption"]), block(r["command"], "sh"), f"Files: {files}. Template: [nbs/figures/{name}.ipynb]({site.url}/blob/main/nbs/figures/{name}.ipynb).", how_fresh(r), "## The notebook", rest_of(notebook, name, site)]
        site.write(f"gallery/{name}", "\n\n".join(parts))
        cards.append(f":::::{{grid-item-card}} {plain(title)}\n:link: {name}\n:link-type: doc\n:class-card: figure-card\n\n{plain(summary)}\n\n```{{image}} {light}\n:alt: {name}\n:class: only-light\n```\n\n```{{image}} {dark}\n:alt: {name}\n:class: only-dark\n```\n:::::\n")
    guide = site.pages.get("nbs/guides/add_a_figure.ipynb")
    more = f" [How to add a figure](../{guide}.md)." if guide else ""
    site.write("gallery/index", "\n\n".join(["# Figures", f"Each figure is a short notebook over logs, and is drawn without a model, a simulator or a network. `promptpo figures` builds what is out of date, and `promptpo figures --check` says what is.{more}",
        "::::::{grid} 1 1 2 2\n:gutter: 3\n\n" + "\n".join(cards) + "::::::", "```{toctree}\n:hidden:\n\n" + "\n".join(r["name"] for r in records) + "\n```"]))


def title_of(notebook) -> tuple:
    "Title, summary and the rest of a notebook's first cell."
    first = "".join(notebook["cells"][0]["source"])
    found = re.match(r"# (.*?)\n+(?:> (.*?)\n+)?(.*)", first + "\n", re.S)
    return found[1], found[2] or "", found[3].strip()


def caption(text: str) -> str:
    return f":::{{div}} caption\n{text}\n:::"


def how_fresh(record) -> str:
    "From what a figure was made."
    made = record["made_from"]
    logs = [k.removeprefix("log of ") for k in made if k.startswith("log of ")]
    rows = [f"| {plain(k)} | `{v}` |" for k, v in made.items() if isinstance(v, str)]
    return folded(f"Made from {len(logs)} log{'s' * (len(logs) != 1)}; hashes of all inputs", "\n".join(["| input | SHA-256 begins with |", "|:-|:-|", *rows]))


def rest_of(notebook, name, site) -> str:
    "The executed notebook without its title, picture and caption, with its headings a step lower."
    kept = notebook["cells"][1:]
    link, parts = site.reference(""), []
    for cell in kept:
        source = "".join(cell["source"])
        if cell["cell_type"] == "markdown":
            parts.append(markdown(re.sub(r"^##", "###", source, flags=re.M), site, f"gallery/{name}", "figures", link))
        elif re.search(r"^(save|caption)\(", source, re.M):   # what these show is above
            parts.append(block(source, "python", "input"))
        else:
            parts += code_cell(cell, site, f"gallery/{name}", "figures", link)
    return "\n\n".join(parts)
