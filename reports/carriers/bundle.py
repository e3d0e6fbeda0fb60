"""The USB bundle: snapshots in a zip that is itself a Data Package, signed, and sealed for the platform.

`national/README.md` has the form. What the platform has not acknowledged goes again with the next bundle, so a stick
that is lost costs nothing but time.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from msgspec import Struct

from flows.errors import AwalError
from reports.carriers.package import descriptor, tables
from reports.keys import seed, signing_key
from reports.seal import seal
from reports.snapshots import Sender, Snapshot
from reports.wire import Body, canonical

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

VERSION = 1
SIGNED = b"awal-bundle 1\n"
"""What is signed before the manifest's bytes, so that this signature can stand for no other."""
MOST_BODIES = 4 * 1024 * 1024
"""Bytes of snapshots in one bundle; what is more goes into the next. A board of 512 MB makes it with ease."""
MADE = (1980, 1, 1, 0, 0, 0)
"""The date of every file in the zip: the same content is the same bytes, and no clock is told."""


class Bundle(Struct, frozen=True):
    """One bundle, sealed: its file name, its bytes, how many snapshots it holds, the highest `seq` among them."""

    name: str
    data: bytes
    snapshots: int
    last: int


def due(made: Iterable[Snapshot], *, everything: bool = False, after: int = -1) -> list[Snapshot]:
    """Return what a bundle must hold, in the order of its numbers: what is not acknowledged, or everything.

    `after` leaves out what a bundle before held.
    """
    wanted = [one for one in made if (everything or not one.acked) and one.seq > after]
    return sorted(wanted, key=lambda one: one.seq)


def make(due: Sequence[Snapshot], sender: Sender, signing: str, platform: bytes, now: int) -> Bundle:
    """Return a bundle of the first snapshots due, as many as one holds. `platform` is its Ed25519 public key, raw."""
    if not sender.region:
        raise AwalError("The gateway's region is not set. Write its HCP code under [gateway] region in awal.toml.")
    chosen = list(_first(due))
    header = f"awal-bundle {VERSION} {sender.gateway} {platform_id(platform)}\n".encode()
    packed = pack(chosen, sender, signing_key(signing), platform, now)
    last = chosen[-1]
    return Bundle(
        name=f"awal-{sender.gateway}-{last.epoch}-{last.seq}.awal",
        data=header + seal(seed(signing), platform, packed, header),
        snapshots=len(chosen),
        last=last.seq,
    )


def platform_id(public: bytes) -> str:
    """Return the id of the platform with this public key, as `awal-national keys` prints it."""
    return f"platform-{hashlib.sha256(public).hexdigest()[:8]}"


def pack(snapshots: Sequence[Snapshot], sender: Sender, key: Ed25519PrivateKey, platform: bytes, now: int) -> bytes:
    """Return the zip before it is sealed: bodies, tables, their description, the manifest and its signature."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        packer = _Packer(archive)
        for one in snapshots:
            packer.add(f"snapshots/{one.flow_hash}-{one.period}.json", [one.data])
        for path, lines in tables([one.data for one in snapshots]).items():
            packer.add(path, lines)
        packer.add("datapackage.json", [descriptor(sender.gateway, sender.region, now)])
        manifest = canonical(
            {
                "v": VERSION,
                "gateway": sender.gateway,
                "region": sender.region,
                "platform": base64.b64encode(platform).decode(),
                "made_at": now,
                "members": packer.members,
            }
        )
        packer.add("manifest.json", [manifest])
        packer.add("manifest.sig", [base64.b64encode(key.sign(SIGNED + manifest))])
    return out.getvalue()


def _first(due: Sequence[Snapshot]) -> Iterator[Snapshot]:
    """Yield what one bundle holds: at least one snapshot, and no more than MOST_BODIES bytes of them."""
    room = MOST_BODIES
    for number, one in enumerate(due):
        room -= len(one.data)
        if number and room < 0:
            return
        yield one


class _Packer:
    """Writes files into a zip piece by piece, and lists each with its size and digest."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self.members: list[Body] = []
        self._archive = archive

    def add(self, path: str, pieces: Iterable[bytes]) -> None:
        """Add one file."""
        info = zipfile.ZipInfo(path, MADE)
        info.compress_type = zipfile.ZIP_DEFLATED
        info.external_attr = 0o644 << 16
        size, digest = 0, hashlib.sha256()
        with self._archive.open(info, "w") as out:
            for piece in pieces:
                out.write(piece)
                size += len(piece)
                digest.update(piece)
        self.members.append({"path": path, "bytes": size, "sha256": digest.hexdigest()})
