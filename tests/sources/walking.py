"""Walks and items of a source, and their comparison with what they must become."""

from __future__ import annotations

import numpy as np

from forgebench.errors import Problem
from forgebench.schema import SAMPLE_ID
from forgebench.sources import Entry, read, source


def walked(name, root, kind):
    return [one for one in source(name).walk(root) if isinstance(one, kind)]


def items(name, root):
    found = [read(root, entry) for entry in walked(name, root, Entry)]
    assert [one for one in found if isinstance(one, Problem)] == []
    assert len({item.sample_id for item in found}) == len(found)
    return {item.sample_id: item for item in found}


def same(one, other):
    return one is other if one is None or other is None else np.array_equal(one, other)


def check(name, root, truths):
    found = items(name, root)
    assert sorted(found) == sorted(truths)
    for sample_id, truth in truths.items():
        item = found[sample_id]
        assert SAMPLE_ID.fullmatch(sample_id)
        for what in ("label", "group", "manipulation", "split", "image"):
            assert getattr(item, what) == getattr(truth, what), (sample_id, what)
        assert item.mask_scope == truth.scope
        assert same(item.mask, truth.mask), sample_id
        assert same(item.source_mask, truth.source_mask), sample_id
        assert same(item.scribble, truth.scribble), sample_id
        assert item.boxes == truth.boxes, sample_id
        assert item.mask is None or item.size == truth.mask.shape
        actions = {fix.action for fix in item.fixes}
        assert len(actions) == bool(truth.fix)
        assert all(action.startswith(truth.fix) for action in actions), (sample_id, actions)
