"""The words of the officials' reports, in French: name to source. Arabic is in `ar/LC_MESSAGES/report.po`."""

from __future__ import annotations

REPORT_PHRASES: dict[str, str] = {}
