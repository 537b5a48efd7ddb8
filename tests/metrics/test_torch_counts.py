"""Counts from tensors: equal to those from arrays to the last bit, on every device and over several processes."""

from __future__ import annotations

import copy
import json
import math
import subprocess
import sys
import warnings
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from forgebench.errors import InputError
from forgebench.metrics import pixel_counts

from .tables import METRICS, shots, table, value

torch = pytest.importorskip("torch")

from forgebench.metrics import torch as ours  # noqa: E402

QUICK = settings(max_examples=60, deadline=None, database=None, derandomize=True)
SIZES = st.tuples(st.integers(0, 6), st.integers(0, 6))
BYTES = st.sampled_from([0, 1, 127, 128, 254, 255]) | st.integers(0, 255)
MASKS = st.sampled_from([bool, np.uint8, np.int64, np.float32])
EDGES = np.array([0.0, *((np.arange(255) + 0.5) / 255), 0.5, 1.0])
"""The probabilities at which the byte changes, where a rounding rule shows."""
IDS = [
    "pixel_f1", "pixel_iou", "pixel_precision", "pixel_recall", "pixel_mcc", "pixel_balanced_accuracy", "pixel_auc",
    "pixel_pauc_10", "pixel_ap", "pixel_f1_oracle", "pixel_iou_oracle", "pixel_mcc_oracle", "pixel_f1_pooled",
    "pixel_iou_pooled", "pixel_mcc_pooled", "pixel_balanced_accuracy_pooled", "pixel_auc_pooled",
    "pixel_pauc_10_pooled", "pixel_ap_pooled", "image_auc", "image_pauc_10", "image_ap", "image_accuracy",
    "image_balanced_accuracy", "image_f1", "image_if1", "combined_f1", "image_eer", "image_tpr_at_fpr_01",
    "image_tpr_at_fpr_05", "fpr_authentic", "fpr_authentic_wilson", "false_area_authentic", "false_alarm_authentic",
    "image_brier", "pixel_brier", "image_ece", "image_ece_adaptive", "image_ece_debiased", "pixel_ece",
    "pixel_ece_adaptive", "pixel_ece_debiased", "coverage",
]  # fmt: skip
"""The numbers that histograms, scores and labels determine."""


@pytest.fixture(autouse=True)
def _one_thread():
    torch.set_num_threads(1)


@st.composite
def _image(draw, size=SIZES):
    shape = draw(size)
    mask = draw(arrays(bool, shape)).astype(draw(MASKS)) * 3
    return draw(arrays(np.uint8, shape, elements=BYTES)), mask


@st.composite
def _batch(draw):
    shape = draw(SIZES)
    return draw(st.lists(_image(st.just(shape)), min_size=1, max_size=5))


def _equal(found, images):
    """Both histograms are those that numpy counts."""
    expected = [pixel_counts(pred, mask) for pred, mask in images]
    for histograms, name in zip(found, ("tampered", "authentic"), strict=True):
        assert histograms.dtype == torch.int64
        assert histograms.shape == (len(images), 256)
        assert histograms.cpu().tolist() == [getattr(counts, name).tolist() for counts in expected]


def _tensors(arrays, device="cpu"):
    return [torch.from_numpy(np.ascontiguousarray(array)).to(device) for array in arrays]


@given(_batch())
@QUICK
def test_a_batch_is_counted_as_arrays_are(images):
    masks = [mask.astype(np.float32) for _, mask in images]
    found = ours.pixel_counts(torch.stack(_tensors(pred for pred, _ in images)), torch.stack(_tensors(masks)))
    _equal(found, images)


@given(st.lists(_image(), max_size=5))
@QUICK
def test_images_of_many_sizes_are_counted_as_arrays_are(images):
    preds, masks = ([image[i] for image in images] for i in (0, 1))
    _equal(ours.pixel_counts(_tensors(preds), _tensors(masks)), images)


def _hard(seed=0):
    """Constant, binary and noisy images of one size, and masks that are full, empty, odd and NaN in places."""
    rng = np.random.default_rng(seed)
    mask = rng.random((37, 53)) < 0.2
    noise = rng.integers(0, 256, mask.shape, np.uint8)
    nan = np.where(mask, np.nan, 0).astype(np.float32)
    heats = [noise, np.full_like(noise, 127), np.full_like(noise, 128), mask * np.uint8(255), ~mask * np.uint8(255)]
    masks = [mask, np.ones_like(mask), np.zeros_like(mask), nan, mask.astype(np.int16) * np.int16(-3)]
    return [(heat, truth) for heat in heats for truth in masks]


