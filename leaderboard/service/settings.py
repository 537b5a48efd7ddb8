"""Everything that can be set, from the environment: `FORGEBENCH_BOARD_<NAME>`."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

MIB = 2**20


class Settings(BaseSettings):
    """How a board runs; the defaults are those of one machine."""

    model_config = SettingsConfigDict(env_prefix="FORGEBENCH_BOARD_")

    data: Path = Path("board-data")
    """Folder of all that has no place of its own below."""
    database: str = ""
    """SQLAlchemy URL; empty for SQLite in the data folder. `postgresql+psycopg://…` for several machines."""
    storage: str = ""
    """fsspec URL of uploads, signed records and the site; empty for a folder in the data folder."""
    private_storage: str = ""
    """fsspec URL of what workers alone read: exact records, per-image tables. Empty for a folder in the data folder."""
    public: Path | None = None
    """Folder of benchmarks as participants have them, one folder each; None for `benchmarks` in the data folder."""
    private: Path | None = None
    """Folder of the private halves that `forgebench hide` made: workers alone read it."""
    signing_key: Path | None = None
    """Ed25519 private key, PEM, the same for all workers, which alone read it; None for `board.pem` in the data folder,
    made where there is none."""
    url: str = "http://127.0.0.1:8000"
    """Where the board is reached; cookies are for https alone where this says so."""

    part_bytes: int = Field(8 * MIB, ge=1024)
    """Most bytes of one request of an upload."""
    upload_bytes: int = Field(2048 * MIB, ge=1024)
    """Most bytes of one submission."""
    part_seconds: float = Field(60, gt=0)
    """Longest that the body of a request may take to arrive."""
    upload_hours: float = Field(24, gt=0)
    """After so long an unfinished upload is removed."""
    invalid_days: float = Field(30, gt=0)
    """After so many days the file of a submission that is invalid, or was withdrawn before it was scored, is removed;
    what was found stays. `inf` keeps it."""
    uploads_per_hour: int = Field(60, ge=1)
    """Most uploads that an account begins in an hour."""
    per_day: int = Field(5, ge=0)
    """Most submissions of an account to a benchmark in 24 hours, invalid ones not counted."""
    per_benchmark: int = Field(100, ge=0)
    """Most submissions of an account to a benchmark, invalid ones not counted."""
    failures_per_minute: int = Field(10, ge=1)
    """Most wrong tokens from one address in a minute, and most wrong secrets of one token or invitation."""
    session_hours: float = Field(12, gt=0)
    """How long one stays signed in on the pages."""

    digits: int = Field(3, ge=1, le=6)
    """Decimals of a number that is shown where the truth is hidden."""
    definitions: tuple[str, ...] = ("forgebench",)
    """Definitions that submissions are scored by."""
    slices: tuple[str, ...] = ("manipulation", "region_size")
    """What scores are sliced by, as `forgebench score --slice` has it."""
    near: float = Field(2.0, ge=0)
    """Predictions whose ranks differ by less than this on average, of 255, are flagged as near duplicates."""

    lease_seconds: float = Field(60, gt=0)
    """After so long without a sign of life a worker's job goes to another."""
    attempts: int = Field(5, ge=1)
    """A job that failed so often goes to the dead letters."""
    retry_seconds: float = Field(30, ge=0)
    """Pause before the second attempt; it doubles with each."""
    score_seconds: float = Field(3600, gt=0)
    """Longest that the scoring of a submission may take."""
    score_bytes: int = Field(8192 * MIB, ge=512 * MIB)
    """Most memory (address space) of the scoring of a submission."""
    require_isolation: bool = False
    """Whether a worker refuses to score where the kernel does not let it cut off the network."""

    @property
    def database_url(self) -> str:
        """The database."""
        return self.database or f"sqlite:///{(self.data / 'board.sqlite').absolute()}"

    @property
    def storage_url(self) -> str:
        """Where uploads, signed records and the site lie."""
        return self.storage or f"file://{(self.data / 'objects').absolute()}"

    @property
    def private_storage_url(self) -> str:
        """Where exact records and per-image tables lie."""
        return self.private_storage or f"file://{(self.data / 'private-objects').absolute()}"

    @property
    def public_folder(self) -> Path:
        """Where the benchmarks lie that participants have."""
        return self.public or self.data / "benchmarks"

    @property
    def key_file(self) -> Path:
        """The board's private key."""
        return self.signing_key or self.data / "board.pem"

    @property
    def sites(self) -> Path:
        """Where the site is unpacked to be served."""
        return self.data / "sites"

    @property
    def secure(self) -> bool:
        """Whether the board is reached by https."""
        return self.url.startswith("https://")
