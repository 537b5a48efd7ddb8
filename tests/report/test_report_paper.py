"""The main table for a paper: the records' numbers, and text that the format cannot trip over."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from markdown_it import MarkdownIt
from page_reader import Element, parse, words
from seer import HOSTILE
from typer.testing import CliRunner

from forgebench.cli import app
from forgebench.errors import InputError
from forgebench.metrics import DEFINITIONS
from forgebench.report import write_report
from forgebench.report.paper import md, tex

Scores = dict[str, Path]
EVIL = r"""A & "B" 'C' {{ 7*7 }} %{x} &lt;b&gt; $x^2$ |p| [*](u) `c` ~~d~~ \input{e} #1 _f_ <b> **g**"""
_PLAIN = {
    "textbackslash": "\\", "textasciitilde": "~", "textasciicircum": "^", "textless": "<", "textgreater": ">",
    "textbar": "|", "textquotedbl": '"', "textasciigrave": "`", "textquotesingle": "'",
}  # fmt: skip


def unset(source: str) -> str:
    """What LaTeX sets of escaped text; anything that is a command of its own is refused."""

    def plain(match: re.Match[str]) -> str:
        name, one, active = match.groups()
        assert not active, f"{active!r} is active"
        return _PLAIN[name] if name else one

    return re.sub(r"\\([a-z]+)\{\}|\\([&%$#_{}])|([\\&%$#_{}~^])", plain, source)


def rendered(source: str) -> Element:
    return parse(MarkdownIt("commonmark").enable(["table", "strikethrough"]).render(source))