def test_hard_images_are_counted_as_arrays_are():
    images = _hard()
    _equal(ours.pixel_counts(_tensors(p for p, _ in images), _tensors(m for _, m in images)), images)


def test_views_are_counted_as_they_look():
    pred = torch.arange(240, dtype=torch.uint8).reshape(1, 12, 20)
    mask = pred % 3 == 0
    for view in (lambda t: t[:, ::2, 1::3], lambda t: t.transpose(1, 2), lambda t: t[:, :1].expand(1, 5, 20)):
        _equal(ours.pixel_counts(view(pred), view(mask)), [(view(pred)[0].numpy(), view(mask)[0].numpy())])


def test_an_image_of_millions_of_pixels_is_counted_exactly():
    pred = torch.full((1, 4100, 4100), 200, dtype=torch.uint8)
    tampered, authentic = ours.pixel_counts(pred, torch.zeros_like(pred))
    assert int(authentic[0, 200]) == 4100**2 > 2**24
    assert int(tampered.sum()) == 0
    assert int(authentic.sum()) == 4100**2


def test_no_images_have_no_histograms():
    for none in ([], torch.zeros((0, 3, 4), dtype=torch.uint8)):
        tampered, authentic = ours.pixel_counts(none, none)
        assert tampered.shape == authentic.shape == (0, 256)


def test_counting_is_deterministic():
    before = torch.are_deterministic_algorithms_enabled()
    torch.use_deterministic_algorithms(True)
    try:
        images = _hard(1)
        _equal(ours.pixel_counts(_tensors(p for p, _ in images), _tensors(m for _, m in images)), images)
    finally:
        torch.use_deterministic_algorithms(before)


# --- from probabilities to bytes --------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["float32", "float64"])
def test_probabilities_become_the_bytes_that_numpy_makes_of_them(kind):
    steps = [np.nextafter(EDGES.astype(kind), np.array(end, kind)) for end in (0, 1)]
    found = np.concatenate([EDGES.astype(kind), *steps, np.random.default_rng(0).random(10_000, kind)])
    expected = np.round(found * 255).astype(np.uint8)
    assert ours.to_bytes(torch.from_numpy(found)).numpy().tolist() == expected.tolist()


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_half_precision_is_widened_before_it_is_rounded(kind):
    """Every number of the type in [0, 1], against exact arithmetic."""
    every = torch.arange(2**15, dtype=torch.int32).to(torch.int16).view(getattr(torch, kind))
    every = every[(every >= 0) & (every <= 1)]
    exact = np.round(every.double().numpy() * 255)
    assert len(every) > 15_000
    assert ours.to_bytes(every).tolist() == exact.tolist()
    assert (every * 255).round().tolist() != exact.tolist(), "in its own precision it would differ"


def test_a_byte_comes_back_from_its_probability():
    every = torch.arange(256, dtype=torch.uint8)
    for kind in (torch.float32, torch.float64):
        assert torch.equal(ours.to_bytes(every.to(kind) / 255), every)


def test_predictions_that_are_being_trained_are_counted():
    pred = torch.rand((2, 5, 6), requires_grad=True)
    _equal(ours.pixel_counts(pred, torch.ones((2, 5, 6))), [(b, np.ones((5, 6))) for b in ours.to_bytes(pred).numpy()])


@pytest.mark.parametrize(
    ("pred", "words"),
    [
        (torch.tensor([[[0.5, float("nan")]]]), r"probabilities in \[0, 1\], got values from nan"),
        (torch.tensor([[[0.5, 1.01]]]), r"from 0.5 to 1.0\d+.*torch\.sigmoid"),
        (torch.tensor([[[-3.0, 7.0]]]), r"from -3.0 to 7.0.*torch\.sigmoid"),
        (torch.tensor([[[0.5, float("inf")]]]), "to inf"),
        (torch.tensor([[[0.5, -1e-9]]], dtype=torch.float64), "from -1e-09"),
        (torch.tensor([[[0, 1]]]), "torch.int64"),
        (torch.tensor([[[True, False]]]), "torch.bool"),
        (torch.zeros((1, 2, 1)), r"mask's shape \(1, 2\), got \(2, 1\)"),
        (torch.zeros((1, 1, 1, 2)), r"got \(1, 1, 2\)"),
        (torch.zeros((2, 1, 2)), "as many masks as predictions, got 1 and 2"),
    ],
)  # fmt: skip
def test_what_is_no_prediction_is_refused(pred, words):
    with pytest.raises(InputError, match=words):
        ours.pixel_counts(pred, torch.zeros((1, 1, 2)))


