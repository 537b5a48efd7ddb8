"""What the projects behind the definitions compute, written again from their formulas: on pixels, in floating point.

Nothing here knows of histograms. Maps are float32, as those projects get them: a byte v is v / 255.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from PIL import Image
from scipy import ndimage

from forgebench.metrics import Metric, Table, pixel_counts
from forgebench.metrics.counting import Counted, Shown
from forgebench.metrics.views import VIEWS

from .tables import Shot


def heat_of(shot: Shot) -> np.ndarray:
    """The map as the projects read it."""
    return shot.heat.astype(np.float32) / np.float32(255)


def disc(size: int = 256, radius: int = 60) -> np.ndarray:
    """A disc in the middle: 17 % of the image."""
    y, x = np.mgrid[:size, :size] - size // 2
    return x * x + y * y < radius * radius


def pattern(height: int, width: int, step: int = 91, values: int = 256) -> np.ndarray:
    """Bytes in an order without rhyme, the same on every machine."""
    return (np.arange(height * width) * step % values).astype(np.uint8).reshape(height, width)


def smooth(size: int = 256, radius: int = 58, slope: int = 6) -> np.ndarray:
    """A good map of the disc, a little too small: falls off over its edge."""
    y, x = np.mgrid[:size, :size] - size // 2
    return np.clip(128 + slope * (radius - np.sqrt(x * x + y * y)), 0, 255).astype(np.uint8)


def noisy() -> np.ndarray:
    """A black and white map of the disc, wrong in every seventh pixel."""
    return np.where((pattern(256, 256, 75, 257) % 7 == 0) ^ disc(), 255, 0).astype(np.uint8)


def cases() -> dict[str, Shot]:
    """One image each; the projects' own values are in the tests."""
    black, true, nothing = np.zeros((256, 256), np.uint8), disc(), np.zeros((256, 256), bool)
    spot = black.copy()
    spot[100, 100] = 255
    small = np.zeros((12, 20), bool)
    small[3:9, 4:12] = True
    return {
        "authentic, empty": Shot(nothing, black, 0.1),
        "authentic, one pixel": Shot(nothing, spot, 0.6),
        "authentic, full": Shot(nothing, black + 255, 0.9),
        "authentic, grey": Shot(nothing, pattern(256, 256, 37, 101), 0.2),
        "tampered, empty": Shot(true, black, 0.4),
        "tampered, constant": Shot(true, black + 127, 0.5),
        "tampered, full": Shot(true, black + 255, 0.5),
        "tampered, good": Shot(true, smooth(), 0.9),
        "tampered, inverted": Shot(true, 255 - smooth(), 0.8),
        "tampered, noisy": Shot(true, noisy(), 0.7),
        "tampered, perfect": Shot(true, np.where(true, 255, 0).astype(np.uint8), 1.0),
        "tampered, worst": Shot(true, np.where(true, 0, 255).astype(np.uint8), 0.0),
        "tampered, grey": Shot(true, pattern(256, 256, 113, 255), 0.3),
        "all of it tampered": Shot(~nothing, pattern(256, 256, 113, 255), 0.55),
        "all of it, found": Shot(~nothing, black + 255, 0.95),
        "small, no ties": Shot(small, pattern(12, 20, 91, 240), 0.45),
    }


def measured(shots: list[Shot], *, tells_synthetic: bool = True) -> Table:
    """The table that scoring makes of them, with the families of counts that other projects' definitions need."""
    columns: dict[str, list] = {}
    for shot in shots:
        counted = {}
        for family in (PLAIN, *VIEWS):
            counted |= dict.fromkeys(family.columns)
            if shot.valid:
                counted |= family.count(Shown(shot.heat, shot.mask))
        for name, count in counted.items():
            missing = np.zeros(256, np.int64) if name.startswith("hist_") else 0
            columns.setdefault(name, []).append(missing if count is None else count)
    extra = {name: np.array(counts) for name, counts in columns.items()}
    extra["manipulation"] = np.array([shot.made for shot in shots], object)
    if tells_synthetic:
        extra["synthetic"] = np.array([shot.synthetic if shot.valid else np.nan for shot in shots])
    px = [(0, 0) if shot.mask is None else (int(shot.mask.sum()), int((~shot.mask).sum())) for shot in shots]
    valid = np.array([shot.valid for shot in shots], bool)
    return Table(
        sample_id=np.array([f"s{i}" for i in range(len(shots))], dtype=str),
        group=np.array([shot.group for shot in shots], dtype=str),
        tampered=np.array([shot.tampered for shot in shots], bool),
        score=np.where(valid, [shot.score for shot in shots], np.nan),
        valid=valid,
        hist_tampered=extra.pop("hist_tampered"),
        hist_authentic=extra.pop("hist_authentic"),
        tampered_px=np.array([tampered for tampered, _ in px], np.int64),
        authentic_px=np.array([authentic for _, authentic in px], np.int64),
        extra=extra,
    )


