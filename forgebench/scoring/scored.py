"""A finished score on disk: its record with the per-image table beside it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from forgebench.errors import InputError
from forgebench.metrics import Table
from forgebench.metrics.table import Frozen
from forgebench.scoring.per_image import FILE, PerImage, open_table
from forgebench.scoring.record import CalibrationPart, Record, read_record
from forgebench.submission.manifest import SubmissionManifest


@dataclass(frozen=True)
class Scored:
    """A record, the folder that holds it, and its table."""

    record: Record
    folder: Path
    stored: PerImage

    @property
    def table(self) -> Table:
        """The table that the record's numbers are computed from."""
        return table_of(self.stored, self.record)

    @property
    def sound(self) -> bool:
        """Whether record and table are what their hashes say."""
        return self.record.sealed() == self.record and self.stored.sha256() == self.record.per_image.sha256

    def unchanged(self) -> Scored:
        """The same.

        Raises:
            InputError: If record or table was changed.
        """
        if not self.sound:
            raise InputError(
                f"{self.folder} was changed after it was scored. See what: forgebench verify {self.folder}"
            )
        return self


def read_scored(path: str | Path) -> Scored:
    """Read a record, from its file or its folder, and open the table beside it.

    Raises:
        NotFoundError: If there is no record, or no table.
        InputError: If one of them cannot be read.
    """
    record, folder = read_record(path)
    return Scored(record, folder, open_table(folder / FILE))


def table_of(stored: PerImage, record: Record) -> Table:
    """The table that a record's numbers are computed from."""
    return metric_table(stored, record.method, record.calibration)


def metric_table(stored: PerImage, manifest: SubmissionManifest, calibration: CalibrationPart | None) -> Table:
    """The table of a submission, with the thresholds that were frozen for it."""
    frozen = None if calibration is None else Frozen(calibration.byte, calibration.score)
    return stored.table(supervision=manifest.supervision, frozen=frozen)
