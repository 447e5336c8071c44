"Figures are drawn from logs alone, come out the same each time, and match what is stored."
import json
import subprocess
import sys
from pathlib import Path

import pytest

from promptpo.figures import build, find_template, parameters, templates
from promptpo.runlog import PromptPOError

ROOT = Path(__file__).parents[1]

ALONE = """
import os, socket, sys
from promptpo.figures import read_notebook, source, templates
from promptpo.task import Task

def refuse(*a, **k): raise AssertionError("a template must need no network")
socket.socket.connect = socket.create_connection = refuse
for name in ("anthropic", "mujoco", "pygame", "libsumo", "metaworld"): sys.modules[name] = None   # importing them fails
for key in list(os.environ):
    if "KEY" in key or "TOKEN" in key: del os.environ[key]
space = {"__name__": "template", "display": lambda *a: None}
for cell in read_notebook(templates()[sys.argv[1]])["cells"]:
    if cell["cell_type"] == "code": exec(compile(source(cell), sys.argv[1], "exec"), space)
loaded = {"promptpo.loop", "promptpo.isolation"} & set(sys.modules)
assert not loaded, loaded
"""


@pytest.mark.parametrize("name", templates())
def test_needs_only_logs(name):
    "No model, no simulator, no key, no network."
    done = subprocess.run([sys.executable, "-c", ALONE, name], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("name", templates())
def test_declares_what_all_figures_have(name):
    assert {"runs", "tasks", "seed", "styles", "output"} <= set(parameters(find_template(name)))
    with pytest.raises(PromptPOError, match="has no parameter 'sede'"):
        parameters(find_template(name), {"sede": 1})


def test_same_bytes(tmp_path):
    "Built twice, in different places, everything is the same; and the same as what is stored, if that was drawn with the same matplotlib."
    import matplotlib
    name = "exploration"
    for folder in ("a", "b"):
        build(name, tmp_path / folder)
    first, second = ({p.name: p.read_bytes() for p in sorted((tmp_path / folder).iterdir())} for folder in ("a", "b"))
    assert len(first) == 5
    assert first == second
    record = json.loads((ROOT / "figures" / f"{name}.json").read_text())
    new = json.loads(first[f"{name}.json"])
    if record["drawn_with"] == f"matplotlib {matplotlib.__version__}" and record["made_from"] == new["made_from"]:
        assert record["files"] == new["files"]
