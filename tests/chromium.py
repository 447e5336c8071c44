"The browser of the tests."
import os
import shutil
import subprocess

import pytest

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"]


def starts(path):
    "Whether there is a program of that name which says its version: on Ubuntu, chromium-browser is a stub that asks for snap."
    try:
        return subprocess.run([path, "--version"], capture_output=True, timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def find_chromium():
    "The path in CHROMIUM, else the system's own, else what `playwright install chromium` keeps; None when there is none."
    from playwright.sync_api import sync_playwright
    names = (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    found = next((path for name in names if name and (path := shutil.which(name)) and starts(path)), None)
    if found:
        return found
    with sync_playwright() as p:
        kept = p.chromium.executable_path
    return kept if starts(kept) else None


@pytest.fixture(scope="module")
def browser():
    "A headless Chromium; tests that ask for it are skipped where there is none."
    playwright = pytest.importorskip("playwright.sync_api", reason="no Playwright here: pip install playwright")
    path = find_chromium()
    if path is None:
        pytest.skip("no Chromium here: apt-get install -y chromium, or playwright install --with-deps chromium")
    with playwright.sync_playwright() as p:
        browser = p.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()
