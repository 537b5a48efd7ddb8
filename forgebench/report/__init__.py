"""Reports: one or several scored submissions as a self-contained HTML page."""

from forgebench.report.page import write_report

__all__ = ["write_report"]
