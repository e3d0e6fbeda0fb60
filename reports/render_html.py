"""The report as one page that opens on 2G and prints on A4: no script, no font, no picture, nothing to fetch.

Bars are widths of plain elements. Their rules stand in the page's one `<style>`, and no element carries a `style`
attribute, so that a server can allow exactly this style and nothing else (`content_policy`).
"""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from locales.tags import direction
from reports.render_text import count_name
from reports.render_words import NO_BREAK, Wording, at_least, at_most, percent
from reports.report import Report, ReportError

if TYPE_CHECKING:
    from jinja2 import Template

    from reports.codes import Code

_CLASS = re.compile(r'class="(w[0-9]+)\b')
_SIGNS = re.compile(" (?=[?!:;])")
_STYLE = re.compile(r"<style>(.*?)</style>", re.DOTALL)


def page(report: Report, say: Wording, codes: Sequence[Code] = (), gateway: str = "") -> str:
    """Return the report as one HTML document; with the codes of its snapshots, where there are any."""

    def sentence(name: str, **slots: object) -> Markup:
        return _sentence(say, name, **slots)

    drawn = _template().render(
        report=report,
        say=say,
        period=_period(report, say),
        sentence=sentence,
        count_name=count_name,
        wide=lambda share: f"w{percent(share)}",
        floor=lambda share: at_least(share) / 100,
        ceiling=lambda share: at_most(share) / 100,
        way=direction,
        tight=tight,
        css=Markup("{css}"),
        codes=codes,
        gateway=gateway,
        picture=_picture,
    )
    return drawn.replace("<style>{css}</style>", f"<style>{_css(drawn)}</style>", 1)


def codes_page(codes: Sequence[Code], gateway: str, say: Wording) -> str:
    """Return one HTML document that prints codes on A4."""
    drawn = _template("codes_page.html").render(
        say=say, codes=codes, gateway=gateway, picture=_picture, css=Markup("{css}")
    )
    return drawn.replace("<style>{css}</style>", f"<style>{_css(drawn)}</style>", 1)


def pdf(report: Report, say: Wording, codes: Sequence[Code] = (), gateway: str = "") -> bytes:
    """Return the page as PDF, by WeasyPrint; raises ReportError with the remedy when it is not installed."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:  # OSError: the package is there, Pango is not
        raise ReportError(
            f"PDF needs WeasyPrint, which cannot be loaded ({error}). "
            "Install it with `pip install awal[pdf]` and Debian's libpango, or print the html format from a browser."
        ) from error
    return bytes(HTML(string=page(report, say, codes, gateway)).write_pdf())


def content_policy(document: str) -> str:
    """Return the Content-Security-Policy a page is to be served with: its own style, and nothing else at all."""
    style = _STYLE.search(document)
    digest = b64encode(sha256((style[1] if style else "").encode()).digest()).decode()
    pictures = " img-src data:;" if ' src="data:' in document else ""
    return f"default-src 'none';{pictures} style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"


def tight(text: str) -> str:
    """Return a text whose French signs (? ! : ;) never begin a line."""
    return _SIGNS.sub(NO_BREAK, text)


def _picture(code: Code) -> str:
    from reports.codes import picture

    return picture(code)


@cache
def _template(name: str = "page.html") -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("reports"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template(name)


@cache
def _sheet() -> str:
    from importlib.resources import files

    return (files("reports") / "templates" / "page.css").read_text(encoding="utf-8").strip()


def _css(drawn: str) -> str:
    """Return the style with a rule for each width of bar the page really has."""
    widths = sorted({int(name[1:]) for name in _CLASS.findall(drawn)})
    return _sheet() + "\n" + "".join(f".w{width}{{width:{width}%}}" for width in widths)


def _period(report: Report, say: Wording) -> Markup | str:
    found = report.period
    if "W" not in found.label:
        return say.period(found)
    return _sentence(say, "week", **say.week(found))


def _sentence(say: Wording, name: str, **slots: object) -> Markup:
    """Return a phrase with each slot set apart, so that a figure keeps its order inside Arabic."""
    text = escape(say(name))
    for slot, value in slots.items():
        text = text.replace(escape("{" + slot + "}"), Markup("<bdi>{}</bdi>").format(value))
    return text
