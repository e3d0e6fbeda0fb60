"""Bundles as a gateway writes them, and as somebody who holds its keys could forge them."""

from __future__ import annotations

import base64
import hashlib
import io
import json
import warnings
import zipfile
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from wire_world import SIGNING

from reports.carriers.bundle import SIGNED, Bundle, due, make, platform_id
from reports.keys import seed, signing_key
from reports.seal import seal
from reports.snapshots import Sender, Snapshot
from reports.wire import canonical

PLATFORM_SEED = bytes(range(100, 132))
MADE_AT = 1_795_000_000_000
ROOT = Path(__file__).resolve().parents[2]
File = tuple[str, bytes]
Body = dict[str, Any]


def example() -> Body:
    """Return the body of the worked example: gateway oriental, region 02."""
    return json.loads((ROOT / "tests/data/wire/snapshot.json").read_bytes())  # type: ignore[no-any-return]


def snapshot(body: Body) -> Snapshot:
    return Snapshot(body["flow"], body["flow_hash"], body["period"], body["epoch"], body["seq"], False, canonical(body))


def honest(bodies: Iterable[Body], platform: bytes, now: int = MADE_AT) -> Bundle:
    """Write a bundle as a gateway does."""
    return make(due([snapshot(one) for one in bodies]), Sender("oriental", "02"), SIGNING, platform, now)


def files(bodies: Iterable[Body]) -> list[File]:
    """Return the least a bundle may hold."""
    return [(f"snapshots/{one['flow_hash']}-{one['period']}.json", canonical(one)) for one in bodies]


def manifest(listed: Iterable[File], platform: bytes, **changes: Any) -> bytes:
    members = [{"path": path, "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest()} for path, data in listed]
    body = {
        "v": 1,
        "gateway": "oriental",
        "region": "02",
        "platform": base64.b64encode(platform).decode(),
        "made_at": MADE_AT,
        "members": members,
    }
    return canonical(body | changes)


def signed(told: bytes, key: str = SIGNING, before: bytes = SIGNED) -> list[File]:
    """Return the manifest and its signature."""
    return [("manifest.json", told), ("manifest.sig", base64.b64encode(signing_key(key).sign(before + told)))]


def zipped(
    parts: Iterable[File], compression: int = zipfile.ZIP_DEFLATED, tamper: Callable[[bytes], bytes] = bytes
) -> bytes:
    """Return a zip of these files, names and all as given, twice where given twice."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", compression) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for path, data in parts:
            archive.writestr(zipfile.ZipInfo(path), data, compression)
    return tamper(out.getvalue())


def sealed(packed: bytes, platform: bytes, gateway: str = "oriental", key: str = SIGNING, line: bytes = b"") -> bytes:
    """Return the file on the stick."""
    header = line or f"awal-bundle 1 {gateway} {platform_id(platform)}\n".encode()
    return header + seal(seed(key), platform, packed, header)
