"""Publish a benchmark on the Hugging Face Hub: its own files, byte for byte, all in one commit."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import yaml

from forgebench.benchmark.card import CARD, card_configs
from forgebench.benchmark.croissant import CROISSANT
from forgebench.benchmark.manifest import MANIFEST
from forgebench.benchmark.opened import Benchmark, open_benchmark
from forgebench.benchmark.verify import verify_benchmark
from forgebench.errors import ForgeBenchError, InputError, Problem, ProblemsError

if TYPE_CHECKING:
    from huggingface_hub import CommitOperationAdd, DatasetInfo, HfApi
    from huggingface_hub.hf_api import RepoSibling

_HUBS_OWN = {".gitattributes", CARD}
"""What a new repository may hold before anything was pushed to it."""
_HOW_TO_LOG_IN = (
    "Make a token with write access at https://huggingface.co/settings/tokens; then set HF_TOKEN to it, or run: "
    "hf auth login"
)
_BUILD_AGAIN = "Build the benchmark again."


@dataclass(frozen=True)
class Pushed:
    """What a push did."""

    hub_id: str
    url: str
    private: bool
    """Whether the repository is private; what is pushed into a private one stays so."""
    commit: str
    """The commit that holds the benchmark, pass it as `revision` to load exactly this."""
    sent: tuple[str, ...]
    """Files that were new or changed; empty where the Hub had all of them."""
    deleted: tuple[str, ...]
    """Shards of an older version that the benchmark no longer has."""


def push(
    benchmark: str | Path | Benchmark, hub_id: str, *, private: bool = False, i_have_the_rights: bool = False
) -> Pushed:
    """Publish a benchmark as a data set on the Hugging Face Hub.

    Only the benchmark's own files go up, unchanged and in one commit: the Hub holds all of a version or nothing of it.
    An interrupted push continues when it is run again, and one without changes sends nothing.

    Args:
        benchmark: A built benchmark; it is verified first.
        hub_id: `OWNER/NAME`; made where there is none.
        private: Whether a new repository is private; a public one is then refused.
        i_have_the_rights: The word of someone who may share images that their licence does not let everyone publish;
            taken for private repositories alone.

    Raises:
        NotFoundError: If there is no such benchmark.
        InputError: If the licence forbids it, there is no token, the Hub refuses it, or the repository holds something
            else.
        ProblemsError: If the benchmark was changed after it was built, or is not finished.
        ForgeBenchError: If the Hub cannot be reached or fails; what has arrived is not sent again.
    """
    opened = open_benchmark(benchmark.path if isinstance(benchmark, Benchmark) else benchmark)
    _check_rights(opened, private and i_have_the_rights)
    with _talking_to(hub_id):
        api = _api(hub_id)
        there = _repository(api, hub_id)
        if there is not None:
            _check_place(api, opened, there, private)
    _check_sound(opened)
    with _talking_to(hub_id):
        if there is None:
            api.create_repo(hub_id, repo_type="dataset", private=private)
            there = api.dataset_info(hub_id, files_metadata=True)
            _check_place(api, opened, there, private)
        return _commit(api, opened, there)


def _check_rights(benchmark: Benchmark, allowed: bool) -> None:
    facts = benchmark.manifest.facts
    if not (facts.redistributable or allowed):
        raise InputError(
            f"The licence of {benchmark.name} does not allow everyone to publish its images: {facts.licence} If you "
            "may share them with a few people, push into a private repository: --private --i-have-the-rights"
        )


def _api(hub_id: str) -> HfApi:
    from huggingface_hub import HfApi, get_token

    if "/" not in hub_id:
        raise InputError(f"Expected OWNER/NAME on the Hub, got {hub_id!r}.")
    token = get_token()
    if token is None:
        raise InputError(f"There is no Hugging Face token here. {_HOW_TO_LOG_IN}")
    return HfApi(token=token)


def _repository(api: HfApi, hub_id: str) -> DatasetInfo | None:
    """What the Hub says of the repository and all its files; None where there is none."""
    from huggingface_hub.errors import RepositoryNotFoundError

    try:
        return api.dataset_info(hub_id, files_metadata=True)
    except RepositoryNotFoundError as error:
        if error.response.status_code != 404:
            raise
        return None


def _check_place(api: HfApi, benchmark: Benchmark, there: DatasetInfo, private: bool) -> None:
    """Make sure that the repository is private where it must be, and holds this benchmark or nothing."""
    if private and not there.private:
        raise InputError(
            f"{there.id} is public: a private push into it would publish the images. Choose another name, or make it "
            f"private first: {_url(api, there)}/settings"
        )
    other = set(_files_there(there)) - _HUBS_OWN
    name = _benchmark_there(api, there) if MANIFEST in other else None
    if other and name != benchmark.name:
        found = f"the benchmark {name}" if name else f"no benchmark, but other files ({', '.join(sorted(other)[:3])})"
        raise InputError(f"{there.id} holds {found}; {benchmark.name} would replace it. Choose another name.")


def _benchmark_there(api: HfApi, there: DatasetInfo) -> str | None:
    """The name of the benchmark that a repository holds; None where its manifest is not one of ours."""
    file = api.hf_hub_download(there.id, MANIFEST, repo_type="dataset", revision=there.sha)
    try:
        return str(json.loads(Path(file).read_bytes())["facts"]["name"])
    except (ValueError, KeyError, TypeError):
        return None


def _check_sound(benchmark: Benchmark) -> None:
    problems = [*_unfinished(benchmark), *verify_benchmark(benchmark)] or list(_changed_card(benchmark))
    if problems:
        raise ProblemsError(f"{benchmark.path} is not what was built; nothing was sent.", problems)


def _unfinished(benchmark: Benchmark) -> Iterator[Problem]:
    for name, file in _files(benchmark).items():
        if not file.is_file():
            yield Problem("missing", "", name, "no such file", _BUILD_AGAIN)


def _changed_card(benchmark: Benchmark) -> Iterator[Problem]:
    """No hash covers the card, but its configs keep the truth out of the levels that must not see it."""
    from huggingface_hub import DatasetCard

    expected = f"the configs of the four levels at the head of {CARD}"
    try:
        found = DatasetCard.load(benchmark.path / CARD).data.to_dict().get("configs")
    except (ValueError, yaml.YAMLError) as error:
        yield Problem("changed", "", expected, " ".join(str(error).split()), _BUILD_AGAIN)
        return
    if found != card_configs(benchmark.manifest):
        yield Problem("changed", "", expected, "others", _BUILD_AGAIN)


def _commit(api: HfApi, benchmark: Benchmark, there: DatasetInfo) -> Pushed:
    """Send what the Hub has not, and delete the shards that the benchmark has no more, on top of what was looked at."""
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    files, found = _files(benchmark), _files_there(there)
    adds = [CommitOperationAdd(path_in_repo=name, path_or_fileobj=file) for name, file in files.items()]
    adds = [add for add in adds if not _is_there(add, found.get(add.path_in_repo))]
    gone = [name for name in found if _is_shard(name) and name not in files]
    head = there.sha
    if adds or gone:
        head = api.create_commit(
            there.id,
            [*(CommitOperationDelete(name, is_folder=False) for name in gone), *adds],
            commit_message=f"{benchmark.name}, content hash {benchmark.content_hash[:12]}",
            repo_type="dataset",
            parent_commit=there.sha,
        ).oid
    sent = tuple(add.path_in_repo for add in adds)
    return Pushed(there.id, _url(api, there), bool(there.private), str(head), sent, tuple(gone))


def _files(benchmark: Benchmark) -> dict[str, Path]:
    """The benchmark's own files by their path in it; no stray beside them."""
    shards = [f"data/{file.name}" for split in benchmark.splits for file in benchmark.shards(split)]
    return {name: benchmark.path / name for name in (CARD, CROISSANT, MANIFEST, *shards)}


