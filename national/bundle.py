"""A bundle as a USB stick brings it: whose it is, and every reason to refuse it whole.

A sealed zip of snapshots with a signed manifest; `README.md` (“Bundles”) has the form. It is read in memory, bounded,
and nothing of it is ever written under a name it chose.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import io
import re
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from typing import Annotated, NoReturn

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from msgspec import Meta, Struct

from national.errors import Refused
from national.seal import Identity, Unsealable, unseal
from national.wire import GATEWAY, Number, Snapshot, read, wrong_region
from national.wire import MOST_BYTES as MOST_SNAPSHOT

VERSION = 1
MOST_BYTES = 16 * 1024 * 1024
"""Size of a bundle; gateways write several where one is not enough."""
MOST_UNPACKED = 256 * 1024 * 1024
MOST_MEMBERS = 5000
MOST_MANIFEST = 1024 * 1024
CHUNK = 64 * 1024
MANIFEST, SIGNATURE = "manifest.json", "manifest.sig"
SIGNED = b"awal-bundle 1\n"
"""What is signed before the manifest's bytes, so that no other signature of the gateway can stand for this one."""

_HEADER = re.compile(rb"awal-bundle ([0-9]{1,6}) ([a-z0-9][a-z0-9-]{0,62}) (platform-[0-9a-f]{8})\n")
_SAFE = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]*(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*\Z")
_SNAPSHOT = re.compile(r"snapshots/([0-9a-f]{8,64})-([0-9]{4}-W[0-9]{2})\.json\Z")
AGAIN = "Have the gateway write it again: awal sync --carrier bundle"


class Member(Struct, frozen=True):
    """One file of the bundle."""

    path: Annotated[str, Meta(max_length=200)]
    bytes: Annotated[int, Meta(ge=0)]
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]


class Manifest(Struct, frozen=True):
    """Who wrote the bundle, for whom, when, and all it holds. Unknown members are ignored."""

    v: int
    gateway: Annotated[str, Meta(pattern=GATEWAY)]
    region: str
    platform: str
    """The public key it was sealed for."""
    made_at: Number
    members: list[Member]


class Header(Struct, frozen=True):
    """The first line: which gateway wrote it, and the id of the platform that can read it."""

    gateway: str
    platform: str
    line: bytes


class Bundle:
    """A bundle that was opened: every file of it is the one its gateway signed."""

    def __init__(self, manifest: Manifest, archive: zipfile.ZipFile) -> None:
        self.manifest = manifest
        self._archive = archive

    def snapshots(self) -> Iterator[Snapshot]:
        """Yield every snapshot, read and checked, one in memory at a time; raises Refused at the first that is wrong.

        Keep them in one transaction, so that those before it are undone.
        """
        for member in self.manifest.members:
            if found := _SNAPSHOT.match(member.path):
                yield self._snapshot(member, found[1], found[2])

    def _snapshot(self, member: Member, flow_hash: str, period: str) -> Snapshot:
        data = _read(self._archive, member.path, MOST_SNAPSHOT)
        try:
            snapshot = read(data)
        except Refused as fault:
            raise Refused(fault.status, fault.code, f"{member.path}: {fault} {AGAIN}", **fault.more) from fault
        if (snapshot.flow_hash, snapshot.period) != (flow_hash, period):
            _refuse("mismatch", f"{member.path} holds another flow or week than its name says.")
        if snapshot.gateway != self.manifest.gateway:
            _refuse("mismatch", f"{member.path} is a snapshot of “{snapshot.gateway}”, in a bundle of another gateway.")
        if wrong := wrong_region(snapshot.region, self.manifest.region):
            raise Refused(422, "mismatch", f"{member.path}: {wrong[0]['message']}.", fields=wrong)
        return snapshot


def header_of(data: bytes) -> Header:
    """Return what the first line says, before anything can be opened; raises Refused (400, 413)."""
    if len(data) > MOST_BYTES:
        raise Refused(413, "too-large", f"The bundle is larger than {MOST_BYTES} bytes. {AGAIN}")
    found = _HEADER.match(data[:200])
    if found is None:
        raise Refused(
            400, "no-bundle", "This is no bundle. Give a file that `awal sync --carrier bundle` wrote: *.awal"
        )
    if int(found[1]) != VERSION:
        message = f"This is a bundle of form {int(found[1])}, only {VERSION} is read here. Update the platform."
        raise Refused(400, "no-bundle", message)
    return Header(found[2].decode(), found[3].decode(), found[0])


def open_bundle(data: bytes, header: Header, identity: Identity, public_key: str, region: str) -> Bundle:
    """Return the bundle of an enrolled gateway, opened and its files checked; raises Refused."""
    if header.platform != identity.id:
        raise Refused(
            403,
            "other-platform",
            f"It is sealed for {header.platform}, this is {identity.id}. Write this platform's key (awal-national keys)"
            " under [national] key in the gateway's awal.toml, and write it again.",
        )
    archive = _archive(_unsealed(data, header, identity, public_key))
    manifest = _manifest(archive, public_key)
    _check_origin(manifest, header, identity, region)
    _check_members(archive, manifest.members)
    return Bundle(manifest, archive)


