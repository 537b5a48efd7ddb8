"""Write metrics.md: every metric of `forgebench`, what controls get from it, and examples worked by hand."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

import forgebench
from forgebench import Benchmark, controls
from forgebench.metrics import DEFINITIONS, Metric, Table
from forgebench.scoring.columns import wanted
from forgebench.scoring.count import count
from forgebench.scoring.per_image import open_table
from forgebench.submission import Method

PAGE = Path(__file__).parents[1] / "metrics.md"
DEFINITION = DEFINITIONS["forgebench"]
PERFECT, BOX = "perfect", "box around the truth"

_INTRODUCTION = """\
Written by `docs/generate/metrics.py` from the code; do not edit. How other definitions differ:
[definitions.md](definitions.md).

*Over* says which samples a metric is over. The fixed threshold is byte 128 and score 0.5; a frozen one was chosen on
another split. *May rank* is no where an oracle, silence or marking everything can win. Intervals are at 95 %; those
called bootstrap draw whole groups of images 2000 times, and are percentile or BCa. Undefined is NaN and counted, never
0; a sample without a valid prediction gets the worst value."""
_SCENE = """\
Three tampered images of 64 x 96 pixels, with a disc, an L and a pair of boxes, and three authentic ones, where the same
shapes are things of the scene. *Perfect* is the truth; the others are those of `forgebench.controls`. The inverted
truth and the box around the truth were told the truth, the others know nothing of it; the constant says byte 128 and
score 0.5, which is at the threshold. A dash is undefined. Metrics that all of them leave undefined are left out: at
frozen thresholds, of classes and texts, which they do not predict, and of the cost of training."""
_WON = "These are won by something that knows nothing or has everything wrong, or are undefined for it; none may rank:"


def page() -> str:
    """The whole page."""
    values = measured()
    rows = [(f"`{name}`", *map(_shown, of_each.values())) for name, of_each in values.items()]
    return "\n\n".join([
        "# Metrics",
        _INTRODUCTION,
        *(part for family in dict.fromkeys(m.family for m in DEFINITION.metrics) for part in _family(family)),
        "## What controls get",
        _SCENE,
        _table(("metric", *next(iter(values.values()))), rows),
        _WON,
        "\n".join(f"- `{name}`: {', '.join(by)}. {DEFINITION.metric(name).note}" for name, by in won(values).items()),
        "## By hand",
        EXAMPLES.strip(),
    ]) + "\n"  # fmt: skip


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = tuple(head)
    return "\n".join("| " + " | ".join(line) + " |" for line in (head, ("---",) * len(head), *rows))


def _family(family: str) -> Iterator[str]:
    yield f"## {family.capitalize()}"
    head = ("metric", "name", "over", "aggregation", "threshold", "better", "may rank", "interval", "note")
    yield _table(head, (_row(metric) for metric in DEFINITION.metrics if metric.family == family))


def _row(metric: Metric) -> tuple[str, ...]:
    return (
        f"`{metric.id}`", metric.title, metric.over, metric.aggregation, metric.threshold,
        "higher" if metric.higher_is_better else "lower", "yes" if metric.rankable else "no", metric.interval,
        metric.note,
    )  # fmt: skip


def _shown(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.3f}"


def measured() -> dict[str, dict[str, float]]:
    """What each control gets of each metric; without the metrics that are undefined for all."""
    truth = _truth()
    perfect = controls.OfTruth(PERFECT, truth, lambda mask: (float(mask.any()), mask * np.uint8(255)))
    methods = (
        perfect, controls.all_black(), controls.all_white(), controls.constant(), controls.inverted_truth(truth),
        controls.random(), controls.centre_box(), controls.edges(), controls.truth_box(truth),
    )  # fmt: skip
    with tempfile.TemporaryDirectory() as name:
        benchmark = _benchmark(Path(name))
        tables = {method.name: _counted(method, benchmark, Path(name) / method.name) for method in methods}
        found = {
            metric.id: {name: float(metric.statistic(one).of(one.whole)[0]) for name, one in tables.items()}
            for metric in DEFINITION.metrics
        }
    return {name: values for name, values in found.items() if not np.isnan(list(values.values())).all()}


def won(values: Mapping[str, Mapping[str, float]]) -> dict[str, list[str]]:
    """By metric, who does as well as the truth without knowing it, or is undefined where the truth is not."""
    winners = {
        name: [who for who, value in of.items() if who not in (PERFECT, BOX) and not abs(value - of[PERFECT]) > 0]
        for name, of in values.items()
    }
    return {name: found for name, found in winners.items() if found}


def _shapes() -> dict[str, NDArray[np.bool_]]:
    y, x = np.mgrid[:64, :96]
    return {
        "disc": (y - 30) ** 2 + (x - 36) ** 2 < 200,
        "corner": (y >= 8) & (y < 40) & (x >= 56) & (x < 88) & ((y >= 30) | (x < 66)),
        "pair": (y >= 20) & (y < 36) & (((x >= 10) & (x < 26)) | ((x >= 62) & (x < 82))),
    }


def _truth() -> dict[str, NDArray[np.bool_]]:
    """The masks by sample id."""
    both = (("tampered", True), ("authentic", False))
    return {f"{label}-{name}": shape & tampered for name, shape in _shapes().items() for label, tampered in both}


def _benchmark(folder: Path) -> Benchmark:
    """Noise on a ramp with a bright square; the shapes are noise on the ramp's inverse."""
    rng = np.random.default_rng(0)
    for kind in ("tampered", "authentic", "masks"):
        (folder / "source" / kind).mkdir(parents=True)
    for name, shape in _shapes().items():
        for kind in ("tampered", "authentic"):
            ground = np.broadcast_to(np.arange(96) * 2 + 20, shape.shape).copy()
            ground[44:60, 40:56] = 230
            seen = np.where(shape, 250 - ground, ground) + rng.integers(0, 6, shape.shape)
            Image.fromarray(seen.astype(np.uint8)).convert("RGB").save(folder / f"source/{kind}/{name}.png")
        Image.fromarray(shape).save(folder / f"source/masks/{name}.png")
    return forgebench.build("folder", folder / "source", folder / "benchmark", workers=1)


