"""As a person, in a browser: sign in, upload, read what is wrong, mend it, and stand on the board."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from live import served
from people import Halves, Participant, submission

from leaderboard.service.board import Board
from leaderboard.service.published import Published

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
SHOTS = os.environ.get("FORGEBENCH_PICTURES")
playwright = pytest.importorskip("playwright.sync_api")
pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(not Path(CHROMIUM).is_file(), reason=f"there is no {CHROMIUM}"),
]


@pytest.fixture
def page() -> Iterator[playwright.Page]:
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        yield browser.new_page(viewport={"width": 1200, "height": 850})
        browser.close()


def _look(page: playwright.Page, name: str) -> None:
    """No serious accessibility violation; a picture for the docs where one is asked for."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    serious = [(one["id"], one["nodes"][0]["html"]) for one in found if one["impact"] in ("serious", "critical")]
    assert serious == [], name
    if SHOTS:
        page.screenshot(path=Path(SHOTS) / f"{name}.png")


def test_from_signing_in_to_the_board(
    lite: Board, lite_ann: Participant, benchmarks: Halves, tmp_path: Path, page: playwright.Page
) -> None:
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(f"{said.text} {said.location}") if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    with served(lite) as url:
        page.goto(f"{url}/account/")
        _look(page, "board-sign-in")
        page.get_by_label("Personal token").fill(lite_ann.token)
        page.get_by_role("button", name="Sign in").click()
        for lose, state in ((2, "invalid"), (0, "scored")):
            page.goto(f"{url}/account/")
            page.get_by_label("Benchmark", exact=True).select_option("plain")
            page.get_by_label("Submission (.zip").set_input_files(
                submission(tmp_path, benchmarks.opened("plain"), lose=lose)
            )
            page.get_by_role("button", name="Upload").click()
            page.wait_for_url("**/account/submissions/*")
            playwright.expect(page.locator(f".state.{state}")).to_be_visible(timeout=120_000)
            page.wait_for_load_state()
            _look(page, f"board-{state}")
            told = page.locator("main").inner_text()
            assert ("missing_mask" in told) == (state == "invalid")
            assert ("pixel_f1" in told) == (state == "scored")
        page.goto(f"{url}/account/")
        _look(page, "board-submissions")
        page.goto(f"{url}/account/tokens")
        _look(page, "board-tokens")
        page.wait_for_timeout(500)
        for _ in range(240):
            if Published(lite).folder() is not None:
                break
            page.wait_for_timeout(500)
        page.goto(f"{url}/")
        playwright.expect(page.get_by_text("noise 0").first).to_be_visible()
        _look(page, "board")
        page.get_by_label("box", exact=True).check(force=True)
        playwright.expect(page.get_by_text("noise 0")).to_have_count(0)
        page.get_by_label("all", exact=True).check(force=True)
        page.get_by_role("link", name="noise 0").first.click()
        playwright.expect(page.locator("#command")).to_contain_text("forgebench verify")
        playwright.expect(page.get_by_role("heading", name="Best and worst")).to_be_visible()
        page.get_by_role("button", name="Copy").click()
        playwright.expect(page.get_by_text("Copied").or_(page.get_by_text("Selected"))).to_be_visible()
        _look(page, "board-entry")
        policy = page.request.get(f"{url}/").headers["content-security-policy"]
        assert "script-src 'self';" in policy
        assert wrong == []
