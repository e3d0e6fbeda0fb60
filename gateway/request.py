"""The request that adapters take: Werkzeug's, held to what a webhook may need, and made only as far as one asks."""

from __future__ import annotations

from functools import cached_property
from io import BytesIO
from typing import IO, TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

from werkzeug.datastructures import FileStorage, ImmutableMultiDict
from werkzeug.exceptions import ClientDisconnected
from werkzeug.wrappers import Request

from gateway.channels.base import BadRequest
from gateway.envelope import MOST_BYTES, envelope, head, whole

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

MOST_FIELDS = 100
NO_FILES: ImmutableMultiDict[str, FileStorage] = ImmutableMultiDict()
URLENCODED = "application/x-www-form-urlencoded"


class InboundRequest(Request):
    """A request held to what a webhook may need; url-encoded forms are read without Werkzeug's machinery for files."""

    max_content_length = MOST_BYTES
    max_form_memory_size = MOST_BYTES
    max_form_parts = MOST_FIELDS

    def __init__(self, environ: WSGIEnvironment) -> None:
        self.environ = environ
        self.method = environ["REQUEST_METHOD"]

    def __getattr__(self, name: str) -> Any:
        """Work out what Werkzeug does for every request: nearly no adapter asks, and it takes longer than the rest."""
        if "headers" in self.__dict__:
            raise AttributeError(name)
        super().__init__(self.environ, populate_request=False)
        return getattr(self, name)

    @cached_property
    def mimetype(self) -> str:
        """The kind of body: what nearly all providers write is known at sight."""
        return URLENCODED if self._told_type() == URLENCODED else super().mimetype

    def _told_type(self) -> str:
        """Return the Content-Type header."""
        return str(self.environ.get("CONTENT_TYPE", ""))

    def _load_form_data(self) -> None:
        """Keep the form; what is no UTF-8 in it is replaced, where Werkzeug would drop the whole form."""
        if "form" in self.__dict__ or self.mimetype != URLENCODED:
            super()._load_form_data()
            return
        text = self._whole_body().decode("utf-8", "replace")
        self.__dict__.update(form=ImmutableMultiDict(pairs(text)), files=NO_FILES)

    def _whole_body(self) -> bytes:
        """Read the body at once where its length is told, and by Werkzeug's guarded stream where it is not."""
        environ = self.environ
        told = environ.get("CONTENT_LENGTH", "")
        if "wsgi.input_terminated" not in environ and told.isdecimal() and int(told) <= MOST_BYTES:
            return exactly(environ["wsgi.input"], int(told))
        body = self.stream.read()
        self.stream.read(1)  # a chunked body is cut at the limit in silence; asking for more says that it was too long
        return body


class ScopedRequest(InboundRequest):
    """The same out of granian's own scope, whose body was read: nearly no adapter asks for more than its form."""

    def __init__(self, scope: Any, body: bytes, length: int) -> None:
        self.method = scope.method
        self._scope = scope
        self._body = body
        self._length = length

    @cached_property
    def environ(self) -> WSGIEnvironment:  # type: ignore[override]
        """The request as PEP 3333 has it."""
        return {**head(self._scope), "wsgi.input": BytesIO(self._body)}

    def _told_type(self) -> str:
        told: list[str] = self._scope.headers.get_all("content-type")
        return told[0] if len(told) == 1 else super()._told_type()

    def _whole_body(self) -> bytes:
        if len(self._body) != self._length:
            raise ClientDisconnected
        return self._body


async def arrived(scope: Any, protocol: Any) -> InboundRequest:
    """Return a request once its body has come, as far as a webhook may need it."""
    told: list[str] = scope.headers.get_all("content-length")
    if len(told) == 1 and told[0].isdecimal() and 0 < int(told[0]) <= MOST_BYTES:
        return ScopedRequest(scope, await whole(protocol), int(told[0]))
    return InboundRequest(await envelope(scope, protocol, MOST_BYTES))


def exactly(stream: IO[bytes], length: int) -> bytes:
    """Read so many bytes; raise ClientDisconnected when there are fewer."""
    body = stream.read(length)
    while len(body) < length:
        more = stream.read(length - len(body))
        if not more:
            raise ClientDisconnected
        body += more
    return body


def pairs(text: str) -> list[tuple[str, str]]:
    """Return the fields of a url-encoded form in their order, the empty ones too."""
    # The three signs that a session's inputs and a number are full of separate no fields: they are read in one go.
    quick = text.replace("+", " ").replace("%2A", "*").replace("%23", "#").replace("%2B", "+")
    plain = "%" not in quick
    parts = (quick if plain else text).split("&")
    if len(parts) > MOST_FIELDS:
        raise BadRequest("The form has too many fields.")
    split = [part.partition("=") for part in parts if part]
    if plain:
        return [(name, value) for name, _, value in split]
    return [(decoded(name), decoded(value)) for name, _, value in split]


def decoded(text: str) -> str:
    """Undo the encoding of one name or value; most need none."""
    if "%" in text or "+" in text:
        return unquote_to_bytes(text.replace("+", " ")).decode("utf-8", "replace")
    return text
