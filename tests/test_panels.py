"""Panels in a real JupyterLab, in a headless Chromium: opened, clicked, read, and photographed.

Skipped where Playwright or Chromium is missing. `PROMPTPO_SHOTS=folder` keeps the photographs, of every view, in both themes, 1200 and 800 pixels wide. Whatever is waited for is something that the page
shows, and what it should show is computed from the log."""
import json
import os
import re
import secrets
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import nbformat
import pytest
from chromium import browser  # noqa: F401, a fixture

ROOT = Path(__file__).resolve().parents[1]
LONG = 180_000   # milliseconds until a test gives up, on a machine that does much else
SETTINGS = {
    "@jupyterlab/apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},   # no pop-up over the page
    "@jupyterlab/notebook-extension/tracker": {"windowingMode": "none"},
}
MODEL = '''
def model(prompt, sample):
    "A model that gets better, with a typing error here and there."
    if "Do not write code yet" in prompt: return "It should go right."
    good = "Best policy of round" in prompt
    body = ["return 1", "return 1 / 0", "return obs.positon", "return 0 if obs.position == 7 else 1"][sample % 4] if good else ["return 0 if obs.position % 2 else 1", "return 1 / 0", "return 0", "I would rather not."][sample % 4]
    return f"Idea {sample}.\\n```python\\nclass Policy:\\n    def act(self, obs):\\n        {body}\\n```" if body.startswith("ret") else body
'''


