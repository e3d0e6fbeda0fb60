"""The platform's Flask app: it takes snapshots from gateways and shows what may be published of them."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable
from importlib.resources import files

from flask import Flask, Response, current_app, jsonify, request
from werkzeug.exceptions import HTTPException

from national import api, pages, sms
from national.errors import Refused
from national.publication import Publication
from national.reception import Reception
from national.store import Store
from national.wire import MOST_BYTES

Clock = Callable[[], int]

CONTENT_SECURITY = "default-src 'none'; style-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'self'"


def now_ms() -> int:
    """Return the present, in milliseconds UTC."""
    return time.time_ns() // 1_000_000


def create_app(store: Store, *, open_periods: bool = False, clock: Clock = now_ms, sms_secret: str = "") -> Flask:
    """Return the app over a store. `open_periods` also publishes the running week, marked provisional.

    `sms_secret` lets an SMS gateway hand over what it received; without one, that door is shut.
    """
    app = Flask(__name__)
    app.config["MAX_CONTENT_LENGTH"] = MOST_BYTES
    app.json.ensure_ascii = False  # type: ignore[attr-defined]
    app.extensions["national"] = Publication(store, open_periods=open_periods, clock=clock)
    app.extensions["reception"] = Reception(store)
    app.config["SMS_SECRET"] = sms_secret
    app.register_blueprint(api.blueprint)
    app.register_blueprint(sms.blueprint)
    app.register_blueprint(pages.blueprint)
    app.register_error_handler(Refused, _refused)
    app.register_error_handler(HTTPException, _http)
    app.add_url_rule("/health", view_func=health)
    app.add_url_rule("/openapi.json", view_func=openapi)
    app.after_request(_finish)
    return app


def health() -> Response:
    """Say whether a snapshot could be kept now."""
    publication: Publication = current_app.extensions["national"]
    publication.store.check()
    return jsonify(status="ok", date=publication.clock())


def openapi() -> Response:
    """Return the OpenAPI document of every route."""
    text = files("national").joinpath("openapi.json").read_text(encoding="utf-8")
    return Response(text, content_type="application/json")


def _refused(fault: Refused) -> Response:
    publication: Publication = current_app.extensions["national"]
    answer = jsonify({**fault.body(), "date": publication.clock()})
    answer.status_code = fault.status
    if fault.status == 503:
        answer.headers["Retry-After"] = "60"
    return answer


def _http(fault: HTTPException) -> Response:
    """Answer a wrong address or method: JSON to programs, a page to people."""
    status = fault.code or 500
    if request.path.startswith("/v1/"):
        words = {
            404: "There is nothing at this address.",
            413: f"The body is larger than {request.max_content_length} bytes.",
        }
        answer = jsonify(error=fault.name.lower().replace(" ", "-"), message=words.get(status, fault.name))
    else:
        answer = Response(pages.fault_page(status), content_type="text/html; charset=utf-8")
    answer.status_code = status
    for name, value in fault.get_headers():
        if name.lower() in ("allow", "retry-after"):
            answer.headers[name] = value
    return answer


def _finish(answer: Response) -> Response:
    """Add what protects the reader, and an ETag so that an unchanged page costs a 2G reader nothing."""
    answer.headers["Content-Security-Policy"] = CONTENT_SECURITY
    answer.headers["X-Content-Type-Options"] = "nosniff"
    answer.headers["Referrer-Policy"] = "no-referrer"
    if request.method in ("GET", "HEAD") and answer.status_code == 200 and not answer.is_streamed:
        answer.headers.setdefault("Cache-Control", "no-cache")
        answer.add_etag(weak=True)
        _pack(answer)
        answer.make_conditional(request)
    return answer


def _pack(answer: Response) -> None:
    """Compress what is worth it: a page of 14 KB crosses a slow link as 3 KB."""
    answer.vary.add("Accept-Encoding")
    if not answer.direct_passthrough and len(answer.data) > 1000 and request.accept_encodings["gzip"] > 0:
        answer.data = gzip.compress(answer.data, 6, mtime=0)
        answer.headers["Content-Encoding"] = "gzip"
