"""Definitions: which numbers there are, and exactly what each of them means.

A definition is named and versioned; a change in any number needs a new version.
"""

from forgebench.metrics.definitions.base import Definition, Metric, members
from forgebench.metrics.definitions.cat_net import CAT_NET
from forgebench.metrics.definitions.forgebench import FORGEBENCH
from forgebench.metrics.definitions.imdl_benco import IMDL_BENCO
from forgebench.metrics.definitions.mvss import MVSS
from forgebench.metrics.definitions.photoholmes import PHOTOHOLMES
from forgebench.metrics.definitions.scaf import SCAF
from forgebench.metrics.definitions.sida import SIDA
from forgebench.metrics.definitions.trufor import TRUFOR
from forgebench.metrics.definitions.wscl import WSCL

DEFINITIONS: dict[str, Definition] = {
    one.name: one for one in (FORGEBENCH, MVSS, WSCL, IMDL_BENCO, PHOTOHOLMES, TRUFOR, SCAF, SIDA, CAT_NET)
}
"""All definitions by name."""

__all__ = ["DEFINITIONS", "Definition", "Metric", "members"]
