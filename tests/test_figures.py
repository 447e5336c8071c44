"Figures are drawn from logs alone, come out the same each time, and match what is stored."
import json
import subprocess
import sys
from pathlib import Path

import pytest

from promptpo.figures import build, find_template, inputs, parameters, stale, templates
from promptpo.runlog import PromptPOError, recorded_runs
from promptpo.stats import choose_runs

ROOT = Path(__file__).parents[1]

ALONE = """
import json, os, socket, sys, traceback
from promptpo.figures import read_notebook, source, templates
from promptpo.task import Task

def refuse(*a, **k): raise AssertionError("a template must need no network")
socket.socket.connect = socket.create_connection = refuse
for name in ("anthropic", "mujoco", "pygame", "libsumo", "metaworld"): sys.modules[name] = None   # importing them fails
for key in list(os.environ):
    if "KEY" in key or "TOKEN" in key: del os.environ[key]

def trouble(name):
    space = {"__name__": "template", "display": lambda *a: None}
    try:
        for cell in read_notebook(templates()[name])["cells"]:
            if cell["cell_type"] == "code": exec(compile(source(cell), name, "exec"), space)
    except Exception: return traceback.format_exc()
    loaded = {"promptpo.loop", "promptpo.isolation"} & set(sys.modules)
    return f"{loaded} are loaded" if loaded else ""

json.dump({name: trouble(name) for name in templates()}, open(sys.argv[1], "w"))
"""


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    "Template -> what went wrong when it was run, in one process for all: importing what draws takes longer than drawing."
    file = tmp_path_factory.mktemp("alone") / "trouble.json"
    done = subprocess.run([sys.executable, "-c", ALONE, file], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return json.loads(file.read_text())


@pytest.mark.parametrize("name", templates())
def test_needs_only_logs(name, alone):
    "No model, no simulator, no key, no network."
    assert alone[name] == "", alone[name]


@pytest.mark.parametrize("name", templates())
def test_declares_what_all_figures_have(name):
    assert {"runs", "tasks", "seed", "styles", "output"} <= set(parameters(find_template(name)))
    with pytest.raises(PromptPOError, match="has no parameter 'sede'"):
        parameters(find_template(name), {"sede": 1})


def test_same_bytes(tmp_path):
    "Built again elsewhere, every file is the same as the one that is stored; or, if that was drawn with another matplotlib or from something else, as one that is built here."
    import matplotlib
    name = "rounds"
    def built(folder): return {p.name: p.read_bytes() for p in build(name, folder).parent.iterdir()}
    new = built(tmp_path / "a")
    assert set(new) == {f"{name}{s}" for s in (".png", ".pdf", ".dark.png", ".ipynb", ".json")}
    stored = {file: path.read_bytes() for file in new if (path := ROOT / "figures" / file).exists()}
    record, again = json.loads(stored[f"{name}.json"]), json.loads(new[f"{name}.json"])
    same = record["drawn_with"] == f"matplotlib {matplotlib.__version__}" and record["made_from"] == again["made_from"]
    assert new == (stored if same else built(tmp_path / "b"))


def test_second_time_there_is_nothing_to_do(tmp_path):
    "What was built is up to date, and a changed log makes exactly the figures stale that use it."
    for name in templates():
        assert stale(name, ROOT / "figures") == [], f"run promptpo figures {name}"
    runs = tmp_path / "runs"
    for name, folder in recorded_runs().items():
        (runs / name).mkdir(parents=True)
        (runs / name / "events.jsonl").write_bytes((folder / "events.jsonl").read_bytes())
    given = {name: dict(runs=sorted(str(runs / Path(r).name) for r in choose_runs(*(parameters(find_template(name))[k] for k in ("runs", "tasks", "seed"))))) for name in templates()}
    before = {name: inputs(find_template(name), given[name]) for name in templates()}
    with open(runs / "FrozenLake-v1" / "events.jsonl", "a") as log:
        log.write('{"id": "note", "kind": "ended", "time": 0, "refs": [], "data": {}}\n')
    changed = {name for name in templates() if inputs(find_template(name), given[name]) != before[name]}
    assert changed == {"cost", "first_look", "optimism", "rounds"} == {name for name in templates() if any(Path(r).name == "FrozenLake-v1" for r in given[name]["runs"])}
