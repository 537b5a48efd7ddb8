"""What FiftyOne calls a split and its samples: the same on every machine, so that a page can link to them."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from forgebench.benchmark import Benchmark

PORT = 5151
"""Where the App listens unless told otherwise."""


def dataset_name(benchmark: Benchmark, split: str) -> str:
    """The name of a split's dataset; boxes and scribbles are no part of the content hash, and are shown too."""
    hashes = benchmark.content_hash + benchmark.manifest.annotation_hash
    digest = hashlib.sha256(hashes.encode()).hexdigest()
    return f"forgebench-{benchmark.name}-{split}-{digest[:8]}"


def object_id(sample_id: str) -> str:
    """FiftyOne's id of a sample, 24 hexadecimal digits.

    >>> object_id("a")
    'ca978112ca1bbdcafac231b3'
    """
    return hashlib.sha256(sample_id.encode()).hexdigest()[:24]


def app_link(benchmark: Benchmark, split: str, sample_id: str) -> str:
    """The address of a sample in an App that runs on this machine."""
    dataset = quote(dataset_name(benchmark, split))
    return f"http://127.0.0.1:{PORT}/datasets/{dataset}?id={object_id(sample_id)}"