def grown(folder, rounds, candidates, kept=None):
    "A run of that size, made of copies of a recorded one: real prompts, replies and programs. `kept`: only so many events."
    from dataclasses import asdict
    from promptpo.runlog import find_run, read_events
    events = read_events(find_run("noise_world_board_4") / "events.jsonl")
    last = max(int(e.id[1:-6]) for e in events if re.fullmatch(r"r\d+\.asked", e.id))
    width = 1 + min(max(int(m[1]) for e in events if (m := re.match(rf"r{n}\.c(\d+)\.", e.id))) for n in range(1, last + 1))
    out = [asdict(events[0])]
    for n in range(1, rounds + 1):
        like = (n - 1) % last + 1
        old = [e for e in events if e.id.startswith(f"r{like}.")]
        def moved(e, i=None):
            at = {"round": n} if "round" in e.data else {}
            place = lambda id: re.sub(r"^r\d+(\.c\d+)?", f"r{n}" + (f".c{i}" if i is not None else ""), id) if i is not None else re.sub(r"^r\d+", f"r{n}", id)
            refs = [f"r{n}.asked" if r.endswith(".asked") else place(r) for r in e.refs]
            return {**asdict(e), "id": place(e.id), "refs": refs, "data": {**e.data, **at, **({"candidate": i} if i is not None else {})}}
        out += [moved(e) for e in old if e.id == f"r{like}.asked"]
        for i in range(candidates):
            mine = [e for e in old if e.id.startswith(f"r{like}.c{i % width}.")]
            out += [moved(e, i) for e in mine]
        out += [moved(e) for e in old if not re.search(r"\.c\d|\.asked$", e.id) or ".reflect." in e.id]
    out = out[:kept] + ([] if kept else [asdict(e) for e in events if re.match(r"final\.r1|final\.chosen|tested|ended", e.id)])
    folder.mkdir(parents=True)
    (folder / "events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in out))
    return folder


def clocked(action):
    "Processor seconds of an action."
    start = time.process_time()
    action()
    return time.process_time() - start


def test_speed(tmp_path, capsys):
    "How long it takes to open 10 rounds of 10 candidates of 5 episodes, and to step; its report has less than 2 MB."
    from promptpo import Run
    from promptpo.panels import RunPanel
    RunPanel("noise_world_board_1").pick(1)   # so that imports are not counted
    small = clocked(lambda: RunPanel("noise_world_board_4"))
    folder = grown(tmp_path / "large", 10, 10)
    shown = []
    large = clocked(lambda: shown.append(RunPanel(folder)))
    panel, steps = shown[0], []
    assert len(panel.story.tries) == 100
    for name in panel.tabs.options:
        panel.tabs.value = name
        steps += [(clocked(lambda: panel.pick(n, i)), name) for n, i in ((3, 4), (7, 1), (7, 2), (8, 9))]
    report = Run(folder).html(tmp_path / "report.html").read_bytes()
    size, left_out = len(report), report.count(b"has no room in this file")
    with capsys.disabled():
        print(f"\n10 x 10 x 5: opened in {large:.2f} s, {large / small:.1f} times a recorded run of 4 x 4 x 5; slowest step {1000 * max(steps)[0]:.0f} ms ({max(steps)[1]}), "
              f"median {1000 * sorted(steps)[len(steps) // 2][0]:.0f} ms; report {size / 1e6:.2f} MB, {left_out} of 100 candidates left out")
    assert size < 2e6   # times are printed and not asserted, because machines are shared


class Lab:
    "A JupyterLab server of its own, in a folder of its own."

    def __init__(self, root):
        self.root, self.token = root, secrets.token_hex(16)
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        for name, values in SETTINGS.items():
            path = root / f"home/settings/{name}.jupyterlab-settings"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(values))
        home = {"HOME": root / "home", "JUPYTER_CONFIG_DIR": root / "home/.jupyter", "JUPYTERLAB_SETTINGS_DIR": root / "home/settings", "JUPYTERLAB_WORKSPACES_DIR": root / "home/workspaces",
                "IPYTHONDIR": root / "home/.ipython", "PYTHONPATH": ROOT}
        env = {k: v for k, v in os.environ.items() if not k.startswith("ANTHROPIC_")} | {k: str(v) for k, v in home.items()}
        self.log = open(root / "server.log", "w")
        self.process = subprocess.Popen([sys.executable, "-m", "jupyter", "lab", "--no-browser", "--allow-root", "--ip=127.0.0.1", f"--port={self.port}", "--ServerApp.port_retries=0",
                                         f"--IdentityProvider.token={self.token}", "--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={root}"], env=env, stdout=self.log, stderr=subprocess.STDOUT)
        end = time.monotonic() + LONG / 1000
        while True:
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/status?token={self.token}", timeout=5)
                return
            except OSError:
                assert self.process.poll() is None and time.monotonic() < end, (root / "server.log").read_text()[-3000:]
                time.sleep(0.25)

    def close(self):
        try:
            urllib.request.urlopen(urllib.request.Request(f"http://127.0.0.1:{self.port}/api/shutdown", method="POST", headers={"Authorization": f"token {self.token}"}), timeout=10)
            self.process.wait(60)
        except (OSError, subprocess.TimeoutExpired):
            self.process.terminate()
            self.process.wait(10)
        self.log.close()


@pytest.fixture(scope="module")
def lab(browser, tmp_path_factory):   # no server where there is no browser
    lab = Lab(tmp_path_factory.mktemp("lab"))
    yield lab
    lab.close()


def ready(page, status="idle"):
    page.wait_for_function("""status => { const w = window.jupyterapp?.shell.currentWidget, k = w?.sessionContext?.session?.kernel; return k && k.status === status }""", arg=status)


@pytest.fixture
def notebook(lab, browser, request):
    "A function that opens cells as a notebook, runs them, and gives the page."
    pages = []

    def open_notebook(*cells, width=1200, run=True):
        name = f"{request.node.name.split('[')[0]}-{len(pages)}.ipynb"
        nb = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(c) for c in cells], metadata={"kernelspec": {"name": "python3", "display_name": "python3", "language": "python"}})
        nbformat.write(nb, lab.root / name)
        page = browser.new_page(viewport={"width": width, "height": 1150})
        page.set_default_timeout(LONG)
        pages.append(page)
        page.errors = []
        page.on("pageerror", lambda e: page.errors.append(str(e)[:200]))
        page.goto(f"http://127.0.0.1:{lab.port}/lab/tree/{name}?reset&token={lab.token}")
        page.wait_for_selector(".jp-NotebookPanel .jp-CodeCell")
        page.wait_for_function("window.jupyterapp && window.jupyterapp.commands.hasCommand('notebook:run-all-cells')")
        ready(page)
        page.evaluate("() => { if (!window.jupyterapp.shell.leftCollapsed) window.jupyterapp.commands.execute('application:toggle-left-area') }")
        if run:
            page.evaluate("() => { window.jupyterapp.commands.execute('notebook:run-all-cells') }")
        return page

    yield open_notebook
    for page in pages:
        page.evaluate("() => window.jupyterapp.shell.currentWidget.sessionContext.shutdown()")
        page.close()


