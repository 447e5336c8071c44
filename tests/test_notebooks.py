"Every notebook is run from top to bottom, in a process of its own; a failing cell fails its test."
import os
import subprocess
import sys
from pathlib import Path

import pytest
from nbdev.config import get_config
from nbdev.doclinks import nbglob

cfg = get_config()
NOTEBOOKS = sorted(Path(p).resolve() for p in nbglob(cfg.nbs_path))


RUN = """
import sys
from pathlib import Path
from nbdev.config import get_config
from nbdev.test import test_nb
cfg = get_config()
ok, _ = test_nb(Path(sys.argv[1]), skip_flags=cfg.tst_flags.split(), basepath=cfg.config_path)
sys.exit(not ok)
"""
ENV = {k: v for k, v in os.environ.items() if not k.startswith("ANTHROPIC_")}  # no test may spend anything


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: str(p.relative_to(Path(cfg.nbs_path).resolve())))
def test_notebook(notebook):
    done = subprocess.run([sys.executable, "-c", RUN, str(notebook)], cwd=cfg.config_path, env=ENV, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert done.returncode == 0, (done.stdout + done.stderr)[-4000:]


def test_modules_have_notebooks():
    "A module whose notebook was deleted or renamed would otherwise stay for ever."
    for module in Path(cfg.lib_path).glob("*.py"):
        first = module.read_text(encoding="utf-8").splitlines()[:5]
        sources = [line.rsplit("File to edit: ", 1)[1].rstrip(".") for line in first if "File to edit: " in line]
        for source in sources:
            assert (module.parent / source).exists(), f"{module.name} was made from {source}, which is gone"
