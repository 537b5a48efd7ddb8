"""The audit: shortcuts, leaks, duplicates and wrong truth of benchmarks, and what they hold."""

from forgebench.audits.card import card_section, write_card
from forgebench.audits.document import Audit, json_schema
from forgebench.audits.page import write_audit
from forgebench.audits.run import audit

__all__ = ["Audit", "audit", "card_section", "json_schema", "write_audit", "write_card"]