# --- validation -------------------------------------------------------------------------------------------------------


def _given(seed, n=20):
    return shots(seed, n)


def _arguments(shots):
    """What `update` takes of these images."""
    return {
        "pred": _tensors(shot.heat for shot in shots),
        "mask": [None if shot.mask is None else torch.from_numpy(shot.mask) for shot in shots],
        "score": torch.tensor([shot.score for shot in shots], dtype=torch.float64),
        "tampered": torch.tensor([shot.tampered for shot in shots]),
    }


def _scored(shots):
    """Every number as the scorer computes it, from its own table."""
    scored = table(shots)
    return {name: value(METRICS[name], scored) for name in IDS}


def _same(found, expected):
    """Equal to the last bit, undefined where undefined."""
    assert list(found) == list(expected)
    wrong = {
        n: (v, expected[n]) for n, v in found.items() if np.float64(v).tobytes() != np.float64(expected[n]).tobytes()
    }
    assert all(math.isnan(a) and math.isnan(b) for a, b in wrong.values()), wrong


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("batch", [1, 7, 20])
def test_validation_gives_the_numbers_of_scoring(seed, batch):
    images = _given(seed)
    accumulator = ours.PixelAccumulator()
    for start in range(0, len(images), batch):
        accumulator.update(**_arguments(images[start : start + batch]))
    _same(accumulator.compute(), _scored(images))


def test_the_right_map_is_better_than_noise():
    images = [shot for shot in _given(0) if shot.mask is not None]
    found = []
    for shown in (images, [replace(shot, heat=shot.mask * np.uint8(255)) for shot in images]):
        accumulator = ours.PixelAccumulator()
        accumulator.update(**_arguments(shown))
        found.append(accumulator.compute()["pixel_f1"])
    assert 0 < found[0] < found[1] == 1


def test_reset_forgets():
    accumulator = ours.PixelAccumulator()
    accumulator.update(**_arguments(_given(1)))
    accumulator.reset()
    with pytest.raises(InputError, match="No image was counted"):
        accumulator.compute()
    accumulator.update(**_arguments(_given(2)))
    _same(accumulator.compute(), _scored(_given(2)))


def test_scores_of_half_precision_are_widened():
    images, arguments = _given(3), _arguments(_given(3))
    arguments["score"] = arguments["score"].to(torch.bfloat16)
    images = [replace(shot, score=float(s)) for shot, s in zip(images, arguments["score"], strict=True)]
    accumulator = ours.PixelAccumulator()
    accumulator.update(**arguments)
    _same(accumulator.compute(), _scored(images))


def test_two_kibibytes_an_image():
    counted = ours.count_batch(**_arguments(_given(0)))
    assert counted.histograms.element_size() * counted.histograms[0].numel() == 2048


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"score": torch.full((20,), 1.5)}, r"scores in \[0, 1\]"),
        ({"score": torch.full((20,), float("nan"))}, r"scores in \[0, 1\]"),
        ({"score": torch.zeros(19)}, r"scores \(19,\)"),
        ({"score": torch.zeros((20, 1))}, r"scores \(20, 1\)"),
        ({"tampered": torch.zeros(3)}, r"labels \(3,\)"),
        ({"tampered": torch.zeros(20)}, r"Labelled authentic, but with tampered pixels.*images \[1, 4"),
        ({"mask": []}, "0 masks"),
    ],
)
def test_what_cannot_be_counted_is_refused(change, words):
    with pytest.raises(InputError, match=words):
        ours.PixelAccumulator().update(**_arguments(_given(0)) | change)


# --- several processes ------------------------------------------------------------------------------------------------

CUTS = {"even": 10, "uneven": 3, "one without images": 20}
"""How many of the 20 images the first of two processes sees."""


def _process(rank, folder, metrics):
    """One of two processes: for each metric and cut it sees its shard, and writes down what it computes."""
    torch.set_num_threads(1)
    torch.distributed.init_process_group("gloo", f"file://{folder}/meeting", rank=rank, world_size=2)
    try:
        found = {
            f"{metric}, {cut}": _of_shards(METERS[metric](), rank, CUTS[cut]) for metric in metrics for cut in CUTS
        }
        (folder / f"{rank}.json").write_text(json.dumps(found))
    finally:
        torch.distributed.destroy_process_group()


