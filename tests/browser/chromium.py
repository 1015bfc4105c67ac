"""The system's Chromium, driven by Playwright: launched where both are here, and else a reason why not."""

import importlib.util
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from infra.local.deployed import ROOT

DESK = ROOT / "desk/dist/index.html"
WIDGET = ROOT / "desk/dist/widget.js"
AXE = ROOT / "desk/node_modules/axe-core/axe.min.js"
ARGUMENTS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
_PROGRAM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)


def missing() -> str | None:
    """Return what is missing for the desk to be looked at, and what to do, or None."""
    if _PROGRAM is None:
        return "no Chromium here: apt-get install chromium"
    if importlib.util.find_spec("playwright") is None:
        return "playwright is not installed: make setup"
    if not all(file.is_file() for file in (DESK, WIDGET, AXE)):
        return "the desk is not built: make desk"
    return None


@contextmanager
def launched() -> Iterator[Any]:
    """Yield a running browser."""
    driver = importlib.import_module("playwright.sync_api")
    with driver.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=_PROGRAM, args=ARGUMENTS)
        yield browser
        browser.close()
