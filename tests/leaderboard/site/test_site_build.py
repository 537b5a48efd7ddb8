"""What is on the board: verified numbers, tiers, reasons, downloads."""

from __future__ import annotations

import csv
import json
import re
import shutil

import numpy as np
import pytest

import forgebench
from forgebench import InputError
from leaderboard.entry import Comparisons, Entry, read_comparisons
from leaderboard.site import build, compared
from leaderboard.site.shown import read_all
from leaderboard.site.tiers import all_compared


def test_every_number_is_the_records(board, records):
    assert {one["id"] for one in board["entries"]} == {"weak", "strong", "old", "black", "random"}
    for entry in board["entries"]:
        record, _ = forgebench.read_record(records / entry["id"])
        for key, (value, low, high, n, n_undefined) in entry["values"].items():
            definition, metric = key.split("/")
            said = next(m for m in record.metrics if (m.definition, m.metric, m.subset) == (definition, metric, None))
            assert (n, n_undefined) == (said.n, said.n_undefined)
            for shown, exact in ((value, said.value), (low, said.ci_low), (high, said.ci_high)):
                assert shown == (None if exact is None else pytest.approx(exact, abs=1e-6))


def test_tiers_and_pairs_are_those_of_compare(board, records):
    ids = ["black", "random", "strong", "weak"]
    expected = forgebench.compare([records / one for one in ids], metric="pixel_f1")
    methods = {forgebench.read_record(records / one)[0].method.method: one for one in ids}
    found = next(one for one in board["comparisons"] if one["metric"] == "forgebench/pixel_f1")
    assert found["tiers"] == {methods[name]: tier for name, tier in expected.tiers.items()}
    said = {(found["ids"][a], found["ids"][b]): numbers for a, b, *numbers in found["pairs"]}
    for one in expected.differences:
        numbers = said[methods[one.first], methods[one.second]]
        for given, exact in zip(numbers, (one.value, one.ci_low, one.ci_high, one.p_holm), strict=True):
            assert (given is None) == bool(np.isnan(exact))
            assert given is None or given == pytest.approx(exact, abs=1e-6)


def test_no_control_is_in_a_better_tier_than_a_method_that_works(board):
    for one in board["comparisons"]:
        assert one["tiers"]["strong"] < min(one["tiers"]["black"], one["tiers"]["random"]), one["metric"]


def test_the_superseded_stays_and_is_not_compared(board):
    old = next(one for one in board["entries"] if one["id"] == "old")
    assert old["supersededBy"] == "strong"
    assert all("old" not in one["ids"] for one in board["comparisons"])


def test_what_does_not_rank_has_a_reason(board):
    metrics = [metric for one in board["definitions"] for metric in one["metrics"]]
    assert {bool(one["why"]) != one["rankable"] for one in metrics} == {True}
    assert any(not one["rankable"] for one in metrics)


def test_a_record_whose_number_was_changed_is_refused_and_named(spoilt, tmp_path):
    record, folder = forgebench.read_record(spoilt / "strong")
    better = [m.model_copy(update={"value": 0.99}) if m.metric == "pixel_f1" else m for m in record.metrics]
    record.model_copy(update={"metrics": better}).sealed().write(folder)
    site = build(spoilt, tmp_path / "site").parent
    assert list(json.loads((site / "downloads/refused.json").read_text())) == ["strong"]
    assert not (site / "entries/strong").exists()
    assert "pixel_f1.value" in (site / "index.html").read_text()


