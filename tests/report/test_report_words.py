"""The sentences are true, and hedge where they must."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from seer import HOSTILE

import forgebench
from forgebench.report.entries import Entry, read_entries
from forgebench.report.misses import misses
from forgebench.report.ranking import Ranking, rank
from forgebench.report.results import RANKED
from forgebench.report.words import sentences
from forgebench.scoring.compare import Difference

Scores = dict[str, Path]


def told(entries: list[Entry]) -> list[str]:
    rankings = {metric: rank(entries, metric) for metric in RANKED}
    return [one.replace("\u00a0", " ") for one in sentences(entries, rankings, "pixel_f1")]


def test_the_leader_is_named_with_its_interval_and_told_apart(scores: Scores) -> None:
    entries = read_entries([scores["black"], scores["seer"], scores["box"]])
    first = told(entries)[0]
    number = entries[1].number("pixel_f1")
    assert number is not None
    assert number.value == max(entry.value("pixel_f1") or 0 for entry in entries)
    interval = f"(95 % interval {number.ci_low:.3f} to {number.ci_high:.3f})"
    assert first.startswith(f"{HOSTILE} has the highest pixel F1, {number.value:.3f} {interval}.")
    assert f"The data tell {HOSTILE} apart from every other entry." in first
    comparison = forgebench.compare([scores["seer"], scores["box"], scores["black"]])
    gap = comparison.differences[0]
    assert f"to centre box, the next, is {gap.value:.3f} ({gap.ci_low:.3f} to {gap.ci_high:.3f};" in first


def test_equal_values_share_the_lead(scores: Scores) -> None:
    alike = read_entries([scores["seer"], scores["unmasked"]])
    assert len({entry.value("image_auc") for entry in alike}) == 1, "both have the same scores"
    assert told(alike)[1].startswith(f"{HOSTILE} and no masks have the highest image AUC")
    assert "apart" not in told(alike)[1]


@pytest.mark.parametrize(
    ("separated", "expected"),
    [
        ((False, False), "do not tell {} apart from centre box and all black."),
        ((False, True), "do not tell {} apart from centre box; from the others they do."),
        ((True, False), "do not tell {} apart from all black; from the others they do."),
        ((True, True), "The data tell {} apart from every other entry."),
    ],
)
def test_a_lead_is_hedged_where_the_data_do_not_separate(
    scores: Scores, separated: tuple[bool, bool], expected: str
) -> None:
    entries = read_entries([scores["seer"], scores["box"], scores["black"]])
    names = ("centre box", "all black")
    ahead = tuple(
        Difference(HOSTILE, name, 0.1, -0.2, 0.3, 0.01, 0.04 if apart else 0.06, 0.1)
        for name, apart in zip(names, separated, strict=True)
    )
    behind = Difference(*names, 0.0, -0.1, 0.1, 0.9, 0.9, 0.1)
    ranking = Ranking("pixel_f1", tuple(entries), {}, (*ahead, behind))
    rankings = {"pixel_f1": ranking, "image_auc": Ranking("image_auc", ())}
    first = sentences(entries, rankings, "pixel_f1")[0].replace("\u00a0", " ")
    assert expected.format(HOSTILE) in first
    assert first.endswith(
        "The paired difference to centre box, the next, is 0.100 (−0.200 to 0.300; Holm-corrected p = "
        f"{'0.04' if separated[0] else '0.06'})."
    )


def test_lost_samples_are_counted_and_named(scores: Scores) -> None:
    text = told(read_entries([scores["seer"], scores["box"]]))
    (lost,) = (one for one in text if "valid prediction" in one)
    assert lost.startswith("centre box lacks a valid prediction for 3 of 18 samples (3 missing mask); each of them")
    assert "Every entry has a valid prediction for each of the 18 samples." in told(
        read_entries([scores["seer"], scores["black"]])
    )


def test_the_undefined_is_counted(scores: Scores) -> None:
    entries = read_entries([scores["black"], scores["unmasked"]])
    text = told(entries)
    assert "no masks was submitted without masks: localization is undefined there." in text
    assert (
        "Pixel precision is undefined for 10 of 10 samples of all black: they are counted, and left out of its mean."
    ) in text
    assert "all black has the highest pixel F1, 0.000 (95 % interval 0.000 to 0.000)." in text


def test_what_could_not_have_been_defined_is_not_told_of_samples(rich: Scores) -> None:
    text = " ".join(told(read_entries(list(rich.values()))))
    assert "frozen" not in text
    assert "Explanation" not in text
    assert "samples of no masks" not in text


def test_many_metrics_that_are_undefined_alike_are_one_sentence(scores: Scores) -> None:
    (entry,) = read_entries([scores["black"]])
    spoilt = [
        one.model_copy(update={"n_undefined": 3}) if one.metric.startswith("boundary_f") else one
        for one in entry.record.metrics
    ]
    changed = replace(entry, record=entry.record.model_copy(update={"metrics": spoilt}))
    many = sum(one.metric.startswith("boundary_f") for one in spoilt)
    assert many > 5
    (said,) = (one for one in told([changed]) if one.startswith("Boundary"))
    assert said.startswith("Boundary F, 2 %, Boundary F, 0.5 % and")
    assert f"and {many - 2} further metrics are undefined for 3 of 10 samples of all black" in said


def test_the_leading_metric_comes_first_and_may_be_better_low(scores: Scores) -> None:
    entries = read_entries([scores["seer"], scores["black"]])
    rankings = {metric: rank(entries, metric) for metric in (*RANKED, "image_eer")}
    first, second, *_ = sentences(entries, rankings, "image_eer")
    low = min(entry.value("image_eer") or 0 for entry in entries)
    assert f"{HOSTILE} has the lowest image EER, {low:.3f} " in first
    assert "the highest pixel F1" in second


def test_without_any_masks_nothing_is_said_to_lead(scores: Scores) -> None:
    assert told(read_entries([scores["unmasked"]]))[0] == "No entry has a defined pixel F1."


def test_chance_and_false_alarms(scores: Scores) -> None:
    text = told(read_entries([scores["black"], scores["box"]]))
    assert "By image AUC, the interval of every entry includes 0.5, what guessing gives." in text[4:6]
    assert "Of the 8 authentic images, all black calls 0 and centre box 8 tampered." in text


@pytest.mark.parametrize("name", ["seer", "unmasked"])
def test_one_entry_is_described_and_not_compared(scores: Scores, name: str) -> None:
    text = " ".join(told(read_entries([scores[name]])))
    assert "has an image AUC of" in text
    assert "highest" not in text
    assert "apart" not in text
    assert "There is a valid prediction for each of the 18 samples." in text


def test_what_is_missed_most_is_counted_by_hand(rich: Scores) -> None:
    """The centre box against the truth itself: less than half of a region inside the box is a miss."""
    (entry,) = read_entries([rich["box"]])
    (sentence,) = misses([entry])
    share, name, missed, n = re.search(
        r"misses (\d+) % of tampered images with a region of (.+) of the area \((\d+) of (\d+)\)", sentence
    ).groups()
    table, low = entry.table, {"under 1 %": 0, "1-5 %": 0.01, "5-15 %": 0.05, "15 % and more": 0.15}
    high = dict(zip(low, [*list(low.values())[1:], 1.1], strict=True))
    seen, lost = 0, 0
    for index in np.flatnonzero(table.tampered):
        area = table.tampered_px[index] / (table.tampered_px[index] + table.authentic_px[index])
        if low[name] <= area < high[name]:
            marked = table.hist_tampered[index : index + 1][0][128:].sum()
            seen += 1
            lost += not table.valid[index] or marked < table.tampered_px[index] / 2
    assert (int(missed), int(n)) == (lost, seen)
    assert int(share) == round(100 * lost / seen)
    assert not list(misses(read_entries([rich["unmasked"]])))
