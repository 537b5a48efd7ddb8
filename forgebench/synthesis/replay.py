"""A sample made again from its provenance."""

from __future__ import annotations

from pathlib import Path

from forgebench.schema import Item
from forgebench.synthesis.forge import item_of
from forgebench.synthesis.ground import prepare
from forgebench.synthesis.photos import Album
from forgebench.synthesis.plan import read_plan
from forgebench.synthesis.portable import without_ipp


@without_ipp()
def replay(provenance: str | None, photos: str | Path, *, split: str = "test") -> Item:
    """Make a sample again, to the byte under the same versions of the libraries.

    Args:
        provenance: The sample's column of that name.
        photos: The folder or URL that holds its photographs, whatever else lies there.
        split: Where the item goes.

    Raises:
        InputError: If the provenance is not that of a synthetic sample.
        NotFoundError: If a photograph is not there.
    """
    plan, album = read_plan(provenance), Album(str(photos))
    donors = dict.fromkeys(step.donor for step in plan.steps if step.donor)
    host, *others = (prepare(album.find(source), source) for source in (plan.host, *donors))
    return item_of(plan, host, others, name=f"s{plan.seed}-{plan.index:06d}", split=split)