def test_nothing_is_written_over_what_is_no_board(records, tmp_path):
    (tmp_path / "mine.txt").write_text("keep")
    with pytest.raises(InputError, match="no board"):
        build(records, tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_superseding_entry_must_be_there(spoilt, tmp_path):
    Entry(superseded_by="nobody").write(spoilt / "old" / "entry.json")
    with pytest.raises(InputError, match="nobody"):
        build(spoilt, tmp_path / "site")


def test_what_it_said_before_a_rescoring_is_listed_and_held_to_its_hash(spoilt, tmp_path):
    before = spoilt / "strong" / "earlier" / "1"
    shutil.copytree(spoilt / "strong", before, ignore=shutil.ignore_patterns("earlier"))
    record, _ = forgebench.read_record(before)
    gone = record.model_copy(update={"definitions": {"forgebench": 0}}).sealed()
    gone.write(before)
    Entry(note="<b>edges</b> are counted now").write(before / "entry.json")
    site = build(spoilt, tmp_path / "site").parent
    page = (site / "entries/strong/index.html").read_text()
    assert "&lt;b&gt;edges&lt;/b&gt; are counted now" in page
    assert 'href="earlier/1/record.json"' in page
    assert forgebench.read_record(site / "entries/strong/earlier/1")[0] == gone
    assert 'id="earlier"' not in (site / "entries/weak/index.html").read_text()

    gone.model_copy(update={"definitions": {"forgebench": 2}}).write(before)
    _, refused = read_all(spoilt)
    assert [one.id for one in refused] == ["strong"]
    assert [said.partition(":")[0] for said in refused[0].problems] == ["earlier/1"]


def test_without_tables_a_signature_stands_for_them(spoilt, tmp_path):
    from cryptography.hazmat.primitives import serialization
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    key = Ed25519PrivateKey.generate()
    private, public = tmp_path / "private.pem", tmp_path / "public.pem"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )
    public.write_bytes(
        key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    for name in ("strong", "weak"):
        forgebench.sign(spoilt / name, private)
    given = compared({name: spoilt / name for name in ("strong", "weak")}, "pixel_f1")
    Comparisons(comparisons=[given]).write(spoilt / "comparisons.json")
    for name in ("strong", "weak"):
        (spoilt / name / "per_image.parquet").unlink()
    assert "strong" in {one.id for one in read_all(spoilt)[1]}
    shown, refused = read_all(spoilt, public)
    assert {one.id for one in shown} == {"strong", "weak"}
    site = build(spoilt, tmp_path / "site", key=public).parent
    assert (site / "board.pub").read_bytes() == public.read_bytes()
    assert "forgebench verify record.json --key board.pub<" in (site / "entries/weak/index.html").read_text()
    assert {one.id for one in refused} == {"old", "black", "random"}
    assert all_compared(shown, read_comparisons(spoilt)) == [given]
    stale = given.model_copy(update={"records": {**given.records, "weak": "0" * 64}})
    assert all_compared(shown, Comparisons(comparisons=[stale])) == []


def test_the_tables_hold_everything_and_no_formula(site, records):
    rows = list(csv.DictReader((site / "downloads/entries.csv").read_text(encoding="utf-8").splitlines()))
    strong = next(row for row in rows if row["entry"] == "strong")
    assert (strong["method"], strong["account"]) == ("'=HYPERLINK(1)", "'+Bob")
    document = json.loads((site / "downloads/board.json").read_text())
    text = (site / "downloads/metrics.csv").read_text(encoding="utf-8")
    numbers = list(csv.DictReader(text.splitlines()))
    assert len(numbers) == len(document["metrics"])
    for row, one in zip(numbers, document["metrics"], strict=True):
        assert row["value"] == ("" if one["value"] is None else repr(one["value"]))
    record, _ = forgebench.read_record(records / "weak")
    assert [m.model_dump() for m in record.metrics] == [
        {name: value for name, value in one.items() if name != "entry"}
        for one in document["metrics"] if one["entry"] == "weak"
    ]  # fmt: skip


def test_names_are_text(site):
    page = (site / "entries/weak/index.html").read_text()
    assert "<h1>a &amp; b &#34;c&#34; &#39;d&#39; {{ 7 * 7 }}</h1>" in page


def test_nothing_is_loaded_from_elsewhere_and_every_link_leads_somewhere(site):
    for page in site.rglob("*.html"):
        text = page.read_text()
        assert "script-src 'self'" in text
        assert not re.search(r"<script(?![^>]*\bsrc=)|\son\w+=|<style", text), page
        for name, target in re.findall(r'\b(src|href)="([^"]*)"', text):
            path = target.partition("#")[0]
            if not path or target.startswith("data:"):
                continue
            if re.match(r"\w+:|//", target):
                assert name == "href", target
                assert re.search(rf'<a href="{re.escape(target)}" rel="noopener', text), target
            else:
                assert (page.parent / path).is_file(), (page, target)
    for style in site.rglob("*.css"):
        assert "url(" not in style.read_text()


def test_a_published_record_verifies_where_it_lies(site):
    assert forgebench.verify(site / "entries" / "strong") == []


def test_pictures_are_shown_where_the_licence_lets_them(site, records, scene, tmp_path):
    free = shutil.copytree(scene.benchmark.path, tmp_path / "free")
    manifest = json.loads((free / "forgebench.json").read_text())
    manifest["facts"]["redistributable"] = True
    (free / "forgebench.json").write_text(json.dumps(manifest))
    shown = build(records, tmp_path / "site", benchmarks=[free]).parent
    page, kept = ((folder / "entries" / "weak" / "index.html").read_text() for folder in (shown, site))
    assert page.count("<image ") >= 6
    assert page.index('id="gallery"') < page.index('id="numbers"')
    assert "<image " not in kept
    assert "does not let its pixels be shown" in kept
