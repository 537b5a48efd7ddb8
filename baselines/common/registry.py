"""The methods that there are, imported when they are asked for."""

from __future__ import annotations

from difflib import get_close_matches
from importlib import import_module

from baselines.common.method import Method
from forgebench.errors import InputError

METHODS = {
    "vilaco": "baselines.vilaco",
    "sapl": "baselines.sapl",
    "boxpromptiml": "baselines.boxpromptiml",
    "ifdl-vlm": "baselines.ifdl_vlm",
    "linear-probe": "baselines.predecessors.linear_probe",
    "coop": "baselines.predecessors.coop",
    "mil-fcn": "baselines.predecessors.mil_fcn",
}
"""The module of each, which has a `METHOD`."""


def get(name: str) -> Method:
    """The method of this name; `_` and `-` are the same.

    Raises:
        InputError: If there is none.
    """
    asked = name.replace("_", "-").lower()
    if asked not in METHODS:
        close = get_close_matches(asked, METHODS, n=1)
        guess = f" Did you mean {close[0]!r}?" if close else ""
        raise InputError(f"There is no method {name!r}.{guess} There are: {', '.join(METHODS)}")
    method: Method = import_module(METHODS[asked]).METHOD
    return method