def _counted(method: Method, benchmark: Benchmark, folder: Path) -> Table:
    submission = forgebench.predict(method, benchmark, folder / "submission")
    about = wanted(DEFINITION.counts, submission.manifest.outputs)
    count(submission, benchmark, folder / "table.parquet", about, workers=1)
    return open_table(folder / "table.parquet").table()


EXAMPLES = '''
Each of these runs as a test.

```python
>>> import numpy as np

```

### Pixel

Three tampered pixels with the bytes 255, 200 and 100, five authentic ones with 200, 50, 0, 0 and 0.

- At byte 128: two of three found, one false alarm, four rightly left. Precision 2/3, recall 2/3, F1 = 4 / (4 + 1 + 1),
  IoU = 2 / 4, MCC = (2 * 4 - 1 * 1) / sqrt(3 * 3 * 5 * 5) = 7 / 15.
- AUC: of 15 pairs, 255 wins five, 200 wins four and ties one, 100 wins four: 13.5 / 15.
- AP: each tampered pixel adds a third of the precision at its byte: (1 + 2/3 + 3/4) / 3.
- The oracle takes byte 100: three found, one false alarm, 6 / 7.

```python
>>> from forgebench.metrics import pixel_counts, pixel_numbers
>>> pred = np.array([[255, 200, 100, 200], [50, 0, 0, 0]], np.uint8)
>>> mask = np.array([[1, 1, 1, 0], [0, 0, 0, 0]])
>>> for name, value in pixel_numbers(pixel_counts(pred, mask)).items():
...     print(f"{name} {value:.4f}")
pixel_f1 0.6667
pixel_iou 0.5000
pixel_precision 0.6667
pixel_recall 0.6667
pixel_mcc 0.4667
pixel_auc 0.9000
pixel_ap 0.8056
pixel_f1_oracle 0.8571

```

### Boundary

A square of 10 x 10, predicted one pixel too far to the right, at a width of 1 pixel. Each contour has 36 pixels.

- Every contour pixel has one of the other within 1 pixel: boundary F is 1.
- The bands are the contours themselves. They share the 9 pixels of the top and the 9 of the bottom row:
  18 / (36 + 36 - 18) is a third.
- Without the truth's contour and a pixel on either side, the 6 x 6 in the middle are left, all found, and no false
  alarm: F1 is 1. All of the error was a matter of one pixel.

```python
>>> from forgebench.metrics.boundary import Width, boundary_counts, boundary_f, boundary_iou, f1_without_band
>>> truth = np.zeros((30, 30), bool)
>>> truth[10:20, 10:20] = True
>>> counts = boundary_counts(np.roll(truth, 1, axis=1) * np.uint8(255), truth, [Width("1px", px=1)])
>>> [round(float(number(counts)[0]), 4) for number in (boundary_f, boundary_iou, f1_without_band)]
[1.0, 0.3333, 1.0]
>>> int(counts.tp_beyond[0])
36

```

### Region

Two true regions; three boxes with scores 0.9, 0.8 and 0.7, of which the second hits nothing. Up to a recall of 1/2 the
precision is 1, up to 1 it is 2/3: of COCO's 101 recalls, 51 and 50. (51 + 50 * 2/3) / 101 = 0.8350. The first box is
the region, the third covers 80 of its 100 pixels: found at the IoU thresholds 0.5 to 0.8, seven of ten. Beyond, only
the first is: 51 / 101. The mean is 0.7 * 0.8350 + 0.3 * 0.5050 = 0.7360.

```python
>>> from forgebench import Box
>>> from forgebench.metrics.region import average_precision, match, region_counts
>>> truth = np.zeros((100, 100), bool)
>>> truth[10:20, 10:20] = truth[50:60, 50:60] = True
>>> boxes = [Box(10, 10, 10, 10, 0.9), Box(80, 80, 10, 10, 0.8), Box(50, 50, 10, 8, 0.7)]
>>> counts = region_counts(None, truth, boxes).box
>>> matches = match([counts], np.array([True]), (np.array([0]), 1))
>>> ap = average_precision(matches, np.ones((1, 1)))[0]
>>> round(float(ap[0]), 4), round(float(ap.mean()), 4)
(0.835, 0.736)

```

### Image

Tampered images score 0.9, 0.6 and 0.4, authentic ones 0.6 and 0.1.

- At 0.5: two of three found, one false alarm of two. Accuracy 3/5; balanced accuracy (2/3 + 1/2) / 2; F1 = 4 / 6; I-F1,
  the harmonic mean of 2/3 and 1/2, is 4/7.
- AUC: of 6 pairs, 0.9 wins two, 0.6 wins one and ties one, 0.4 wins one: 4.5 / 6.
- AP: (1 + 2/3 + 3/4) / 3.
- EER: the ROC goes from (0, 1/3) to (1/2, 2/3). At 4/5 of the way, FPR is 0.4 and TPR 0.6.

```python
>>> from forgebench.metrics import image
>>> some = image.Confusion(tp=np.array([2.0]), fp=np.array([1.0]), p=np.array([3.0]), n=np.array([2.0]))
>>> for number in (image.accuracy, image.balanced_accuracy, image.f1, image.i_f1):
...     print(f"{number.__name__} {number(some)[0]:.4f}")
accuracy 0.6000
balanced_accuracy 0.5833
f1 0.6667
i_f1 0.5714
>>> falling = image.Curve(tp=np.array([[1.0, 2, 3, 3]]), fp=np.array([[0.0, 1, 1, 2]]), lost=np.zeros(1))
>>> for number in (image.auc, image.average_precision, image.equal_error_rate):
...     print(f"{number.__name__} {number(falling)[0]:.4f}")
auc 0.7500
average_precision 0.8056
equal_error_rate 0.4000

```

### False alarms

None of ten authentic images is called tampered. The exact interval ends where ten of ten are missed with probability
0.025: 1 - 0.025 ** (1/10) = 0.3085. Wilson's ends at z^2 / (10 + z^2) with z = 1.96: 3.8415 / 13.8415 = 0.2775.

```python
>>> from forgebench.metrics.intervals import clopper_pearson, wilson
>>> [round(end, 4) for end in clopper_pearson(0, 10)], [round(end, 4) for end in wilson(0, 10)]
([0.0, 0.3085], [0.0, 0.2775])

```

### Calibration

Five pixels were given 0.8 (byte 204), three of them tampered; five were given 0.2 (byte 51), one of them tampered.

- ECE: 4 were said and 3 are; 1 was said and 1 is. (1 + 0) / 10.
- Brier: (3 * 0.2^2 + 2 * 0.8^2 + 1 * 0.8^2 + 4 * 0.2^2) / 10 = 0.22.
- Debiased: the squared distance of the first bin, 0.04, is less than chance leaves in five pixels, 0.6 * 0.4 / 4: 0.

```python
>>> from forgebench.metrics import calibration
>>> tampered, authentic = np.zeros((2, 1, 256), int)
>>> tampered[0, [204, 51]] = 3, 1
>>> authentic[0, [204, 51]] = 2, 4
>>> bins = calibration.pixel_reliability_counts(tampered, authentic, lost=np.zeros((1, 2)))
>>> round(float(calibration.expected_calibration_error(bins)[0]), 4)
0.1
>>> round(float(calibration.pixel_brier(tampered, authentic)[0]), 4)
0.22
>>> float(calibration.debiased_calibration_error(bins)[0])
0.0

```

### Text

Said: "a cat on the the mat", six words; true: "the cat on the mat", five. In common are cat, on, mat and twice the: F1
is 10 / 11. In order are at most four, cat on the mat: ROUGE-L is 8 / 11.

```python
>>> from forgebench.metrics.text import text_counts, text_numbers
>>> numbers = text_numbers(text_counts({"content": "a cat on the the mat"}, {"content": "The cat on the mat."}))
>>> round(numbers["text_f1_content"], 4), round(numbers["text_rouge_l_content"], 4)
(0.9091, 0.7273)

```

### Classes

Two images of each class. Of the real ones one is called tampered, of the tampered ones one full synthetic. Right are 4
of 6. F1 of real: 2 / (2 + 1); of full synthetic: 4 / (2 + 3); of tampered: 2 / (2 + 2). Their mean is 0.6556.

```python
>>> from forgebench.metrics.classes import class_cells, class_counts, class_numbers
>>> cells = class_cells(np.array([0, 0, 1, 1, 2, 2]), np.array([0, 2, 1, 1, 2, 1]), np.ones(6, bool))
>>> numbers = class_numbers(class_counts(cells, np.ones((1, 6))))
>>> for name in ("accuracy", "f1_real", "f1_full_synthetic", "f1_tampered", "macro_f1"):
...     print(f"{name} {numbers['class_' + name][0]:.4f}")
accuracy 0.6667
f1_real 0.6667
f1_full_synthetic 0.8000
f1_tampered 0.5000
macro_f1 0.6556

```

### Cost

A pixel F1 of 0.69 from masks that take 23 minutes an image: 0.69 / 1380.

```python
>>> from forgebench.metrics.cost import score_per_second
>>> score_per_second(0.69, "pixel")
0.0005

```

### Statistics

BCa. Where half of the resampled values are below the estimate, and the influences are not skewed, it is the percentile
interval. Where 84.13 % are below, the bias is z = 1, and the ends are the quantiles at the normal shares of
2 * 1 - 1.96 = 0.04 and 2 * 1 + 1.96 = 3.96: 0.516 and 1.

```python
>>> from forgebench.metrics.intervals import bca_interval, percentile_interval
>>> drawn, even = np.linspace(0, 1, 100_001), np.array([-1.0, 0.0, 1.0])
>>> [round(end, 3) for end in bca_interval(drawn, 0.5, even)], [round(end, 3) for end in percentile_interval(drawn)]
([0.025, 0.975], [0.025, 0.975])
>>> [round(end, 3) for end in bca_interval(drawn, 0.8413, even)]
[0.516, 1.0]

```

Bootstrap. The first entry is behind in 24 of 999 resamples: 2 * (24 + 1) / (999 + 1).

```python
>>> from forgebench.metrics.significance import holm, paired_bootstrap_p, permutation_p, swapped_means
>>> paired_bootstrap_p(np.repeat([-0.1, 0.1], [24, 975]))
0.05

```

Permutation. On three images the first entry is ahead by 0.4, 0.3 and -0.1, by 0.6 in all. Of the eight ways to swap,
0.4 + 0.3 - 0.1 and 0.4 + 0.3 + 0.1 are as far from 0, and both with the signs turned: 4 / 8.

```python
>>> units = np.arange(3), 3
>>> permutation_p(swapped_means(np.array([0.9, 0.8, 0.4]), np.array([0.5, 0.5, 0.5]), units), units, seed=0)
0.5

```

Holm. The smallest of three counts three times, the next twice, and none is smaller than one before it:
3 * 0.01, 2 * 0.03, and for 0.04 again 0.06.

```python
>>> holm([0.01, 0.04, 0.03]).tolist()
[0.03, 0.06, 0.06]

```
'''


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
