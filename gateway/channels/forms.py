"""Reading providers' forms: what identifies an inbound must be sound, what a citizen wrote is taken as it is."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from urllib.parse import unquote_to_bytes

from werkzeug.datastructures import MultiDict
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.wrappers import Request

from gateway.channels.base import BadRequest
from gateway.phones import normalise

Form = MultiDict[str, str]
FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
LONGEST_ID = 128
LONGEST_PHONE = 32
MOST_BYTES, MOST_FIELDS = 16 * 1024, 100
"""What a query may hold."""


def form(request: Request) -> Form:
    """Return the form that was posted; raises BadRequest when the body is none."""
    if request.mimetype not in FORMS:
        raise BadRequest("The body is no form.")
    return request.form


def pairs(query: bytes) -> list[tuple[str, bytes]]:
    """Return the fields of a query with their values as bytes; no charset has been assumed."""
    if len(query) > MOST_BYTES:
        raise RequestEntityTooLarge
    given = [one.partition(b"=") for one in query.split(b"&") if one]
    if len(given) > MOST_FIELDS:
        raise BadRequest("The query has too many fields.")
    read = [(name, unquote_to_bytes(value.replace(b"+", b" "))) for name, _, value in given]
    return [(name.decode("latin-1"), value) for name, value in read]


def identity(fields: Form, name: str) -> str:
    """Return a field that says which message, session or phone this is: present, told once, short, printable."""
    values = set(fields.getlist(name))
    value = values.pop().strip() if len(values) == 1 else ""
    if not value or len(value) > LONGEST_ID or not value.isprintable():
        raise BadRequest(f"{name} is missing or unsound.")
    return value


def phone(fields: Form, name: str) -> str:
    """Return a citizen's number in E.164; raises BadRequest when it is none."""
    told = fields.getlist(name)
    raw = told[0] if told else ""
    number = None
    if len(raw) <= LONGEST_PHONE and len(set(told)) == 1:
        number = normalise(raw)
    if number is None and raw.startswith(" "):  # a plus sign that was not percent-encoded arrives as a blank
        number = normalise("+" + raw.strip())
    if number is None:
        raise BadRequest(f"{name} is missing or no phone number.")
    return number


def words(fields: Mapping[str, str], name: str) -> str:
    """Return what somebody wrote, maybe nothing, without the NUL that databases refuse."""
    return fields.get(name, "").replace("\0", "")


def moment(raw: str) -> int | None:
    """Return a provider's UTC time (`2026-11-23T08:00:00Z` or `2026-11-23 08:00:00`) in milliseconds, else None."""
    try:
        given = datetime.fromisoformat(raw)
        return int((given if given.tzinfo else given.replace(tzinfo=UTC)).timestamp() * 1000)
    except ValueError:
        return None
