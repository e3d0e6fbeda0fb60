"""The poster as one page: nothing to fetch, black on white, so that any printer will do."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from flows.errors import AwalError
from gateway.poster.content import Poster
from gateway.poster.fit import POINTS, size
from locales.catalogue import Catalogues, Words
from locales.tags import direction

if TYPE_CHECKING:
    from jinja2 import Template


def page(poster: Poster, texts: Catalogues, points: float | None = None) -> str:
    """Return the poster as one HTML document; `points` overrides the size of letters that its length asks for."""
    return _template().render(
        poster=poster,
        say=lambda name, **slots: _marked(texts.phrase_words(name, poster.language), **slots),
        text=_marked,
        way=direction,
        qr=_code(poster.uri),
        points=points or _points(poster),
        css=Markup(_sheet()),  # noqa: S704 - a file of the program
    )


def pdf(poster: Poster, texts: Catalogues) -> bytes:
    """Return the poster as PDF on one page, smaller where it must be; raises AwalError without WeasyPrint."""
    try:
        from weasyprint import HTML
    except (ImportError, OSError) as error:  # OSError: the package is there, Pango is not
        raise AwalError(
            f"PDF needs WeasyPrint, which cannot be loaded ({error}). "
            "Install it with `pip install awal[pdf]` and Debian's libpango, or print the html format from a browser."
        ) from error
    for points in (one for one in POINTS if one < 1.2 * _points(poster)):  # one size above the estimate may do
        document = HTML(string=page(poster, texts, points)).render()
        if len(document.pages) == 1:
            break
    return bytes(document.write_pdf())


def _points(poster: Poster) -> float:
    return size(poster) or POINTS[-1]


def _marked(words: Words, **slots: object) -> Markup:
    """Return a text with its language and direction; each slot keeps its own order inside it."""
    text = escape(words.text)
    for slot, value in slots.items():
        text = text.replace(escape("{" + slot + "}"), Markup('<bdi class="k">{}</bdi>').format(value))
    return Markup('<span lang="{}" dir="{}">{}</span>').format(words.language, direction(words.language), text)


def _code(uri: str) -> Markup:
    """Return a QR code as SVG."""
    import segno

    drawn = segno.make(uri, error="m", micro=False)
    return Markup(drawn.svg_inline(border=0, omitsize=True, svgclass=None, lineclass=None))  # noqa: S704 - paths only


@cache
def _template() -> Template:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=PackageLoader("gateway.poster", ""),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=StrictUndefined,
    )
    return environment.get_template("poster.html")


@cache
def _sheet() -> str:
    return (files("gateway.poster") / "poster.css").read_text(encoding="utf-8").strip()
