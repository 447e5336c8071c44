"The documentation site is built without a warning, and every page of it is opened in a browser, where Playwright and Chromium are."
import os
import re
import subprocess
import sys
from collections import deque
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urldefrag

import pytest
from chromium import browser  # noqa: F401, a fixture

pytest.importorskip("sphinx")
ROOT = Path(__file__).parents[1]


class Page(HTMLParser):
    "What a page refers to, and what can be referred to in it."

    def __init__(self, path):
        super().__init__()
        self.refers, self.ids, self.in_article, self.links = [], set(), 0, []
        self.feed(path.read_text(encoding="utf-8"))

    def handle_starttag(self, tag, attributes):
        a = dict(attributes)
        self.ids |= {a[k] for k in ("id", "name") if k in a}
        self.refers += [a[k] for k in ("href", "src") if k in a and tag != "form"]
        self.in_article += tag == "article"
        if tag == "a" and "href" in a and self.in_article:
            self.links.append(a["href"])

    def handle_endtag(self, tag):
        self.in_article -= tag == "article"


@pytest.fixture(scope="module")
def site():
    "The site, and what its build printed. It is built only if nobody has built it from what is here now: a site with a warning is never taken for built."
    done = subprocess.run([sys.executable, ROOT / "docs" / "build.py", "--if-changed"], capture_output=True, text=True, env={**os.environ, "PYTHONPATH": str(ROOT)})
    return ROOT / "_docs", done


@pytest.fixture(scope="module")
def pages(site):
    return {p.resolve(): Page(p) for p in sorted(site[0].rglob("*.html")) if "_static" not in p.parts}


def test_no_warning(site):
    out, done = site
    print(done.stdout)
    assert done.returncode == 0, done.stderr
    assert "WARNING" not in done.stderr


def test_links(pages):
    "Every link leads to a file that is there, and to a place in it that is there; nothing is loaded from the network."
    broken = []
    for path, page in pages.items():
        for reference in page.refers:
            if reference.startswith(("https:", "http:", "mailto:", "data:")):
                continue
            target, anchor = urldefrag(unquote(reference))
            file = (path.parent / target.split("?")[0]).resolve() if target else path
            if not file.exists() or anchor and file in pages and anchor not in pages[file].ids:
                broken.append(f"{path.name}: {reference}")
    assert not broken, "\n".join(broken[:40])


@pytest.fixture(scope="module")
def ways(site, pages):
    "Page -> the pages on the shortest way from the first page to it, by links in the text alone: the tree at the side is far from what one reads, and closed on a small screen."
    start = (site[0] / "index.html").resolve()
    found, queue = {start: []}, deque([start])
    while queue:
        here = queue.popleft()
        for link in dict.fromkeys(urldefrag(unquote(link))[0] for link in pages[here].links):
            target = (here.parent / link).resolve() if link else here
            if target in pages and target not in found:
                found[target] = [*found[here], target]
                queue.append(target)
    return found


@pytest.mark.parametrize("page, words", [("tutorials/own_env", "class Thermostat"), ("tasks/glucose", "obs.bg"), ("guides/numbers", "Picking the best of many makes luck look like skill"), ("guides/isolation_report", "The key is not there to be taken")])
def test_within_three_clicks(site, ways, page, words):
    "What a reader who knows none of this wants: her own environment, what `obs` is in glucose, why the number is lower, how her key is safe."
    path = (site[0] / f"{page}.html").resolve()
    print(" > ".join(p.stem for p in ways[path]))
    assert len(ways[path]) <= 3
    assert words in re.sub(r"<[^>]+>", "", path.read_text(encoding="utf-8"))


def test_all_tasks_and_runs_have_pages(site):
    from promptpo.runlog import recorded_runs
    from promptpo.task import all_tasks
    assert {p.stem for p in (site[0] / "tasks").glob("*.html")} == {*all_tasks(), "index"}
    assert {p.stem for p in (site[0] / "runs").glob("*.html")} == {*recorded_runs(), "index"}


