"""How soon a board of 300 entries can be used: python -m perf.board_site SITE.

SITE is a built board. Its first benchmark's entries are repeated until there are 300: copies, to be timed and not read.
"""

from __future__ import annotations

import json
import shutil
import statistics
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from perf.common import machine, table

ENTRIES = 300
LOADS = 5
CHROMIUM = "/usr/bin/chromium"
_SORT = """() => {
  const start = performance.now();
  document.querySelector("[data-key=image_auc] button").click();
  return performance.now() - start;
}"""


def enlarged(site: Path, out: Path) -> Path:
    """A copy of the site with 300 entries on its first benchmark."""
    shutil.copytree(site, out, ignore=shutil.ignore_patterns("entries", "downloads"))
    file = min(path for path in (out / "data").glob("*.js") if path.name != "index.js")
    start, _, text = file.read_text(encoding="utf-8").partition(" = ")
    document = json.loads(text.rstrip().rstrip(";"))
    some = document["entries"]
    document["entries"] = [{**some[i % len(some)], "id": f"copy-{i}", "supersededBy": None} for i in range(ENTRIES)]
    file.write_text(f"{start} = {json.dumps(document)};\n", encoding="utf-8")
    return out / "index.html"


def main() -> None:
    from playwright.sync_api import sync_playwright

    with TemporaryDirectory() as folder, sync_playwright() as driver:
        page_file = enlarged(Path(sys.argv[1]), Path(folder) / "site")
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--headless", "--no-sandbox"])
        drawn, sorted_in = [], []
        for _ in range(LOADS):
            page = browser.new_page()
            page.goto(page_file.as_uri())
            page.wait_for_selector("#slices .main-svg")
            assert page.locator("#table tbody tr").count() == ENTRIES
            drawn.append(page.evaluate("performance.getEntriesByName('board-drawn')[0].startTime"))
            sorted_in.append(page.evaluate(_SORT))
            page.close()
        browser.close()
    rows = [("table drawn after", drawn), ("sorted again, plots included, in", sorted_in)]
    table(
        f"A board of {ENTRIES} entries, median of {LOADS}, {machine()}",
        [(name, f"{statistics.median(times):.0f} ms") for name, times in rows],
    )


if __name__ == "__main__":
    main()
