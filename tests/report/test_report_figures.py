"""The curves as PDF files, and the page's links into FiftyOne."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from forgebench.benchmark import Benchmark
from forgebench.browse.names import dataset_name, object_id
from forgebench.errors import InputError
from forgebench.report import write_report
from forgebench.report.curves import figures
from forgebench.report.entries import read_entries
from forgebench.report.printed import write_figures

Scores = dict[str, Path]


def test_every_curve_is_a_pdf_that_is_the_same_again(scores: Scores, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    entries = read_entries(list(scores.values()))
    written = write_figures(entries, tmp_path / "a")
    assert {path.stem for path in written} == {name.replace("_", "-") for name in figures(entries)}
    again = write_figures(entries, tmp_path / "b")
    for one, other in zip(written, again, strict=True):
        assert one.read_bytes().startswith(b"%PDF-")
        assert one.read_bytes() == other.read_bytes()
    assert sorted(path.name for path in (tmp_path / "a").iterdir()) == sorted(path.name for path in written)


def test_without_matplotlib_it_says_how_to_get_it(
    scores: Scores, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(InputError, match=r"pip install 'forgebench\[figures\]'"):
        write_figures(read_entries([scores["box"]]), tmp_path / "figures")


def test_pictures_link_to_their_samples(scores: Scores, benchmark: Benchmark, tmp_path: Path) -> None:
    html = write_report([scores["seer"]], tmp_path / "r.html").read_text(encoding="utf-8")
    links = set(re.findall(r'href="http://127\.0\.0\.1:5151/datasets/([^"?]+)\?id=([0-9a-f]{24})"', html))
    ids = {object_id(row["sample_id"]) for row in benchmark.rows("test", ("sample_id",))}
    assert len(links) > 5
    assert {name for name, _ in links} == {dataset_name(benchmark, "test")}
    assert {one for _, one in links} <= ids


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="there is no pdflatex")
def test_the_latex_table_compiles(scores: Scores, tmp_path: Path) -> None:
    write_report(list(scores.values()), tmp_path / "r.html", latex=tmp_path / "t.tex")
    packages = r"\usepackage{booktabs,textcomp}\usepackage[T1]{fontenc}"
    whole = rf"\documentclass{{article}}{packages}\begin{{document}}\input{{t.tex}}\end{{document}}"
    (tmp_path / "whole.tex").write_text(whole)
    command = ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "whole.tex"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout[-2000:]
