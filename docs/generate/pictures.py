"""Make the README's pictures with the project's own commands, from photographs that are free to publish."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
from io import BytesIO
from pathlib import Path

from PIL import Image
from playwright.sync_api import Browser, sync_playwright

from forgebench.demo import run_demo

FOLDER = Path(__file__).parents[1] / "pictures"
CHROMIUM = "/usr/bin/chromium"
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
PORT = 5197
WIDTH = 1280


def report(browser: Browser, page_file: Path) -> None:
    """The head of the demo's report and of its gallery."""
    page = browser.new_page(viewport={"width": WIDTH, "height": 1180})
    page.goto(page_file.as_uri())
    page.wait_for_timeout(1500)
    _save(page.screenshot(), "report.png")
    page.evaluate("document.querySelector('#gallery').scrollIntoView()")
    page.wait_for_timeout(500)
    _save(page.screenshot(), "gallery.jpg")


def fiftyone(browser: Browser, benchmark: Path, score: Path) -> None:
    """The App with truth and prediction shown."""
    with tempfile.TemporaryDirectory() as home:
        places = ("FIFTYONE_DATABASE_DIR", "FIFTYONE_DEFAULT_DATASET_DIR", "FIFTYONE_CONFIG_PATH")
        environment = os.environ | {name: str(Path(home) / name) for name in places}
        command = [sys.executable, "-m", "forgebench", "browse", str(benchmark), str(score), "--port", str(PORT)]
        served = subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)
        try:
            assert served.stdout is not None
            next(line for line in served.stdout if line.startswith("Open "))
            page = browser.new_page(viewport={"width": WIDTH, "height": 800})
            page.goto(f"http://127.0.0.1:{PORT}/")
            page.wait_for_selector('[data-cy="looker"]', timeout=60_000)
            page.wait_for_timeout(4000)
            dismiss = page.get_by_text("Dismiss", exact=True)
            if dismiss.count():
                dismiss.first.click()
                page.wait_for_timeout(1000)
            _save(page.screenshot(), "fiftyone.jpg")
        finally:
            served.send_signal(signal.SIGINT)
            served.wait(30)


def _save(data: bytes, name: str) -> None:
    FOLDER.mkdir(exist_ok=True)
    with Image.open(BytesIO(data)) as image:
        image.convert("RGB").save(FOLDER / name, optimize=True, quality=85)


def main() -> None:
    """Make them all."""
    with tempfile.TemporaryDirectory() as name, sync_playwright() as playwright:
        demo = run_demo(Path(name) / "demo")
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        report(browser, Path(demo.report))
        fiftyone(browser, Path(demo.benchmark), Path(name) / "demo/scores/jpeg-ghost")
        browser.close()


if __name__ == "__main__":
    main()
