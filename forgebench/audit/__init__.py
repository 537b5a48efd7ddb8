"""The audit: shortcuts, leaks, duplicates and wrong truth of benchmarks, and what they hold."""

from forgebench.audit.document import Audit, json_schema
from forgebench.audit.run import audit

__all__ = ["Audit", "audit", "json_schema"]
