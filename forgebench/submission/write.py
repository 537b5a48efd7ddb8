"""Write a submission: a folder, a zip or a Parquet file, by the path's name; all or nothing."""

from __future__ import annotations

import csv
import io
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from functools import cached_property
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.errors import InputError
from forgebench.schema import Prediction
from forgebench.submission.layout import MANIFEST, MASKS, SCORES
from forgebench.submission.manifest import SubmissionManifest
from forgebench.submission.opened import Submission
from forgebench.submission.parquet import KEY
from forgebench.submission.stores import open_store

_GROUP_ROWS = 100


class _Writer(Protocol):
    def mask(self, sample_id: str, score: float, data: bytes | None) -> None: ...
    def close(self, manifest: str, scores: str) -> None: ...


def write_submission(
    path: str | Path,
    predictions: Iterable[Prediction],
    *,
    benchmark: Benchmark | str | Path,
    split: str = "test",
    method: str,
    supervision: str,
    **about: Any,  # noqa: ANN401
) -> Submission:
    """Write predictions, streamed, under a temporary name, and rename.

    Args:
        path: A folder, `name.zip` or `name.parquet`; nothing may lie there.
        predictions: One for every sample of the split; all with masks or all without.
        benchmark: The benchmark predicted, or its folder.
        split: Its split.
        method: The method's name.
        supervision: The strongest annotation used in training: image, box, scribble, pixel or zero-shot.
        **about: Further fields of `submission.json`; a callable is asked for its value at the end.

    Raises:
        InputError: If something lies at `path`, a field is wrong, or a prediction is of the wrong size or kind.
    """
    path, benchmark = Path(path), open_benchmark(benchmark)
    if path.exists():
        raise InputError(f"{path} exists already. Choose another --out, or remove it first.")
    benchmark.check_split(split)
    given = {"benchmark": benchmark.name, "content_hash": benchmark.content_hash, "split": split,
             "method": method, "supervision": supervision}  # fmt: skip
    _manifest({**given, **{key: value for key, value in about.items() if not callable(value)}})
    temporary = path.with_name(f".{path.stem}.partial{path.suffix}")
    _remove(temporary)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        writer = _writer(temporary)
        scores, masks = _write_all(writer, predictions, _sizes(benchmark, split))
        about = {key: value() if callable(value) else value for key, value in about.items()}
        manifest = _manifest({**given, "outputs": ["score", "mask"] if masks else ["score"], **about})
        writer.close(manifest.model_dump_json(indent=1) + "\n", scores)
        temporary.rename(path)
    except BaseException:
        _remove(temporary)
        raise
    return Submission(open_store(path), manifest)


def _manifest(fields: dict[str, Any]) -> SubmissionManifest:
    try:
        return SubmissionManifest.model_validate(fields)
    except ValidationError as error:
        wrong = "; ".join(f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors())
        raise InputError(f"Fields of submission.json are wrong: {wrong}") from error


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    path.unlink(missing_ok=True)


def _sizes(benchmark: Benchmark, split: str) -> dict[str, tuple[int, int]]:
    rows = benchmark.rows(split, ["sample_id", "height", "width"])
    return {row["sample_id"]: (row["height"], row["width"]) for row in rows}


def _write_all(
    writer: _Writer, predictions: Iterable[Prediction], sizes: dict[str, tuple[int, int]]
) -> tuple[str, bool]:
    """Write the masks; the scores as CSV and whether there are masks come back."""
    text = io.StringIO(newline="")
    lines = csv.writer(text, lineterminator="\n")
    lines.writerow(["sample_id", "score"])
    with_mask = set[bool]()
    for prediction in _checked(predictions, sizes):
        mask = prediction.mask
        with_mask.add(mask is not None)
        if len(with_mask) > 1:
            raise InputError(f"{prediction.sample_id}: expected masks for all samples or for none, got both.")
        writer.mask(prediction.sample_id, prediction.score, None if mask is None else heat_png(mask))
        lines.writerow([prediction.sample_id, repr(float(prediction.score))])
    return text.getvalue(), with_mask == {True}


def _checked(predictions: Iterable[Prediction], sizes: dict[str, tuple[int, int]]) -> Iterator[Prediction]:
    left = dict(sizes)
    for prediction in predictions:
        size = left.pop(prediction.sample_id, None)
        if size is None:
            why = "was predicted twice" if prediction.sample_id in sizes else "is not in the split"
            raise InputError(f"{prediction.sample_id} {why}. Predict every sample of the split once.")
        if prediction.mask is not None and prediction.mask.shape != size:
            raise InputError(
                f"{prediction.sample_id}: expected a mask of shape {size} (H, W), the image's own, got "
                f"{prediction.mask.shape}. Resize the prediction to the image."
            )
        if prediction.boxes is not None or prediction.explanation is not None:
            raise InputError(f"{prediction.sample_id}: this version stores scores and masks alone.")
        yield prediction


def _writer(path: Path) -> _Writer:
    kinds: dict[str, type[_ZipWriter] | type[_ParquetWriter]] = {".zip": _ZipWriter, ".parquet": _ParquetWriter}
    return kinds.get(path.suffix.lower(), _FolderWriter)(path)


def heat_png(mask: NDArray[np.uint8]) -> bytes:
    """A predicted mask, shape (H, W), uint8, as a grey PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


class _FolderWriter:
    def __init__(self, path: Path) -> None:
        self._path = path
        path.mkdir()

    def mask(self, sample_id: str, score: float, data: bytes | None) -> None:
        if data is not None:
            (self._path / MASKS).mkdir(exist_ok=True)
            (self._path / f"{MASKS}{sample_id}.png").write_bytes(data)

    def close(self, manifest: str, scores: str) -> None:
        (self._path / MANIFEST).write_text(manifest, encoding="utf-8")
        (self._path / SCORES).write_text(scores, encoding="utf-8", newline="")


class _ZipWriter:
    """PNG files are stored as they are, and every date is the same: same input, same bytes out."""

    def __init__(self, path: Path) -> None:
        self._zip = zipfile.ZipFile(path, "w")

    def mask(self, sample_id: str, score: float, data: bytes | None) -> None:
        if data is not None:
            self._zip.writestr(_entry(f"{MASKS}{sample_id}.png"), data)

    def close(self, manifest: str, scores: str) -> None:
        for name, text in ((MANIFEST, manifest), (SCORES, scores)):
            self._zip.writestr(_entry(name), text, zipfile.ZIP_DEFLATED)
        self._zip.close()


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    # Without a mode, unzip makes files that nobody may read.
    info.external_attr = 0o644 << 16
    return info


class _ParquetWriter:
    """Written once the first rows say whether there are masks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._rows: list[dict[str, Any]] = []

    @cached_property
    def _file(self) -> Any:  # noqa: ANN401
        import pyarrow as pa
        import pyarrow.parquet as pq

        fields = [("sample_id", pa.string()), ("score", pa.float64()), ("mask", pa.binary())]
        localizes = any(row["mask"] is not None for row in self._rows)
        schema = pa.schema(fields if localizes else fields[:2])
        return pq.ParquetWriter(self._path, schema, compression="none", use_dictionary=False)

    def mask(self, sample_id: str, score: float, data: bytes | None) -> None:
        self._rows.append({"sample_id": sample_id, "score": float(score), "mask": data})
        if len(self._rows) == _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._file.write_table(pa.Table.from_pylist(self._rows, schema=self._file.schema))
            self._rows = []

    def close(self, manifest: str, scores: str) -> None:
        self._flush()
        self._file.add_key_value_metadata({KEY: manifest})
        self._file.close()
