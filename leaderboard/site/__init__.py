"""The static site: pages, data and downloads made from records that verify."""

from leaderboard.site.build import build
from leaderboard.site.tiers import compared

__all__ = ["build", "compared"]
