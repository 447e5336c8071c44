"Every notebook is run from top to bottom; a failing cell fails its test."
from pathlib import Path

import pytest
from nbdev.config import get_config
from nbdev.doclinks import nbglob
from nbdev.test import test_nb as run_notebook

cfg = get_config()
NOTEBOOKS = sorted(Path(p).resolve() for p in nbglob(cfg.nbs_path))


@pytest.mark.parametrize("notebook", NOTEBOOKS, ids=lambda p: str(p.relative_to(Path(cfg.nbs_path).resolve())))
def test_notebook(notebook, monkeypatch):
    for key in ("ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN", "ANTHROPIC_BASE_URL"):  # no test may spend anything
        monkeypatch.delenv(key, raising=False)
    ok, _ = run_notebook(notebook, skip_flags=cfg.tst_flags.split(), basepath=cfg.config_path)
    assert ok, notebook


def test_modules_have_notebooks():
    "A module whose notebook was deleted or renamed would otherwise stay for ever."
    for module in Path(cfg.lib_path).glob("*.py"):
        first = module.read_text(encoding="utf-8").splitlines()[:5]
        sources = [line.rsplit("File to edit: ", 1)[1].rstrip(".") for line in first if "File to edit: " in line]
        for source in sources:
            assert (module.parent / source).exists(), f"{module.name} was made from {source}, which is gone"