def test_task_without_picture_or_extra(tmp_path):
    "A task that cannot be built here, and has no picture, still has its page, with all that is known of it."
    sys.path.insert(0, str(ROOT / "docs"))
    from dataclasses import replace
    import catalogue
    from notebooks import Site
    from promptpo.task import line_task
    def make(): raise ImportError("no simulator here")
    task = replace(line_task(), name="not_here", make=make, extra="somewhere")
    made = Site(ROOT, tmp_path, "https://example.org")
    catalogue.write(made, {"not_here": task}, {})
    text = (tmp_path / "tasks" / "not_here.md").read_text(encoding="utf-8")
    for words in ("`obs.position`", "from 0 to 9 cells", "where the walker is", "promptpo[somewhere]", "the start cell", "optimum"):
        assert words in text, words
    assert "task-picture" not in text


def opened(browser, trouble, **more):
    "A page that notes errors and requests that leave this machine."
    page = browser.new_page(**more)
    page.on("console", lambda m: trouble.append(f"{page.url}: {m.text}") if m.type in ("error", "warning") else None)
    page.on("pageerror", lambda e: trouble.append(f"{page.url}: {e}"))
    page.on("request", lambda r: trouble.append(f"{page.url} asks for {r.url}") if r.url.startswith("http") else None)
    page.on("requestfailed", lambda r: trouble.append(f"{page.url}: {r.url} failed"))
    return page


def test_every_page_in_a_browser(pages, browser):
    "Opened as files, without a network: no error in the console, nothing missing, and no page wider than the window, at 1200 and at 800 pixels."
    trouble = []
    page = opened(browser, trouble)
    for path in pages:
        page.goto(path.as_uri())
        for width in (1200, 800):
            page.set_viewport_size(dict(width=width, height=900))
            wide = page.evaluate("document.documentElement.scrollWidth")
            if wide > width:
                trouble.append(f"{path.name} is {wide} pixels wide in a window of {width}")
    page.close()
    assert not trouble, "\n".join(trouble[:40])


def test_search_and_dark_theme(site, browser):
    "Search works in a page that was opened as a file, and the dark theme is dark."
    trouble = []
    page = opened(browser, trouble, color_scheme="dark")
    page.goto(f"{(site[0] / 'search.html').as_uri()}?q=glucose")
    page.wait_for_selector("#search-results li a", timeout=20_000)
    assert any("tasks/glucose" in a.get_attribute("href") for a in page.query_selector_all("#search-results li a"))
    page.goto((site[0] / "index.html").as_uri())
    red, green, blue = page.evaluate("getComputedStyle(document.body).backgroundColor.match(/\\d+/g).slice(0, 3).map(Number)")
    assert max(red, green, blue) < 60
    visible = page.evaluate("[...document.querySelectorAll('article img')].filter(i => i.offsetParent).map(i => i.className)")
    assert visible and not any("only-light" in c for c in visible)
    page.close()
    assert not trouble, trouble


HOSTILE = "</pre></code><script>document.title = 'owned'</script><img src=x onerror=\"document.title='owned'\">\n```\n:::::::\n# Heading\n| a | b |\n$x$ [link](javascript:alert(1)) {raw}`html` \u202e\x1b[31m\x00 " + "w" * 5000


def test_model_written_text_is_text(tmp_path, browser):
    "Code, reflections and names from a model that wants to be markup are shown as text."
    sys.path.insert(0, str(ROOT / "docs"))
    import results
    from notebooks import Site
    from promptpo.runlog import RunLog
    from promptpo.stats import example_run
    example_run(tmp_path / "plain")
    log = RunLog(tmp_path / "hostile")
    for e in RunLog(tmp_path / "plain"):
        data = dict(e.data)
        for key in ("text", "code", "error", "output", "model"):
            if key in data:
                data[key] = HOSTILE
        if e.kind == "started":
            data["task"] = HOSTILE[:60]
        log.add(e.kind, e.id, e.refs, **data)
    log.close()
    made = Site(ROOT, tmp_path / "source", "https://example.org", tmp_path / "reports")
    made.write("index", results.run_page(HOSTILE[:60].replace("\n", " "), tmp_path / "hostile", {}, made))
    done = subprocess.run([sys.executable, "-m", "sphinx", "-q", "-W", "-b", "html", "-c", ROOT / "docs", tmp_path / "source", tmp_path / "html"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    trouble = []
    page = opened(browser, trouble, viewport=dict(width=800, height=900))
    page.goto((tmp_path / "html" / "index.html").as_uri())
    assert "owned" not in page.title()
    assert page.evaluate("document.querySelectorAll('article script, article [onerror], article a[href^=javascript]').length") == 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 800
    page.close()
    assert not trouble, trouble