def _plain(shown: Shown) -> dict[str, np.ndarray]:
    if shown.truth is None:
        return {}
    counts = pixel_counts(shown.pred, shown.truth)
    return {"hist_tampered": counts.tampered, "hist_authentic": counts.authentic}


PLAIN = Counted("plain", {"hist_tampered": "histogram", "hist_authentic": "histogram"}, _plain)


def value(metric: Metric, of: Table, weights: np.ndarray | None = None) -> float:
    """A metric's value; every sample counts once unless said, shape (N,)."""
    weights = np.ones(len(of)) if weights is None else weights.astype(float)
    alone = replace(of, units=(np.arange(len(of)), len(of)))
    return float(metric.statistic(alone).of(weights[None])[0])


def benco_f1(mask: np.ndarray, called: np.ndarray) -> float:
    """Harmonic mean of precision and recall, 1e-8 below every fraction."""
    hits = np.count_nonzero(mask & called)
    precision, recall = hits / (np.count_nonzero(called) + 1e-8), hits / (np.count_nonzero(mask) + 1e-8)
    return 2 * precision * recall / (precision + recall + 1e-8)


def benco_iou(mask: np.ndarray, called: np.ndarray) -> float:
    """Intersection over union, 1e-8 below."""
    return np.count_nonzero(mask & called) / (np.count_nonzero(mask | called) + 1e-8)


def benco_auc(mask: np.ndarray, heat: np.ndarray) -> float:
    """The area under the steps that sorted pixels make, one by one; ties in the order of a stable sort."""
    if not mask.any():
        return 0.0
    if mask.all():
        return float("nan")
    inside = mask.ravel()[np.argsort(-heat, axis=None, kind="stable")]
    tpr, fpr = np.cumsum(inside) / inside.sum(), np.cumsum(~inside) / (~inside).sum()
    return float(np.trapezoid(tpr, fpr))


def trufor_f1(mask: np.ndarray, heat: np.ndarray) -> tuple[float, float]:
    """Best and fixed F1 without the band, of the map or its inverse."""
    inside, outside = ndimage.minimum_filter(mask, 15), ~ndimage.maximum_filter(mask, 11)
    kept = inside | outside
    truth, values = inside[kept], heat[kept]

    def f1(called: np.ndarray) -> float:
        wrong, hits = np.count_nonzero(called != truth), np.count_nonzero(called & truth)
        return 2 * hits / (2 * hits + wrong) if hits else 0.0

    best = [max(f1(values > t), f1(values <= t)) for t in np.unique(values)]
    called = values > 0.5
    two = len(np.unique(np.concatenate([truth, called]))) == 2
    return max(best, default=float("nan")), max(f1(called), f1(~called)) if two else float("nan")


def mvss_f1(mask: np.ndarray, called: np.ndarray, channels: int = 1) -> float:
    """F1, 1e-6 below; MVSS-Net, WSCL and SCAF (which counts three equal channels)."""
    hits, wrong = channels * np.count_nonzero(mask & called), channels * np.count_nonzero(mask != called)
    return 2 * hits / (2 * hits + wrong + 1e-6)


def scaf_map(heat: np.ndarray) -> np.ndarray:
    """The stretched map as the bytes that are written."""
    return ((heat - heat.min()) / (heat.max() - heat.min() + 1e-8) * 255).astype(np.uint8)


def cat_net_miou(mask: np.ndarray, called: np.ndarray) -> float:
    """Mean IoU of both classes, denominators at least 1."""
    pairs = ((mask, called), (~mask, ~called))
    return sum(np.count_nonzero(a & b) / max(1, np.count_nonzero(a | b)) for a, b in pairs) / 2


def sida_pair(mask: np.ndarray, heat: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Truth and called pixels at SAM's size; the truth cut off to whole numbers."""
    scale = 1024 / max(mask.shape)
    height, width = (int(side * scale + 0.5) for side in mask.shape)
    truth, called = (
        np.asarray(Image.fromarray(one).resize((width, height), Image.Resampling.BILINEAR)) / 255.0
        for one in (np.where(mask, 255, 0).astype(np.uint8), heat)
    )
    return truth.astype(int) == 1, called > 0.5


def sida_iou(mask: np.ndarray, heat: np.ndarray) -> float:
    """IoU at that size, 1e-5 below; 1 where both are empty."""
    truth, called = sida_pair(mask, heat)
    union = np.count_nonzero(truth | called)
    return np.count_nonzero(truth & called) / (union + 1e-5) if union else 1.0
