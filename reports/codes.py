"""Snapshots as printed QR codes: dense, sealed for the platform, signed by the gateway. Paper shows no count.

A code holds one frame (`frames/envelope.py`) in its text form. What does not fit in one takes several, each read for
itself, in any order. A flow the platform does not know yet is preceded by the codes of its layout.
"""

from __future__ import annotations

import io
from base64 import b64encode
from collections.abc import Collection, Iterator, Sequence
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from flows.texts import Texts
from reports.frames.counts import code_frames
from reports.frames.envelope import Link, to_text
from reports.frames.layout import code_layout
from reports.snapshots import Snapshot
from reports.wire import Body

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
    from segno import QRCode

BORDER = 4
"""Modules of white around a code: less, and phones do not find it."""


class Code(Struct, frozen=True):
    """One code: the text to scan, and what stands under it. A layout has no week."""

    text: str
    flow: str
    title: dict[str, str]
    week: str
    part: int
    parts: int


def codes(made: Sequence[Snapshot], link: Link, key: Ed25519PrivateKey, known: Collection[str]) -> list[Code]:
    """Return the codes of these snapshots, and of the layouts of flows that are not `known` by their hash."""
    found: list[Code] = []
    told = set(known)
    for one in sorted(made, key=lambda one: (one.period, one.flow)):
        body: Body = msgspec.json.decode(one.data)
        if one.flow_hash not in told:
            told.add(one.flow_hash)
            found += _coded(code_layout(body, link), body, "")
        found += _coded(code_frames(body, link, key), body, one.period)
    return found


def svg(code: Code) -> bytes:
    """Return a code as an SVG picture."""
    out = io.BytesIO()
    _drawn(code).save(out, kind="svg", border=BORDER, scale=4)
    return out.getvalue()


def png(code: Code, scale: int = 8) -> bytes:
    """Return a code as a PNG picture."""
    out = io.BytesIO()
    _drawn(code).save(out, kind="png", border=BORDER, scale=scale)
    return out.getvalue()


def picture(code: Code) -> str:
    """Return a code as the address of a picture inside a page: a dot a module, some 1.5 KB."""
    return f"data:image/png;base64,{b64encode(png(code, scale=1)).decode()}"


def page(found: Sequence[Code], gateway: str, language: str, texts: Texts) -> str:
    """Return one HTML document that prints the codes on A4, six a page."""
    from reports.render_html import codes_page
    from reports.render_words import Wording

    return codes_page(found, gateway, Wording(texts, language))


def _drawn(code: Code) -> QRCode:
    import segno

    return segno.make_qr(code.text, error="m", mode="byte", boost_error=False)


def _coded(frames: Sequence[bytes], body: Body, week: str) -> Iterator[Code]:
    for part, frame in enumerate(frames, 1):
        yield Code(to_text(frame), body["flow"], body["title"], week, part, len(frames))
