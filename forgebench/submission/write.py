"""Write a submission: a folder, a zip or a Parquet file, by the path's name; all or nothing."""

from __future__ import annotations

import io
import json
import shutil
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from pydantic import ValidationError

from forgebench.benchmark import Benchmark, open_benchmark
from forgebench.errors import InputError
from forgebench.schema import FIELDS, Prediction
from forgebench.submission.layout import MANIFEST, MASKS
from forgebench.submission.manifest import Output, SubmissionManifest
from forgebench.submission.opened import Submission
from forgebench.submission.parquet import KEY, TYPES
from forgebench.submission.stores import open_store
from forgebench.submission.texts import Given, Texts, entry
from forgebench.submission.values import boxes_problem, explanation_problem

_GROUP_ROWS = 100


class _Writer(Protocol):
    def add(self, prediction: Prediction, mask: bytes | None) -> None: ...
    def close(self, manifest: str, outputs: list[Output]) -> None: ...


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
        predictions: One for every sample of the split; all with masks or all without, and so for boxes and
            `synthetic`. An explanation may be left out.
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
        outputs = _write_all(writer, predictions, _sizes(benchmark, split))
        about = {key: value() if callable(value) else value for key, value in about.items()}
        manifest = _manifest({**given, "outputs": outputs, **about})
        writer.close(manifest.model_dump_json(indent=1) + "\n", outputs)
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
) -> list[Output]:
    """Write the predictions; what they hold comes back."""
    given = Given()
    for prediction in _checked(predictions, sizes):
        given.add(prediction)
        writer.add(prediction, None if prediction.mask is None else heat_png(prediction.mask))
    return given.outputs


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
        problem = boxes_problem(prediction.sample_id, prediction.boxes or (), size)
        if problem is None and prediction.explanation is not None:
            problem = explanation_problem(prediction.sample_id, prediction.explanation)
        if problem is not None:
            raise InputError(str(problem))
        yield prediction


def _writer(path: Path) -> _Writer:
    kinds: dict[str, type[_ZipWriter] | type[_ParquetWriter]] = {".zip": _ZipWriter, ".parquet": _ParquetWriter}
    return kinds.get(path.suffix.lower(), _FolderWriter)(path)


def heat_png(mask: NDArray[np.uint8]) -> bytes:
    """A predicted mask, shape (H, W), uint8, as a grey PNG file."""
    buffer = io.BytesIO()
    Image.fromarray(mask).save(buffer, "PNG", compress_level=3)
    return buffer.getvalue()


class _MemberWriter:
    """What a folder and a zip have in common: members by name."""

    def __init__(self) -> None:
        self._texts = Texts()

    def _put(self, name: str, data: bytes) -> None:
        raise NotImplementedError

    def add(self, prediction: Prediction, mask: bytes | None) -> None:
        if mask is not None:
            self._put(f"{MASKS}{prediction.sample_id}.png", mask)
        self._texts.add(prediction)

    def close(self, manifest: str, outputs: list[Output]) -> None:
        for name, text in {MANIFEST: manifest, **self._texts.members(outputs)}.items():
            self._put(name, text.encode())


class _FolderWriter(_MemberWriter):
    def __init__(self, path: Path) -> None:
        super().__init__()
        self._path = path
        path.mkdir()

    def _put(self, name: str, data: bytes) -> None:
        (self._path / name).parent.mkdir(exist_ok=True)
        (self._path / name).write_bytes(data)


class _ZipWriter(_MemberWriter):
    """PNG files are stored as they are, and every date is the same: same input, same bytes out."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self._zip = zipfile.ZipFile(path, "w")

    def _put(self, name: str, data: bytes) -> None:
        self._zip.writestr(_entry(name), data, zipfile.ZIP_STORED if name.endswith(".png") else zipfile.ZIP_DEFLATED)

    def close(self, manifest: str, outputs: list[Output]) -> None:
        super().close(manifest, outputs)
        self._zip.close()


def _entry(name: str) -> zipfile.ZipInfo:
    info = zipfile.ZipInfo(name)
    # Without a mode, unzip makes files that nobody may read.
    info.external_attr = 0o644 << 16
    return info


class _ParquetWriter:
    """Every column is there; what is not predicted is null, and takes no room."""

    def __init__(self, path: Path) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        explanation = pa.struct([(name, pa.string()) for name in FIELDS])
        kinds = {"string": pa.string(), "double": pa.float64(), "binary": pa.binary()}
        schema = pa.schema([(name, kinds.get(kind, explanation)) for name, kind in TYPES.items()])
        self._file = pq.ParquetWriter(path, schema, compression="none", use_dictionary=False)
        self._rows: list[dict[str, Any]] = []

    def add(self, prediction: Prediction, mask: bytes | None) -> None:
        boxes = prediction.boxes
        self._rows.append({
            "sample_id": prediction.sample_id,
            "score": float(prediction.score),
            "synthetic": None if prediction.synthetic is None else float(prediction.synthetic),
            "mask": mask,
            "boxes": None if boxes is None else json.dumps([entry(box) for box in boxes]),
            "explanation": prediction.explanation,
        })  # fmt: skip
        if len(self._rows) == _GROUP_ROWS:
            self._flush()

    def _flush(self) -> None:
        import pyarrow as pa

        if self._rows:
            self._file.write_table(pa.Table.from_pylist(self._rows, schema=self._file.schema))
            self._rows = []

    def close(self, manifest: str, outputs: list[Output]) -> None:
        self._flush()
        self._file.add_key_value_metadata({KEY: manifest})
        self._file.close()
