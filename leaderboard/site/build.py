"""From records to a folder of plain files."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from tempfile import mkdtemp

from forgebench import Benchmark, InputError, open_benchmark
from forgebench.pages import write
from forgebench.scoring.per_image import FILE as TABLE
from forgebench.scoring.record import FILE as RECORD
from leaderboard.entry import EARLIER, read_comparisons
from leaderboard.site.data import by_benchmark, document
from leaderboard.site.downloads import write_downloads
from leaderboard.site.pages import write_pages
from leaderboard.site.shown import Refused, Shown, read_all
from leaderboard.site.tiers import all_compared

PUBLIC_KEY = "board.pub"
REFUSED = Path("downloads") / "refused.json"
_MARK = Path("data") / "index.js"
_SHARED = ("page.css", "tables.css", "print.css", "plotly-basic.min.js", "plotly.css", "plotly-LICENSE.txt")
_OWN = ("board.css", "board.js", "table.js", "matrix.js", "plots.js", "copy.js")


def build(records: Path, out: Path, *, benchmarks: Sequence[Path] = (), key: Path | None = None) -> Path:
    """Verify every entry and write the site; an earlier one at `out` is replaced whole, in one step.

    Args:
        records: Folders `<entry id>/record.json`, beside each `entry.json`, `per_image.parquet` and `robustness.json`
            where there are, and `earlier/<any name>/record.json` for what it said before a rescoring;
            `comparisons.json` among the folders where tables are hidden.
        out: The site's folder.
        benchmarks: Folders of built benchmarks, for cards, audits (`audit.json` in them) and galleries. Pixels are
            shown only of those whose licence allows it.
        key: The board's public key, PEM: every record must be signed by it, and one without a per-image table may then
            be shown.

    Returns:
        The first page. What does not verify is not shown: it is named there and in `downloads/refused.json`.

    Raises:
        NotFoundError: If there is no folder of entries, or no benchmark where one is named.
        InputError: If no entry verifies, or `out` holds something else.
    """
    records, out = Path(records), Path(out)
    if out.exists() and any(out.iterdir()) and not (out / _MARK).is_file():
        raise InputError(f"{out} holds something that is no board. Choose another --out, or remove it first.")
    entries, refused = read_all(records, key)
    if not entries:
        reasons = "; ".join(f"{one.id}: {one.problems[0]}" for one in refused)
        raise InputError(f"No entry in {records} can be shown. {reasons or 'There is none.'}")
    opened = {one.content_hash: one for one in map(open_benchmark, benchmarks)}
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(mkdtemp(prefix=f".{out.name}.", dir=out.parent))
    try:
        _write(made, entries, refused, records, opened)
        if key is not None:
            shutil.copyfile(key, made / PUBLIC_KEY)
        made.chmod(0o755)
        _replace(made, out)
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return out / "index.html"


def _write(
    out: Path, entries: list[Shown], refused: list[Refused], records: Path, opened: dict[str, Benchmark]
) -> None:
    compared = all_compared(entries, read_comparisons(records))
    groups = by_benchmark(entries)
    for name in _SHARED:
        _copy("forgebench.pages", name, out)
    for name in _OWN:
        _copy("leaderboard", name, out)
    write(out / _MARK, f"globalThis.BOARDS = {_json(dict.fromkeys(groups))};\n")
    for slug, some in groups.items():
        write(out / "data" / f"{slug}.js", f"globalThis.BOARDS[{_json(slug)}] = {_json(document(some, compared))};\n")
    write_downloads(out / "downloads", entries, compared, refused)
    write(out / REFUSED, _json({one.id: one.problems for one in refused}) + "\n")
    for one in entries:
        _copy_records(one, out / "entries" / one.id)
    write_pages(out, groups, compared, refused, opened)


def _copy_records(one: Shown, home: Path) -> None:
    home.mkdir(parents=True)
    for name in (RECORD, TABLE):
        if (one.folder / name).is_file():
            shutil.copyfile(one.folder / name, home / name)
    for before in one.earlier:
        _copy_records(before, home / EARLIER / before.id)


def _copy(package: str, name: str, out: Path) -> None:
    write(out / "assets" / name, (files(package) / "assets" / name).read_text(encoding="utf-8"))


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))


def _replace(made: Path, out: Path) -> None:
    """Put the new site where the old one was."""
    old = made.with_name(f"{made.name}.old")
    if out.exists():
        os.replace(out, old)  # noqa: PTH105
    os.replace(made, out)  # noqa: PTH105
    shutil.rmtree(old, ignore_errors=True)