def shoot(page, name, selector=".ppo-panel"):
    "Photographs in both themes and widths, where they are wanted."
    folder = os.environ.get("PROMPTPO_SHOTS")
    if not folder:
        return
    Path(folder).mkdir(parents=True, exist_ok=True)
    for theme in ("Light", "Dark"):
        page.evaluate("theme => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab ' + theme})", theme)
        page.wait_for_function("light => document.body.dataset.jpThemeLight === light", arg=str(theme == "Light").lower())
        for width in (1200, 800):
            page.set_viewport_size({"width": width, "height": 1150})
            page.evaluate("() => new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            page.locator(selector).first.screenshot(path=f"{folder}/{name}-{width}-{theme.lower()}.png", animations="disabled")
    page.set_viewport_size({"width": 1200, "height": 1150})
    page.evaluate("() => window.jupyterapp.commands.execute('apputils:change-theme', {theme: 'JupyterLab Light'})")


def sees(page, selector, words):
    "Wait until an element shows some words, and return all it shows."
    page.wait_for_function("([s, w]) => { const e = document.querySelector(s); return e && e.innerText.includes(w) }", arg=[selector, words])
    return page.locator(selector).first.inner_text()


def tab(page, name):
    page.locator(".ppo-tabs").get_by_role("button", name=name, exact=True).click()


PANE = ".ppo-panel .ppo-pane"
TABS = dict(Round="outcome|no reply is in the log|Nothing was asked for yet", Code="side by side", Prompt="mark what is new", Replies="First reply|Nothing was asked for here", Outcome="What it used|no candidate here",
            Episode="Play it again", Feedback="About r|nothing to tell", Fork="The family of this run")   # what each part says, whatever the run


def look_through(page, i=0):
    "Open all parts of a panel, one after another, and wait for what each says."
    panel = page.locator(".ppo-panel").nth(i)
    for name, words in TABS.items():
        panel.locator(".ppo-tabs").get_by_role("button", name=name, exact=True).click()
        panel.locator(".ppo-pane").get_by_text(re.compile(words)).first.wait_for()
        yield name


def handle(page, label):
    "The handle of the slider whose label begins like that."
    return page.locator(f".ppo-panel .widget-slider:has(.widget-label:text-matches('^{label}')) .noUi-handle").first


def choose(page, label, value):
    "Choose an entry of the list with that label."
    page.locator(f".ppo-panel .widget-dropdown:has(.widget-label:text-is('{label}')) select").select_option(label=value.replace(" ", "\xa0"))   # ipywidgets writes them so


def test_recorded_run(notebook):
    "Open a recorded run; step by key, by click, by Play; look at every view; play an episode in pictures."
    from promptpo.views import best_of, number, story_of
    story = story_of("noise_world_board_4")
    last, best = max(story.rounds), {n: best_of(story, n) for n in story.rounds}
    other = next(c for c in story.rounds[2] if c is not best[2] and c.index > 0 and c.score is not None)

    page = notebook("from promptpo import Run", "Run('noise_world_board_4')")
    page.wait_for_selector(".ppo-panel .chart")
    line = ".ppo-panel h3"
    sees(page, line, story.final.id)
    shoot(page, "round")
    rows = page.locator(f"{PANE} tr[data-at]")
    lowest = rows.last.get_attribute("data-at")
    rows.last.click()
    sees(page, line, lowest)
    page.wait_for_selector(f"{PANE} tr.here[data-at='{lowest}']")
    page.locator(f".ppo-panel circle[data-at='{best[last].id}']").click()
    sees(page, line, best[last].id)

    handle(page, "round").press("ArrowLeft")
    sees(page, line, best[last - 1].id)
    page.locator(f".ppo-panel circle[data-at='{other.id}']").click()
    assert "best of its round" not in sees(page, line, other.id)
    handle(page, "candidate").press("ArrowLeft")
    sees(page, line, f"r2.c{other.index - 1}")
    page.locator(".ppo-panel .strip[data-at^='r1.']").click(position={"x": 5, "y": 60})
    sees(page, line, best[1].id)
    page.locator(".ppo-panel .widget-play button").first.click()
    sees(page, line, best[last].id)

    tab(page, "Code")
    assert "its parent" in sees(page, PANE + " p", "lines beside")
    shoot(page, "code")
    choose(page, "beside", f"{best[1].id}: {number(best[1].score)}")
    sees(page, PANE, f"beside {best[1].id}")
    page.get_by_label("side by side").check()
    page.wait_for_selector(f"{PANE} .side b.a")
    shoot(page, "code-side")
    choose(page, "beside", "nothing")
    page.wait_for_selector(f"{PANE} .code:not(.two)")

    for name, words in dict(Prompt=f"lines as in the prompt of round {last - 1}", Replies="First reply", Outcome="search", Feedback="Reflection").items():
        tab(page, name)
        sees(page, PANE, words)
        shoot(page, name.lower())
    tab(page, "Prompt")
    assert "# Task: noise_world_board_4" not in sees(page, PANE, f"Sent {story.at(f'r{last}')['asked'].data['samples']} times")
    page.locator(f"{PANE} summary").first.click()
    sees(page, PANE, "# Task: noise_world_board_4")

    tab(page, "Episode")
    sees(page, PANE, "As it was when the candidate was scored")
    steps = best[last].lengths[0]
    page.get_by_role("button", name="Pictures").click()
    sees(page, PANE, f"pictures of {steps} steps")
    picture = page.locator("img.ppo-film")
    page.wait_for_function("() => document.querySelector('img.ppo-film').naturalWidth > 0")
    before = picture.get_attribute("src")
    handle(page, "step").press("End")
    sees(page, PANE, f"step {steps}:")
    page.wait_for_function("src => document.querySelector('img.ppo-film').getAttribute('src') !== src", arg=before)
    shoot(page, "episode")
    page.locator(f"{PANE} .widget-play button").nth(1).click()
    sees(page, PANE, "step 0:")
    page.locator(f"{PANE} .widget-play button").first.click()
    sees(page, PANE, f"step {steps}:")
    page.locator(f".ppo-panel circle[data-at='{other.id}']").click()
    sees(page, PANE, "keeps trajectories of the best of each round only")
    page.get_by_role("button", name="Play it again").click()
    sees(page, PANE, "Played again from its seed: the same return")

    page.locator(".ppo-panel button:has(.fa-search-plus)").click()
    sees(page, ".ppo-panel .chart", "below")
    shoot(page, "zoom")
    assert page.errors == []


def test_fork(notebook, lab):
    "Rewind, choose another past, ask for fewer candidates, add a word, look at the prompt, fork, and see the new run and the family; then drop a round from the past, and fork with another llm."
    from promptpo.views import best_of, number, story_of
    page = notebook(MODEL, """
from promptpo import Protocol, optimize
from promptpo.panels import RunPanel
from promptpo.task import line_task
protocol = Protocol(rounds=2, candidates=4, repairs=1, finalists=2, selection_episodes=4, test_episodes=20, feedback="none")
run = optimize(line_task(), model, protocol, run="forks/line", seed=0, workers=1, progress=False)
RunPanel(run, llm=model, task=line_task(), workers=1)""")
    page.wait_for_selector(".ppo-panel .chart")
    sees(page, ".ppo-panel .chart", "exception")
    tab(page, "Outcome")
    page.locator(".ppo-panel path[data-at='r1.c1']").click()
    sees(page, PANE, "ZeroDivisionError")
    page.wait_for_selector(f"{PANE} b.e")
    shoot(page, "failed")
    tab(page, "Replies")
    sees(page, PANE, "Repair 1")
    shoot(page, "repairs")

    tab(page, "Fork")
    sees(page, PANE, "Go on from round 1")
    story = story_of(lab.root / "forks/line")
    second = sorted((c for c in story.rounds[1] if c.score is not None), key=lambda c: -c.score)[1]
    choose(page, "round 1", f"{second.id}: {number(second.score)}")
    page.get_by_text("Protocol from here on").click()
    fewer = page.locator(f"{PANE} .widget-text:has(.widget-label:text-is('candidates')) input")
    fewer.fill("2")
    fewer.press("Enter")
    shoot(page, "protocol")
    page.get_by_text("Protocol from here on").click()
    page.get_by_placeholder("A word to the model").fill("Think of <b>the wall</b>.")
    page.get_by_role("button", name="Show the prompt").click()
    shown = sees(page, PANE, "The prompt that would be sent")
    assert "Think of <b>the wall</b>." in shown and "A note from the person who runs this" in shown
    shoot(page, "fork")
    page.get_by_role("button", name="Fork and go on").click()
    sees(page, ".ppo-panel .card", "forked from line after round 1")
    sees(page, ".ppo-panel .card", "finished")
    sees(page, ".ppo-panel .tree", "└─ line-fork1")
    page.wait_for_function("() => !document.querySelector('.ppo-panel .tree').innerText.includes('not finished')")
    page.locator(".ppo-panel [data-at='r2.c1']").first.wait_for(state="attached")
    assert page.locator(".ppo-panel [data-at='r2.c2']").count() == 0 and len(story_of(lab.root / "forks/line").rounds[2]) == 4
    shoot(page, "family")
    choose(page, "open", "line")
    page.wait_for_function("() => !document.querySelector('.ppo-panel .card').innerText.includes('forked from')")

    page.locator(".ppo-panel path[data-at='r1.c1']").click()
    sees(page, PANE, "Go on from round 1")
    page.get_by_placeholder("A word to the model").fill("")
    choose(page, "round 1", "nothing")
    page.get_by_role("button", name="Show the prompt").click()
    assert re.search(r"\+\d+ −[1-9]", sees(page, PANE, "The prompt that would be sent"))   # what stood for the round is gone
    best = best_of(story, 1)
    choose(page, "round 1", f"its best, {best.id}: {number(best.score)}")
    page.locator(f"{PANE} :has(> .widget-label:text-is('who answers')) input").fill(f"replay:{lab.root / 'forks/line'}")
    page.get_by_role("button", name="Fork and go on").click()
    sees(page, ".ppo-panel .card", "forked from line after round 1")
    sees(page, ".ppo-panel .card", "finished")
    codes = lambda name: [c.code for c in story_of(lab.root / "forks" / name).rounds[2]]
    assert codes("line-fork2") == codes("line")   # another llm: the replies that the run had
    assert page.errors == []


LIVE = """
import os, time
from promptpo import Protocol, optimize
from promptpo.task import line_task
def held(prompt, sample):
    "A model that answers a later round only when it is let: when the file go-1 is there, go-2, and so on."
    rounds = prompt.count("## Best policy of round")
    while rounds and not os.path.exists(f"NAME/go-{rounds}"): time.sleep(0.05)
    return "```python\\nclass Policy:\\n    def act(self, obs):\\n        return 1\\n```"
protocol = Protocol(rounds=5, candidates=3, repairs=0, finalists=1, selection_episodes=2, test_episodes=10, feedback="none", reflection=False)
"""


def let(folder, *rounds):
    "Let the model answer what comes after these rounds."
    folder.mkdir(parents=True, exist_ok=True)
    for n in rounds:
        (folder / f"go-{n}").touch()


def test_live(notebook, lab):
    "A run in this kernel and one in another process: followed, stopped with the button, resumed."
    live = LIVE.replace("NAME", "live")
    code = live + "optimize(line_task(), held, protocol, run='live/other', seed=0, workers=1, progress=False)\n"
    other = subprocess.Popen([sys.executable, "-c", code], cwd=lab.root, env={**os.environ, "PYTHONPATH": str(ROOT)}, stderr=subprocess.PIPE, text=True)
    log = lab.root / "live/other/events.jsonl"
    end = time.monotonic() + LONG / 1000
    while not log.exists() and other.poll() is None and time.monotonic() < end:
        time.sleep(0.1)
    page = notebook(live + "from promptpo.panels import RunPanel, watch", "RunPanel('live/other', llm=held, task=line_task(), workers=1)", "watch(line_task(), held, protocol, run='live/here', seed=0, workers=1)")
    page.wait_for_function("() => document.querySelectorAll('.ppo-panel .chart').length === 2")
    panels = [page.locator(".ppo-panel").nth(i) for i in (0, 1)]
    for panel in panels:
        panel.locator(".card").get_by_text("going on").wait_for()
        panel.locator(".chart circle[data-at='r1.c2']").wait_for(state="attached")
        assert panel.locator(".chart [data-at^='r2.c']").count() == 0
    let(lab.root / "live", 1)
    for panel in panels:   # what has come in since the panel was opened
        panel.locator(".chart circle[data-at='r2.c2']").wait_for(state="attached")
        panel.get_by_text("round 3 of 3").wait_for()   # asked, and held
        panel.locator("button:text-is('Stop')").click()
        panel.get_by_text("Asked to stop").wait_for()
    let(lab.root / "live", 2, 3, 4)
    for panel in panels:
        panel.locator(".card").get_by_text("not finished; it can be resumed").wait_for()
    shoot(page, "stopped")
    assert "asked to stop; nothing is lost" in other.communicate(timeout=LONG / 1000)[1] and other.returncode == 0
    ids = [json.loads(line)["id"] for line in log.read_text().splitlines()]
    assert "ended" not in ids and sum("rolled" in id for id in ids) == 6
    for panel in panels:
        panel.get_by_role("button", name="Resume").click()
        panel.locator(".card").get_by_text("finished", exact=True).wait_for()
        panel.locator(".chart circle[data-at='r5.c2']").wait_for(state="attached")
    assert sum('"ended"' in line for line in log.read_text().splitlines()) == 1 and page.errors == []


def test_busy_kernel(notebook, lab):
    "A panel follows a run that a cell of the same kernel is busy with."
    page = notebook(LIVE.replace("NAME", "busy") + """
from dataclasses import replace
from promptpo.panels import RunPanel
run = optimize(line_task(), held, replace(protocol, rounds=1), run="busy/run", seed=0, workers=1, progress=False)
RunPanel(run)""", "run.resume(held, rounds=5, task=line_task(), workers=1, progress=False); print('over')")
    page.wait_for_selector(".ppo-panel .chart")
    sees(page, ".ppo-panel .card", "going on")
    assert page.locator(".ppo-panel .chart [data-at^='r2.c']").count() == 0
    let(lab.root / "busy", 1, 2)
    page.locator(".ppo-panel .chart circle[data-at='r3.c0']").wait_for(state="attached")
    assert page.get_by_text("over", exact=True).count() == 0   # the cell is still at work
    let(lab.root / "busy", 3, 4)
    sees(page, ".ppo-panel .card", "finished")
    page.get_by_text("over", exact=True).wait_for()


def test_mailbox(notebook, lab):
    "Copy a prompt, paste an answer, hand it in, until the run has ended."
    page = notebook(LIVE + """
from promptpo.llm import mailbox
from promptpo.panels import MailboxPanel, watch
run = watch(line_task(), mailbox("mail", poll=0.1), Protocol(rounds=1, candidates=2, repairs=1, finalists=1, test_episodes=5, feedback="none", reflection=False), run="by-hand", seed=0, workers=1)
MailboxPanel("mail")""")
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    sees(page, ".ppo-panel h3", "2 prompts wait")
    page.get_by_role("button", name="Copy the prompt").click()
    page.get_by_role("button", name="Copied").wait_for()
    assert page.evaluate("() => navigator.clipboard.readText()") == min((lab.root / "mail").glob("*.prompt.md")).read_text()
    box = page.get_by_placeholder("The answer of the chat window")
    box.fill("Go right!")
    page.get_by_text("no fenced Python block").wait_for()
    box.fill("```python\nclass Policy:\n    def act(self, obs): return 1\n```")
    page.get_by_text("A program of 2 lines that defines Policy").wait_for()
    shoot(page, "mailbox")
    page.get_by_role("button", name="Hand in").click()
    sees(page, ".ppo-panel h3", "1 prompt waits")
    box.fill("```python\nclass Policy:\n    def act(self, obs): return 0\n```")
    page.get_by_role("button", name="Hand in").click()
    sees(page, ".ppo-panel h3", "0 prompts wait")
    assert page.errors == []


def test_compare(notebook):
    "Several runs of several tasks, over what they used up, and some of them alone."
    from promptpo.views import SPENT, progress, story_of
    names = ["noise_world_board_1", "noise_world_board_4", "FrozenLake-v1", "CartPole-v1"]
    page = notebook("from promptpo.panels import ComparePanel", f"ComparePanel({names})")
    page.wait_for_function("() => document.querySelectorAll('.ppo-panel .chart').length === 4")
    shoot(page, "compare")
    choose(page, "over", SPENT["tokens"])
    sees(page, ".ppo-panel", "do not know their tokens" if any(progress(story_of(name), "tokens") is None for name in names) else SPENT["tokens"])
    page.locator(".ppo-panel select[multiple]").select_option(label="FrozenLake-v1")
    page.wait_for_function("() => document.querySelectorAll('.ppo-panel .chart').length === 1")
    assert page.errors == []


def test_odd_runs(notebook, lab):
    "No candidate that worked, killed in round 1, a single round, and 500 candidates."
    from promptpo.views import story_of
    grown(lab.root / "odd/killed", 1, 4, kept=4)
    grown(lab.root / "odd/one", 1, 4)
    grown(lab.root / "odd/many", 10, 50)
    lines = [json.loads(line) for line in (grown(lab.root / "odd/none", 2, 4) / "events.jsonl").read_text().splitlines()]
    for e in lines:
        if e["kind"] == "rolled": e["data"].update(status="failed", why="exception", error="KeyError: 1\n  line 3, in act", score=None, returns=[], successes=[], lengths=[])
        if e["id"].endswith(".chosen"): e["data"].update(candidate=None, score=None)
    (lab.root / "odd/none/events.jsonl").write_text("".join(json.dumps(e) + "\n" for e in lines if not re.search("told|reflect|final|tested", e["id"])))
    (lab.root / "odd/empty").mkdir()
    (lab.root / "odd/empty/events.jsonl").write_text('{"id": "sta')
    page = notebook("from promptpo.panels import RunPanel", *[f"RunPanel('odd/{name}')" for name in ("none", "killed", "one", "many", "empty")])
    panels = page.locator(".ppo-panel")
    page.wait_for_function("() => document.querySelectorAll('.ppo-panel .card').length === 5")
    worked = sum(c.score is not None for c in story_of(lab.root / "odd/many").tries)
    said = ("exception", "not finished; it can be resumed", "finished", f"{worked} of 500", "holds no whole event")
    for i, words in enumerate(said):
        panels.nth(i).get_by_text(words).first.wait_for()
        for _ in look_through(page, i):
            assert panels.nth(i).locator("> .ppo-said").inner_text() == ""
    if os.environ.get("PROMPTPO_SHOTS"):
        for i, name in enumerate(("none", "killed", "one", "many", "empty")):
            panels.nth(i).screenshot(path=f"{os.environ['PROMPTPO_SHOTS']}/odd-{name}-1200-light.png")
    panels.nth(3).locator("circle[data-at='r7.c23']").dispatch_event("click")   # others may lie over it
    panels.nth(3).get_by_text("round 7, candidate 23").wait_for()
    assert page.errors == []


HOSTILE = r"""
import tempfile
from promptpo import Protocol, optimize
from promptpo.panels import ComparePanel, RunPanel
from promptpo.task import line_task
from dataclasses import replace
WORST = '</pre></div></details></textarea></style><script>window.hacked = 1</script><style>*{display:none !important}</style><img src=x onerror="window.hacked = 1"> \u202e\u2066\x1b[31m' + "A" * 100_000 + "\u05d0"
def worst(prompt, sample):
    if "Do not write code yet" in prompt: return WORST
    body = [f"print({WORST!r}); return 1", f"raise ValueError({WORST!r})", f"return {WORST!r}"][sample % 3]
    return f"{WORST}\n```python\n# {WORST}\nclass Policy:\n    def act(self, obs):\n        {body}\n```"
task = replace(line_task(), name=WORST[:300])
run = optimize(task, worst, Protocol(rounds=2, candidates=3, repairs=1, finalists=1, test_episodes=2, feedback="none"), run=tempfile.mkdtemp() + "/<img src=x onerror=window.hacked=1>", seed=0, workers=1, progress=False)
RunPanel(run, llm=worst, task=task)
"""


def test_hostile(notebook):
    "Tags, styles and marks in code, replies, prints, errors and names are shown as text, and the page stays whole."
    page = notebook(HOSTILE, "ComparePanel([run])")
    page.wait_for_function("() => document.querySelectorAll('.ppo-panel .chart').length === 2")
    for at in ("r1.c0", "r1.c1", "r1.c2", "r2.c0"):
        page.locator(f".ppo-panel .chart :is(circle, path)[data-at='{at}']").first.click()
        sees(page, ".ppo-panel h3", at)
        for _ in look_through(page):
            assert page.evaluate("() => window.hacked") is None
    assert page.locator(".ppo-panel script, .ppo-panel img[src='x'], .ppo-panel iframe").count() == 0
    tab(page, "Code")
    assert "<script>window.hacked" in sees(page, PANE, "script") and "U+202E" in page.locator(PANE).inner_text()
    shoot(page, "hostile")
    assert page.locator(".ppo-panel").first.bounding_box()["width"] < 1200
    assert page.errors == []


def test_report(browser, tmp_path):
    "The report opens from a file, asks for nothing else, and its parts unfold."
    from promptpo import Run
    file = Run("noise_world_board_4").html(tmp_path / "report.html")
    assert file.stat().st_size < 2_000_000
    for scheme in ("light", "dark"):
        for width in (1200, 800):
            page = browser.new_page(viewport={"width": width, "height": 1150}, color_scheme=scheme)
            asked, errors = [], []
            page.on("request", lambda r: asked.append(r.url))
            page.on("pageerror", lambda e: errors.append(str(e)))
            page.goto(f"file://{file}")
            page.locator("details.try").nth(4).locator("summary").first.click()
            assert page.locator("details.try").nth(4).locator(".code").first.is_visible()
            assert asked == [f"file://{file}"] and errors == []
            assert page.evaluate("() => document.documentElement.scrollWidth <= innerWidth")
            ink = page.evaluate("() => getComputedStyle(document.querySelector('h2')).color.match(/\\d+/g).map(Number)")
            assert (min(ink) > 128) == (scheme == "dark")   # light letters in the dark
            if folder := os.environ.get("PROMPTPO_SHOTS"):
                page.screenshot(path=f"{folder}/report-{width}-{scheme}.png", full_page=True)
            page.close()
