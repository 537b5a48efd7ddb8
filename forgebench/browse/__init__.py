"""Look at a benchmark and at how methods fared on it, in FiftyOne."""

from forgebench.browse.app import check_port, serve
from forgebench.browse.dataset import Browsed, browse, ids_in
from forgebench.browse.export import export

__all__ = ["Browsed", "browse", "check_port", "export", "ids_in", "serve"]