def _unsealed(data: bytes, header: Header, identity: Identity, public_key: str) -> bytes:
    sealed = data[len(header.line) :]
    try:
        return unseal(identity.seed, base64.b64decode(public_key), sealed, header.line)
    except Unsealable as fault:
        message = (
            f"It was cut short or changed on the way, or “{header.gateway}” has another key than the one enrolled. "
            "Copy it from the stick again; if that fails too, compare `awal keys` with `awal-national gateway list`."
        )
        raise Refused(403, "forged", message) from fault


def _archive(packed: bytes) -> zipfile.ZipFile:
    """Return the zip, its directory checked: bounded, plain names, no name twice, nothing but deflate."""
    try:
        archive = zipfile.ZipFile(io.BytesIO(packed))
    except (zipfile.BadZipFile, NotImplementedError, ValueError, OSError) as fault:
        _refuse("damaged", f"Its zip cannot be read ({fault}).")
    listed = archive.infolist()
    seen: set[str] = set()
    if len(listed) > MOST_MEMBERS or sum(one.file_size for one in listed) > MOST_UNPACKED:
        raise Refused(
            413, "too-large", f"It unpacks to more than {MOST_MEMBERS} files or {MOST_UNPACKED} bytes. {AGAIN}"
        )
    for one in listed:
        if not _SAFE.match(one.filename):
            _refuse("damaged", f"It holds a file named “{one.filename[:60]}”, which is no name of a bundle.")
        if one.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED) or one.flag_bits & 1:
            _refuse("damaged", f"{one.filename} is packed in a way that is not read here.")
        if one.filename in seen:
            _refuse("damaged", f"It holds {one.filename} twice.")
        seen.add(one.filename)
    return archive


def _manifest(archive: zipfile.ZipFile, public_key: str) -> Manifest:
    """Return the manifest that the gateway signed; raises Refused."""
    data, written = _read(archive, MANIFEST, MOST_MANIFEST), _read(archive, SIGNATURE, 200)
    try:
        signature = base64.b64decode(written.strip(), validate=True)
        Ed25519PublicKey.from_public_bytes(base64.b64decode(public_key)).verify(signature, SIGNED + data)
    except (InvalidSignature, binascii.Error, ValueError) as fault:
        message = (
            f"{MANIFEST} is not signed with the key enrolled. Compare `awal keys` with `awal-national gateway list`."
        )
        raise Refused(403, "forged", message) from fault
    try:
        return msgspec.json.decode(data, type=Manifest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as fault:
        _refuse("damaged", f"{MANIFEST}: {fault}.")


def _check_origin(manifest: Manifest, header: Header, identity: Identity, region: str) -> None:
    if manifest.v != VERSION:
        _refuse("damaged", f"{MANIFEST} is of form {manifest.v}, only {VERSION} is read here.")
    if manifest.gateway != header.gateway:
        _refuse("mismatch", f"{MANIFEST} names “{manifest.gateway}”, the first line “{header.gateway}”.")
    if manifest.platform != identity.public_key:
        _refuse("mismatch", f"{MANIFEST} names another platform.")
    if wrong := wrong_region(manifest.region, region):
        message = f"{MANIFEST}: {wrong[0]['message']}. Correct [gateway] region, or enrol it in its region."
        raise Refused(422, "mismatch", message, fields=wrong)


def _check_members(archive: zipfile.ZipFile, members: Sequence[Member]) -> None:
    """Raise Refused unless the zip holds what the manifest lists, byte for byte, and nothing else."""
    listed = [one.path for one in members]
    present = set(archive.namelist()) - {MANIFEST, SIGNATURE}
    if len(set(listed)) != len(listed):
        _refuse("damaged", f"{MANIFEST} lists a file twice.")
    if missing := sorted(set(listed) - present):
        _refuse("damaged", f"{missing[0]} is missing.")
    if unlisted := sorted(present - set(listed)):
        _refuse("damaged", f"{unlisted[0]} is not listed in {MANIFEST}.")
    for one in members:
        size, digest = 0, hashlib.sha256()
        for chunk in _chunks(archive, one.path):
            size += len(chunk)
            digest.update(chunk)
        if (size, digest.hexdigest()) != (one.bytes, one.sha256):
            _refuse("damaged", f"{one.path} is not the file that was signed.")


def _read(archive: zipfile.ZipFile, name: str, most: int) -> bytes:
    """Return a member of the zip; raises Refused when it is not there, or larger than `most`."""
    data = b""
    for chunk in _chunks(archive, name):
        data += chunk
        if len(data) > most:
            raise Refused(413, "too-large", f"{name} is larger than {most} bytes. {AGAIN}")
    return data


def _chunks(archive: zipfile.ZipFile, name: str) -> Iterator[bytes]:
    """Yield the bytes of a member, never more than its directory entry says."""
    try:
        with archive.open(name) as member:
            while chunk := member.read(CHUNK):
                yield chunk
    except KeyError:
        _refuse("damaged", f"{name} is missing.")
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, ValueError, OSError, RuntimeError) as fault:
        _refuse("damaged", f"{name} cannot be unpacked ({fault}).")


def _refuse(code: str, message: str) -> NoReturn:
    raise Refused(422, code, f"{message} {AGAIN}")