def _is_shard(name: str) -> bool:
    path = PurePosixPath(name)
    return path.parent == PurePosixPath("data") and path.suffix == ".parquet"


def _files_there(there: DatasetInfo) -> dict[str, RepoSibling]:
    return {file.rfilename: file for file in there.siblings or ()}


def _is_there(add: CommitOperationAdd, found: RepoSibling | None) -> bool:
    """Whether the repository has the same bytes under this name; asked here, so that not even a hash is sent."""
    from huggingface_hub.utils.sha import git_hash

    if found is None or found.size != add.upload_info.size:
        return False
    if found.lfs is not None:
        return found.lfs.sha256 == add.upload_info.sha256.hex()
    return found.blob_id == git_hash(Path(str(add.path_or_fileobj)).read_bytes())


def _url(api: HfApi, there: DatasetInfo) -> str:
    return f"{api.endpoint}/datasets/{there.id}"


@contextmanager
def _talking_to(hub_id: str) -> Iterator[None]:
    """What goes wrong between here and the Hub, worded for the person who has to mend it."""
    from huggingface_hub.errors import HFValidationError, OfflineModeIsEnabled
    from huggingface_hub.utils import httpx  # type: ignore[attr-defined]

    try:
        yield
    except ForgeBenchError:
        raise
    except HFValidationError as error:
        raise InputError(f"Expected OWNER/NAME on the Hub, got {hub_id!r}: {error}") from error
    except OfflineModeIsEnabled as error:
        raise ForgeBenchError("The Hub cannot be asked: HF_HUB_OFFLINE is set. Unset it and push again.") from error
    except (httpx.HTTPError, OSError, RuntimeError, ValueError) as error:
        raise _worded(hub_id, error) from error


def _worded(hub_id: str, error: Exception) -> ForgeBenchError:
    cause = error.__cause__ if isinstance(error, RuntimeError) and error.__cause__ else error
    status = getattr(getattr(cause, "response", None), "status_code", None)
    if status in (401, 403):
        refused = "The Hub refused the token" if status == 401 else f"The token may not write to {hub_id}"
        return InputError(f"{refused} ({getattr(cause, 'server_message', None) or status}). {_HOW_TO_LOG_IN}")
    where = "" if cause is error else f" {error}"
    said = " ".join(str(cause).split()).rstrip(".") or type(cause).__name__
    return ForgeBenchError(
        f"Pushing to {hub_id} failed.{where} {said}. Push again: what has arrived already is not sent again."
    )
