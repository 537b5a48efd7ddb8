"""Forgeries on the fly: the samples that `synthesize` writes, none twice, whoever asks."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import numpy as np
import pytest

import forgebench
from forgebench.demo import PHOTOS
from forgebench.sources.masks import decode_mask
from forgebench.synthesis import samples, stream
from synthesis.making import photos, recipe

SMALL = recipe("splice", "copy_move", photo={"max_side": 160})


def test_the_stream_is_what_the_benchmark_holds(tmp_path: Path) -> None:
    made = forgebench.synthesize(PHOTOS, tmp_path / "out", n=8, recipe="casia-like", seed=3, workers=1)
    for row, sample in zip(made.rows("test"), samples("casia-like", PHOTOS, 3, n=8), strict=True):
        assert sample["image"] == row["image"]["bytes"]
        assert np.array_equal(sample["mask"] > 0, decode_mask(row["mask"]["bytes"]))
        assert set(np.unique(sample["mask"])) <= {0, 255}
        assert np.allclose(sample["boxes"], row["boxes"]) if row["boxes"] else sample["boxes"] == []
        same = ("sample_id", "label", "manipulation", "group", "width", "height")
        assert [sample[key] for key in same] == [row[key] for key in same]


@pytest.mark.parametrize("shards", [1, 2, 3, 5])
def test_shards_share_the_samples_without_repeats(shards: int) -> None:
    whole = {one["sample_id"]: one["image"] for one in samples(SMALL, photos(), 1, n=14)}
    parts = [list(samples(SMALL, photos(), 1, n=14, start=i, step=shards)) for i in range(shards)]
    ids = [one["sample_id"] for part in parts for one in part]
    assert sorted(ids) == sorted(whole)
    assert all(one["image"] == whole[one["sample_id"]] for part in parts for one in part)


def test_it_never_ends_unless_told() -> None:
    ids = [one["sample_id"] for one in islice(samples(SMALL, photos(), 1), 40)]
    assert ids == [f"s1-{i:06d}" for i in range(40)]


@pytest.mark.parametrize("workers", [0, 2])
def test_workers_and_ranks_share_them_too(workers: int, monkeypatch: pytest.MonkeyPatch) -> None:
    loading = pytest.importorskip("torch.utils.data")
    found: list[str] = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        monkeypatch.setenv("WORLD_SIZE", "2")
        made = stream(SMALL, photos(), 2, n=12)
        assert isinstance(made, loading.IterableDataset)
        options = {"multiprocessing_context": "spawn"} if workers else {}
        loader = loading.DataLoader(made, batch_size=None, num_workers=workers, **options)
        found += [one["sample_id"] for one in loader]
    assert sorted(found) == [f"s2-{i:06d}" for i in range(12)]
