"""A benchmark's split as a FiftyOne dataset: imported once, continued after a kill."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from forgebench import engine
from forgebench.benchmark import Benchmark
from forgebench.benchmark.opened import RowGroup
from forgebench.browse.connect import cache_folder
from forgebench.browse.media import MASKS, Stored, store_group, stored_ids
from forgebench.browse.names import dataset_name, object_id
from forgebench.schema import LABELS

if TYPE_CHECKING:
    import fiftyone as fo

ID = "forgebench_id"
"""The field of ForgeBench's sample id; FiftyOne calls its own ids `sample_id`."""
TRUTH = (
    ID, "label", "manipulation", "group", "ground_truth", "boxes", "scribble", "source", "tampered_area",
    "explanation", "format",
)  # fmt: skip
INFO = "forgebench"
"""The key of `dataset.info` that ForgeBench keeps its notes under."""


def import_truth(benchmark: Benchmark, split: str) -> fo.Dataset:
    """The split as a persistent dataset; what an earlier call has imported is not imported again.

    Raises:
        InputError: If there is no such split, or the benchmark cannot be read.
    """
    groups = benchmark.row_groups(split)
    dataset = _opened(benchmark, split)
    folder = cache_folder(dataset.name)
    known = set(dataset.values(ID))
    whole = known & stored_ids(folder)
    waiting = [group for group in groups if not _ids(group) <= whole]
    what = f"importing {benchmark.name} {split}"
    for stored in engine.run(partial(store_group, folder), waiting, total=len(waiting), what=what):
        new = [_sample(one) for one in stored if one.row["sample_id"] not in known]
        dataset.add_samples(new, progress=False)
    return dataset


def _ids(group: RowGroup) -> set[str]:
    return {row["sample_id"] for row in group.read(["sample_id"])}


def _opened(benchmark: Benchmark, split: str) -> fo.Dataset:
    import fiftyone as fo

    name = dataset_name(benchmark, split)
    if fo.dataset_exists(name):
        return fo.load_dataset(name)
    dataset = fo.Dataset(name)
    _declare(dataset)
    dataset.default_mask_targets = {255: "tampered"}
    dataset.mask_targets = {"scribble": {1: "tampered", 2: "authentic"}, "source": {255: "source"}}
    dataset.info[INFO] = {
        "benchmark": benchmark.name, "split": split, "content_hash": benchmark.content_hash, "methods": {},
    }  # fmt: skip
    dataset.description = benchmark.manifest.facts.title
    dataset.persistent = True
    dataset.save()
    return dataset


def _declare(dataset: fo.Dataset) -> None:
    """All fields of the truth, so that those without any value are there too."""
    import fiftyone as fo

    for name in (ID, "label", "manipulation", "group", "explanation", "format"):
        dataset.add_sample_field(name, fo.StringField)
    dataset.add_sample_field("tampered_area", fo.FloatField)
    for name in MASKS.values():
        dataset.add_sample_field(name, fo.EmbeddedDocumentField, embedded_doc_type=fo.Segmentation)
    dataset.add_sample_field("boxes", fo.EmbeddedDocumentField, embedded_doc_type=fo.Detections)
    dataset.create_index(ID, unique=True)


def _sample(stored: Stored) -> fo.Sample:
    import fiftyone as fo
    from bson import ObjectId

    class Known(fo.Sample):  # type: ignore[misc]
        """A sample whose id follows from ours; FiftyOne lets nobody choose one, but inserts what is there."""

        def to_mongo_dict(self, include_id: bool = False) -> dict[str, Any]:
            return {**super().to_mongo_dict(include_id), "_id": ObjectId(object_id(self[ID]))}

    row = stored.row
    size = {"width": row["width"], "height": row["height"]}
    explanation = row["explanation"]
    return Known(
        filepath=str(stored.image),
        metadata=fo.ImageMetadata(size_bytes=stored.image.stat().st_size, **size),
        **{ID: row["sample_id"]},
        label=LABELS[row["label"]],
        manipulation=row["manipulation"],
        group=row["group"],
        format=stored.format,
        tampered_area=stored.tampered_area,
        explanation="; ".join(filter(None, explanation.values())) if explanation else None,
        boxes=fo.Detections(detections=[_detection(box, row) for box in row["boxes"]]),
        **{name: fo.Segmentation(mask_path=str(path)) for name, path in stored.masks.items()},
    )


def _detection(box: list[float], row: dict[str, Any]) -> fo.Detection:
    import fiftyone as fo

    x, y, width, height = box
    relative = [x / row["width"], y / row["height"], width / row["width"], height / row["height"]]
    return fo.Detection(label=row["manipulation"] or "tampered", bounding_box=relative)
