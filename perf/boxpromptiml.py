"""BoxPromptIML: the student against its backbone, latency in torch and ONNX, the teacher against SAM's encoder."""

from __future__ import annotations

import argparse
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from baselines.boxpromptiml import onnx
from baselines.boxpromptiml.config import PRESETS, Config
from baselines.boxpromptiml.model import BoxPromptIML
from baselines.boxpromptiml.sam_teacher import SamTeacher
from baselines.common.data import Batch
from baselines.common.method import Progress
from baselines.common.predictor import Predictor
from forgebench import Sample
from perf.common import in_turn, machine, peak_mb, table

BATCH, SIZE = 8, 224
DEVICE = "cuda" if torch.cuda.is_available() else "cpu"
SAM_SIZES = {
    "base": (768, 12, 12, (2, 5, 8, 11)),
    "large": (1024, 24, 16, (5, 11, 17, 23)),
    "huge": (1280, 32, 16, (7, 15, 23, 31)),
}
"""Width, blocks, heads and blocks with global attention of the published SAMs."""


def main() -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", help="student, latency, teacher; the first two unless said")
    parser.add_argument("--sam", choices=SAM_SIZES, default="base")
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args()
    print(f"{machine()}, {DEVICE}")
    parts = given.parts or ["student", "latency"]
    if "student" in parts:
        table(f"TinyViT-5M, {SIZE} pixels, batches of {BATCH}", _student(given.repeats))
    if "latency" in parts:
        table(f"One image of {SIZE} pixels", _latency(given.repeats))
    if "teacher" in parts:
        table(f"SAM ViT-{given.sam}, random weights, two boxes an image", _teacher(given.sam, given.repeats))


def _wait() -> None:
    if DEVICE == "cuda":
        torch.cuda.synchronize()


def _memory() -> float:
    return torch.cuda.max_memory_allocated() / 2**20 if DEVICE == "cuda" else peak_mb()


def _built() -> tuple[Config, BoxPromptIML]:
    torch.manual_seed(0)
    config = PRESETS["paper"]
    config = replace(config, authentic=True, training=replace(config.training, batch_size=BATCH, precision="no"))
    return config, BoxPromptIML(config).to(DEVICE)


def _student(repeats: int) -> list[tuple[str, str]]:
    config, model = _built()
    images = torch.rand(BATCH, 3, SIZE, SIZE, device=DEVICE)
    laid = images.contiguous(memory_format=torch.channels_last)
    targets = (images[:, :1] > 0.9).float()
    labels = torch.ones(BATCH, device=DEVICE)
    batch = Batch([str(i) for i in range(BATCH)], images, labels, targets > -1, targets=targets)
    samples = [Sample(str(i), b"", np.zeros((SIZE, SIZE, 3), np.uint8), SIZE, SIZE) for i in range(BATCH)]

    def forward() -> None:
        with torch.inference_mode():
            model.backbone(laid)
        _wait()

    def both_ways() -> None:
        model.zero_grad()
        torch.stack([one.mean() for one in model.backbone(laid)]).sum().backward()
        _wait()

    def step() -> None:
        model.zero_grad()
        model.losses(batch, Progress(0, 1, 0, 1))["bce"].backward()
        _wait()

    trained_alone, trained = in_turn(both_ways, step, repeats)
    predictor = Predictor("boxpromptiml", "box", config, model, DEVICE)
    alone, predicted = in_turn(forward, lambda: list(predictor.predict(samples)), repeats)
    return [
        ("backbone's forward pass", f"{BATCH / alone:.1f} images/s"),
        ("prediction, resizing included", f"{BATCH / predicted:.1f} images/s"),
        ("ratio", f"{alone / predicted:.2f}"),
        ("backbone's forward and backward pass", f"{BATCH / trained_alone:.1f} images/s"),
        ("training step", f"{BATCH / trained:.1f} images/s"),
        ("ratio", f"{trained_alone / trained:.2f}"),
        ("peak memory", f"{_memory():.0f} MB"),
    ]


def _latency(repeats: int) -> list[tuple[str, str]]:
    import onnxruntime

    _, model = _built()
    model.eval()
    image = torch.rand(1, 3, SIZE, SIZE, device=DEVICE)

    def by_torch() -> None:
        with torch.inference_mode():
            model.predict(image)
        _wait()

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.onnx"
        onnx.write(model.cpu(), SIZE, path)
        apart, size = onnx.difference(model, SIZE, path), path.stat().st_size
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = torch.get_num_threads()
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        model.to(DEVICE)
        given = {"images": image.cpu().numpy()}
        first, second = in_turn(by_torch, lambda: session.run(None, given), repeats)
    return [
        (f"torch, {DEVICE}", f"{first * 1e3:.0f} ms"),
        (f"ONNX Runtime, CPU, {torch.get_num_threads()} thread(s)", f"{second * 1e3:.0f} ms"),
        ("largest difference", f"{apart:.1e}"),
        ("file", f"{size / 1e6:.1f} MB"),
    ]


def _teacher(size: str, repeats: int) -> list[tuple[str, str]]:
    with tempfile.TemporaryDirectory() as folder:
        _save_sam(size, Path(folder))
        config = replace(PRESETS["paper"].teacher, name=folder, precision="bf16" if DEVICE == "cuda" else "no")
        teacher = SamTeacher(config, DEVICE)
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (768, 1024, 3), np.uint8)
    boxes = [[100.0, 100.0, 200.0, 150.0], [500.0, 300.0, 250.0, 250.0]]
    prepared = teacher.prepared(image)[None].to(DEVICE)

    def encode() -> None:
        with torch.inference_mode():
            teacher.encode(prepared)
        _wait()

    start = time.perf_counter()
    encode()
    print(f"first pass: {time.perf_counter() - start:.1f} s")
    alone, whole = in_turn(encode, lambda: teacher.logits([image], [boxes]), repeats)
    return [
        ("encoder's forward pass", f"{alone:.2f} s an image"),
        ("pseudo masks, everything but reading and writing", f"{whole:.2f} s an image"),
        ("ratio", f"{alone / whole:.2f}"),
        ("peak memory", f"{_memory():.0f} MB"),
    ]


def _save_sam(size: str, folder: Path) -> None:
    from transformers import SamConfig, SamModel, SamVisionConfig

    width, depth, heads, everywhere = SAM_SIZES[size]
    vision = SamVisionConfig(
        hidden_size=width, num_hidden_layers=depth, num_attention_heads=heads, global_attn_indexes=list(everywhere),
        mlp_dim=4 * width,
    )  # fmt: skip
    SamModel(SamConfig(vision_config=vision.to_dict())).save_pretrained(folder)


if __name__ == "__main__":
    main()
