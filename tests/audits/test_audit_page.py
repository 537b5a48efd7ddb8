"""The files that an audit writes: document, page and card."""

from __future__ import annotations

import json
import re
from base64 import b64encode
from hashlib import sha256
from html import unescape
from pathlib import Path

import jsonschema
import planted
import pytest

import forgebench
from forgebench.audits import Audit, audit, json_schema, write_audit, write_card
from forgebench.benchmark import Benchmark
from forgebench.errors import InputError

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
)  # fmt: skip
HOSTILE = "</script><img src=x onerror=alert(1)>{{ 7 * 7 }}"


@pytest.fixture(scope="module")
def benchmarks(tmp_path_factory: pytest.TempPathFactory) -> list[Benchmark]:
    """One with everything that can be found, a hostile manipulation among it, and one of authentic images alone."""
    root = tmp_path_factory.mktemp("built")
    items = [item for i in range(12) for item in planted.null_pair(i, 1, split=("train", "test")[i % 2])]
    copy = planted.encoded(planted.scene(1))
    items += [planted.sample("c1", copy, split="train"), planted.sample("c2", copy)]
    items.append(planted.sample("evil", planted.encoded(planted.scene(2)), ~planted.box(), manipulation=HOSTILE))
    alone = [planted.sample(f"x{i}", planted.encoded(planted.scene(700 + i))) for i in range(3)]
    return [planted.build(root / "mixed", items), planted.build(root / "alone", alone)]


@pytest.fixture(scope="module")
def found(benchmarks: list[Benchmark]) -> Audit:
    return audit(benchmarks, resamples=100, workers=1)


@pytest.fixture(scope="module")
def page(found: Audit, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_audit(found, tmp_path_factory.mktemp("out"))


def test_the_document_is_the_audit_and_follows_its_schema(found: Audit, page: Path) -> None:
    text = (page.parent / "audit.json").read_text()
    assert Audit.model_validate_json(text) == found
    jsonschema.Draft202012Validator(json_schema()).validate(json.loads(text))
    held = found.benchmarks[0].statistics
    assert sum(map(sum, held.heat)) == pytest.approx(1, abs=1e-3)
    assert sum(held.formats.authentic) == sum(held.megapixels.authentic) == found.benchmarks[0].n_authentic == 14
    assert sum(held.area.tampered) == sum(kind.samples for kind in held.manipulations) == 13
    assert sum(held.jpeg_quality.tampered) == 12, "one is no JPEG"
    assert found.benchmarks[1].statistics.heat == []
    assert [one.verdict for one in found.benchmarks[1].probes] == ["undefined", "undefined"]


def test_the_number_of_workers_changes_nothing(found: Audit, benchmarks: list[Benchmark]) -> None:
    assert audit(benchmarks, resamples=100, workers=2).to_json() == found.to_json()


def test_the_page_says_what_the_audit_says_and_runs_only_its_own_scripts(found: Audit, page: Path) -> None:
    html = page.read_text()
    words = " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).split())
    for verdict in found.verdicts:
        assert " ".join(verdict.text.split()) in words
    for name, value in re.findall(r'data-feature="([^"]+)" data-value="([^"]*)"', html):
        known = [f.auc_either_way for b in found.benchmarks for p in b.probes for f in p.features if f.name == name]
        assert (float(value) if value else None) in known
    (policy,) = re.findall(r'Content-Security-Policy" content="([^"]+)"', html)
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    digests = [b64encode(sha256(one.encode()).digest()).decode() for one in scripts]
    assert re.findall(r"sha256-([^&']+)", unescape(policy)) == digests
    assert not re.search(r'(?:src|href)="(?!#|data:)', html.split("<script>")[0])
    assert HOSTILE not in html
    assert "&lt;img src=x" in html


def test_a_file_is_no_folder(found: Audit, page: Path) -> None:
    with pytest.raises(InputError, match="is a file"):
        write_audit(found, page)


def test_a_card_keeps_all_else_and_its_benchmark_its_hash(found: Audit, benchmarks: list[Benchmark]) -> None:
    card = benchmarks[0].path / "README.md"
    before = card.read_text()
    write_card(found, benchmarks[0])
    once = card.read_text()
    assert once.startswith(before.rstrip())
    assert found.verdicts[0].text in once
    assert "mixed/test and mixed/train" in once
    assert "of the same bytes" not in write_card(found, benchmarks[1]).read_text()
    card.write_text(once + "\nMore, by hand.\n")
    write_card(found, benchmarks[0].path)
    assert card.read_text() == once + "\nMore, by hand.\n"
    assert forgebench.verify(benchmarks[0].path) == []
    assert len(benchmarks[0].load("image", "train")) == 13


def test_a_card_of_another_benchmark_is_not_written(found: Audit, tmp_path: Path) -> None:
    other = planted.build(tmp_path / "other", [planted.sample("x", planted.encoded(planted.scene(0)))])
    with pytest.raises(InputError, match="is not in this audit, which is of: mixed, alone"):
        write_card(found, other)


@pytest.mark.browser
@pytest.mark.skipif(not Path(CHROMIUM).is_file(), reason=f"there is no {CHROMIUM}")
def test_the_page_in_a_browser(page: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    wrong = []
    with playwright.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=list(ARGUMENTS))
        for width, scheme in ((1280, "light"), (1280, "dark"), (390, "light")):
            context = browser.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme)
            opened = context.new_page()
            opened.on("console", lambda message: wrong.append(message.text))
            opened.on("pageerror", lambda error: wrong.append(str(error)))
            opened.on("request", lambda request: wrong.append(request.url) if "http" in request.url[:5] else None)
            opened.goto(page.as_uri())
            assert opened.evaluate("document.documentElement.scrollWidth") <= width
            plots = opened.locator(".plot").count()
            assert plots == 4 + 2
            assert opened.locator(".plot .main-svg:first-child").count() == plots
            heat = opened.locator(".heat").bounding_box()
            assert heat is not None
            assert heat["width"] == pytest.approx(heat["height"])
            context.close()
        browser.close()
    assert wrong == []
