"""One report, five forms: an SMS, a text, a page, a PDF, a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from flows.nearest import did_you_mean
from flows.texts import Texts
from reports.render_words import Wording
from reports.report import Report, ReportError

if TYPE_CHECKING:
    from reports.codes import Code

FORMATS = ("sms", "text", "html", "pdf", "csv")
WITH_CODES = ("html", "pdf")


def render(
    report: Report, format: str, language: str, texts: Texts, codes: Sequence[Code] = (), gateway: str = ""
) -> str | bytes:
    """Return the report in a format and language; bytes for `pdf`, text for the others.

    `codes` carry the snapshots of its period, made by `gateway`, on the page and the PDF.

    A language the report is not written in (zgh, zgh-Latn) falls back as everywhere. Raises ReportError for an unknown
    format, and for `pdf` without WeasyPrint.
    """
    if format not in FORMATS:
        hint = did_you_mean(format, FORMATS, f"Use one of {', '.join(FORMATS)}.")
        raise ReportError(f"“{format}” is no format of a report. {hint}")
    if codes and format in WITH_CODES:
        from reports import render_html

        made = render_html.pdf if format == "pdf" else render_html.page
        return made(report, Wording(texts, language), codes, gateway)
    return _renderer(format)(report, Wording(texts, language))


def _renderer(format: str) -> Callable[[Report, Wording], str | bytes]:
    """Import only what the format needs: Jinja2 and WeasyPrint are slow to load."""
    if format == "sms":
        from reports.render_sms import sms

        return sms
    if format == "text":
        from reports.render_text import text

        return text
    if format == "csv":
        from reports.render_csv import table

        return table
    from reports.render_html import page, pdf

    return pdf if format == "pdf" else page