def _of_shards(metric, rank, cut):
    shard = _given(4)[:cut] if rank == 0 else _given(4)[cut:]
    for start in range(0, len(shard), 4):
        metric.update(**_arguments(shard[start : start + 4]))
    with warnings.catch_warnings():
        # torchmetrics says so where a process has seen nothing.
        warnings.filterwarnings("ignore", message="The ``compute`` method of metric ForgeBenchMetric was called")
        return {name: float(number) for name, number in metric.compute().items()}


def _metric():
    from forgebench.metrics.torchmetrics import ForgeBenchMetric

    return ForgeBenchMetric()


METERS = {"accumulator": ours.PixelAccumulator, "torchmetrics": _metric}


@pytest.fixture(scope="module")
def of_two_processes(tmp_path_factory):
    """What each of two processes computed, by metric and cut."""
    folder = tmp_path_factory.mktemp("processes")
    metrics = ["accumulator", *(["torchmetrics"] if find_spec("torchmetrics") else [])]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLOO_SOCKET_IFNAME", "lo")
        torch.multiprocessing.spawn(_process, (folder, metrics), nprocs=2)
    return [json.loads((folder / f"{rank}.json").read_text()) for rank in range(2)]


@pytest.mark.parametrize("metric", METERS)
@pytest.mark.parametrize("cut", CUTS)
def test_two_processes_give_the_numbers_of_one(of_two_processes, metric, cut):
    if metric == "torchmetrics":
        pytest.importorskip("torchmetrics")
    for found in of_two_processes:
        _same(found[f"{metric}, {cut}"], _scored(_given(4)))


# --- torchmetrics -----------------------------------------------------------------------------------------------------


@pytest.fixture
def metric():
    pytest.importorskip("torchmetrics")
    return _metric()


def test_torchmetrics_accumulates(metric):
    images = _given(5)
    for start in range(0, 20, 6):
        metric.update(**_arguments(images[start : start + 6]))
    _same(metric.compute(), _scored(images))


def test_torchmetrics_forward_is_of_the_batch_and_compute_of_all(metric):
    first, second = _given(5, 12), _given(6, 12)
    _same(metric(**_arguments(first)), _scored(first))
    _same(metric(**_arguments(second)), _scored(second))
    _same(metric.compute(), _scored([*first, *second]))


def test_torchmetrics_reset_clone_and_copy(metric):
    import cloudpickle

    metric.update(**_arguments(_given(5)))
    others = (metric.clone(), copy.deepcopy(metric), cloudpickle.loads(cloudpickle.dumps(metric)))
    metric.reset()
    metric.update(**_arguments(_given(6)))
    _same(metric.compute(), _scored(_given(6)))
    for other in others:
        _same(other.compute(), _scored(_given(5)))


def test_torchmetrics_says_that_partial_states_may_be_merged(metric, capsys):
    from torchmetrics.utilities.checks import check_forward_full_state_property

    check_forward_full_state_property(
        type(metric), input_args=_arguments(_given(5, 9)), num_update_to_compare=[1], reps=2
    )
    assert "Partial state for 1 steps" in capsys.readouterr().out, "it goes on only where both ways agree"


def test_torchmetrics_collection(metric):
    from torchmetrics import MetricCollection

    collection = MetricCollection({"val": metric})
    collection.update(**_arguments(_given(5)))
    found = {name.removeprefix("val_"): one for name, one in collection.compute().items()}
    _same(found, _scored(_given(5)))


# --- devices and imports ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU on this machine")
def test_a_gpu_gives_the_same():
    torch.use_deterministic_algorithms(True)
    try:
        images = _hard(2)
        found = ours.pixel_counts(_tensors((p for p, _ in images), "cuda"), _tensors((m for _, m in images), "cuda"))
        assert found[0].is_cuda
        _equal(found, images)
        every = torch.from_numpy(np.concatenate([EDGES, np.random.default_rng(0).random(100_000)]))
        for kind in (torch.float16, torch.bfloat16, torch.float32, torch.float64):
            assert torch.equal(ours.to_bytes(every.to(kind).cuda()).cpu(), ours.to_bytes(every.to(kind)))
        arguments = _arguments(_given(0))
        arguments["pred"] = [pred.cuda() for pred in arguments["pred"]]
        accumulator = ours.PixelAccumulator()
        accumulator.update(**arguments | {"score": arguments["score"].cuda()})
        _same(accumulator.compute(), _scored(_given(0)))
    finally:
        torch.use_deterministic_algorithms(False)


def test_nothing_else_imports_torch():
    code = (
        "import sys, forgebench, forgebench.metrics, forgebench.scoring.score, forgebench.cli\n"
        "print([name for name in ('torch', 'torchmetrics', 'ray') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