@pytest.fixture(scope="module")
def files(scores: Scores, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    root = tmp_path_factory.mktemp("paper")
    write_report(list(scores.values()), root / "r.html", markdown=root / "t.md", latex=root / "deep" / "t.tex")
    return (root / "t.md").read_text(), (root / "deep" / "t.tex").read_text()


def expected(folder: Path) -> list[str]:
    """The cells of one entry, as the record has them, intervals in brackets."""
    record = json.loads((folder / "record.json").read_text())
    numbers = {m["metric"]: m for m in record["metrics"]}
    names = ("pixel_f1", "pixel_iou", "pixel_auc", "pixel_ap", "image_auc", "image_if1", "fpr_authentic", "coverage")
    return [
        "—" if numbers[name]["value"] is None else
        f"{numbers[name]['value']:.3f} [{numbers[name]['ci_low']:.3f}, {numbers[name]['ci_high']:.3f}]"
        for name in names
    ]  # fmt: skip


def test_the_markdown_table_is_the_records(files: tuple[str, str], scores: Scores) -> None:
    page = rendered(files[0])
    (table,), (body,) = page.all("table"), page.all("tbody")
    head = [words(one) for one in table.all("th")]
    assert head[:5] == ["Method", "Supervision", "Tier", "Pixel F1", "Pixel IoU"]
    rows = {words(next(row.all("td"))): [words(one) for one in row.all("td")] for row in body.all("tr")}
    assert set(rows) == {HOSTILE, "centre box", "all black", "no masks"}
    for folder in scores.values():
        record = json.loads((folder / "record.json").read_text())
        cells = rows[record["method"]["method"]]
        assert cells[1] == record["method"]["supervision"]
        assert cells[3:] == expected(folder)
    assert rows["no masks"][2] == "—"
    assert next(body.all("strong")).text == rows[HOSTILE][3].split()[0], "the best is bold"


def test_the_latex_table_is_the_records(files: tuple[str, str], scores: Scores) -> None:
    body = files[1].split(r"\midrule")[1].split(r"\bottomrule")[0]
    lines = [line.strip().removesuffix(r"\\").strip() for line in body.strip().splitlines()]
    cells = [[one.strip() for one in re.split(r"(?<!\\)&", line)] for line in lines]
    assert {len(row) for row in cells} == {11}
    found = {}
    for values, intervals in zip(cells[::2], cells[1::2], strict=True):
        numbers = [re.sub(r"\\textbf\{(.*)\}", r"\1", one).replace("---", "—") for one in values[3:]]
        ends = [re.sub(r"\{\\scriptsize (.*)\}", r"\1", one) for one in intervals[3:]]
        found[unset(values[0].removeprefix("{}"))] = [f"{a} {b}".strip() for a, b in zip(numbers, ends, strict=True)]
    for folder in scores.values():
        assert found[json.loads((folder / "record.json").read_text())["method"]["method"]] == expected(folder)
    braces = re.sub(r"\\[{}]", "", files[1])
    assert braces.count("{") == braces.count("}")


@pytest.mark.parametrize("which", [0, 1])
def test_the_caption_names_benchmark_definition_and_records(files: tuple[str, str], scores: Scores, which: int) -> None:
    version = DEFINITIONS["forgebench"].version
    caption = words(list(rendered(files[0]).all("p"))[-1]) if which == 0 else files[1].split(r"\caption")[1]
    for folder in scores.values():
        record = json.loads((folder / "record.json").read_text())
        assert record["record_sha256"][:16] in caption
    assert record["benchmark"]["content_hash"][:16] in caption
    assert re.search(rf"definition (\\texttt{{)?forgebench}}?, version {version}\.", caption)
    assert "mine, split test: 18 images, 10 tampered and 8 authentic" in caption
    assert "2000 resamples" in caption


def test_hostile_text_is_set_as_it_is() -> None:
    assert unset(tex(EVIL)) == EVIL
    table = rendered(f"| a | b |\n| :-- | --: |\n| {md(EVIL)} | 1 |\n")
    assert [one.text for one in table.all("td")] == [EVIL, "1"]
    for tag in ("code", "em", "strong", "s", "a", "b"):
        assert not list(table.all(tag))
    with pytest.raises(AssertionError, match="active"):
        unset(EVIL)


def test_the_command_writes_page_and_tables(scores: Scores, tmp_path: Path) -> None:
    names = {"report": "r.html", "markdown": "t.md", "latex": "t.tex"}
    files = {name: tmp_path / file for name, file in names.items()}
    options = ["--out", files["report"], "--markdown", files["markdown"], "--latex", files["latex"]]
    command = ["report", scores["seer"], scores["box"], "--metric", "pixel_iou", *options]
    said = CliRunner().invoke(app, [*map(str, command), "--json"])
    assert said.exit_code == 0, said.output
    assert json.loads(said.output) == {name: str(file) for name, file in files.items()}
    assert all(file.is_file() for file in files.values())
    assert "Comparison by Pixel IoU" in files["report"].read_text()
    assert "Tiers are by Pixel IoU." in files["markdown"].read_text()
    spoken = CliRunner().invoke(app, [*map(str, command)])
    assert [line.split(":")[0] for line in spoken.output.splitlines() if ":" in line] == ["Report", "Markdown", "Latex"]


def test_one_entry_has_no_tier_and_another_lead_is_first(scores: Scores, tmp_path: Path) -> None:
    write_report([scores["seer"]], tmp_path / "r.html", metric="pixel_mcc", markdown=tmp_path / "t.md")
    head = [words(one) for one in rendered((tmp_path / "t.md").read_text()).all("th")]
    assert head[:4] == ["Method", "Supervision", "Pixel MCC", "Pixel F1"]
    assert "Bold" not in (tmp_path / "t.md").read_text()


@pytest.mark.parametrize("kind", ["markdown", "latex"])
def test_a_table_is_not_written_over_a_folder_or_the_page(scores: Scores, tmp_path: Path, kind: str) -> None:
    with pytest.raises(InputError, match="is a folder"):
        write_report([scores["seer"]], tmp_path / "r.html", **{kind: tmp_path})
    with pytest.raises(InputError, match="named for two things"):
        write_report([scores["seer"]], tmp_path / "r.html", **{kind: tmp_path / "r.html"})
    with pytest.raises(InputError, match="named for two things"):
        write_report([scores["seer"]], tmp_path / "r.html", markdown=tmp_path / "t", latex=tmp_path / "t")
    assert not list(tmp_path.iterdir())
