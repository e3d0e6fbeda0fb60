"""The layout of a flow version as frames: what the platform must know to read the counts, where no link told it.

The skeleton is JSON, deflated (raw, RFC 1951), cut into frames that can come in any order:

    [1, flow, flow_hash, flow_version, sector, title, [[id, type, measure, conditional, options], …]]

`title` is a map of one language; `options` a list of keys, or their number where the type names them (yes_no 2,
rating 5, nps 11). Each payload is `part`, `parts` (a byte each), the first two bytes of the SHA-256 of the deflated
whole, so that no two versions mix, and the piece. The words of the questions come with the next snapshot by HTTPS.
"""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from typing import Any

import msgspec

from reports.frames.bits import FrameError
from reports.frames.envelope import CODE_BYTES, HEADER_BYTES, LAYOUT, SMS_BYTES, TAG_BYTES, Link, header, seal

FORM = 1
MOST_PARTS = 255
NAMED_BY_TYPE = ("yes_no", "rating", "nps")


def sms_layout(body: Mapping[str, Any], link: Link) -> list[bytes]:
    """Return the layout of a body's flow version, each frame for one SMS."""
    return _frames(body, link, SMS_BYTES)


def code_layout(body: Mapping[str, Any], link: Link) -> list[bytes]:
    """Return the layout of a body's flow version, each frame for one printed code."""
    return _frames(body, link, CODE_BYTES)


def skeleton(body: Mapping[str, Any]) -> list[Any]:
    """Return what a body tells of its flow version, without the words."""
    title = dict(sorted(body["title"].items(), key=lambda one: one[0] != "fr")[:1])
    questions = [[one["id"], one["type"], one["measure"], int(one["conditional"]), _options(one)] for one in _of(body)]
    return [FORM, body["flow"], body["flow_hash"], body["flow_version"], body["sector"], title, questions]


def _of(body: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return list(body["questions"])


def _options(question: Mapping[str, Any]) -> int | list[str]:
    keys = [one["key"] for one in question["options"]]
    return len(keys) if question["type"] in NAMED_BY_TYPE else keys


def _frames(body: Mapping[str, Any], link: Link, most: int) -> list[bytes]:
    packer = zlib.compressobj(9, wbits=-15)
    whole = packer.compress(msgspec.json.encode(skeleton(body))) + packer.flush()
    digest = hashlib.sha256(whole).digest()[:2]
    room = most - HEADER_BYTES[LAYOUT] - TAG_BYTES - 4
    pieces = [whole[at : at + room] for at in range(0, len(whole), room)]
    if len(pieces) > MOST_PARTS:
        raise FrameError(f"The flow {body['flow']} is too large for frames. Send by HTTPS or by a bundle.")
    head = header(LAYOUT, link, bytes.fromhex(body["flow_hash"])[:4])
    return [seal(link, head, bytes([part, len(pieces)]) + digest + piece) for part, piece in enumerate(pieces)]
