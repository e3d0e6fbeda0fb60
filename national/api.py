"""The JSON and CSV side: snapshots and cursors for gateways, open data for everybody. `openapi.json` describes it."""

from __future__ import annotations

import csv
import io
from typing import Any

import msgspec
from flask import Blueprint, Response, current_app, jsonify, request

from national.bundle import MOST_BYTES as MOST_BUNDLE
from national.errors import Refused
from national.publication import Publication, Section
from national.receipt import take
from national.reception import Reception
from national.signatures import check_digest, check_signature
from national.store import Gateway
from national.wire import Snapshot, read, wrong_region

blueprint = Blueprint("api", __name__, url_prefix="/v1")

COLUMNS = (
    "region",
    "period",
    "provisional",
    "flow",
    "sector",
    "question",
    "type",
    "text_fr",
    "option",
    "label_fr",
    "count",
    "base",
    "percent",
    "shown",
)
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def publication() -> Publication:
    """Return the reader of the app that serves this request."""
    found: Publication = current_app.extensions["national"]
    return found


@blueprint.put("/gateways/<gateway>/snapshots/<flow_hash>/<period>")
def put_snapshot(gateway: str, flow_hash: str, period: str) -> Response:
    """Keep a snapshot: signed by its gateway, of its own region, numbered above what is held. 200 once on disk."""
    data = request.get_data()
    sender = _sender(gateway, body=True)
    check_digest(request.headers.get("Content-Digest", ""), data)
    snapshot = read(data)
    _check_place(snapshot, sender, (gateway, flow_hash, period))
    now = publication().clock()
    status = publication().store.put(snapshot, now)
    reception: Reception = current_app.extensions["reception"]
    reception.settle(gateway, flow_hash, now)
    return jsonify(status=status, epoch=snapshot.epoch, seq=snapshot.seq, date=now)


@blueprint.get("/gateways/<gateway>/cursor")
def cursor(gateway: str) -> Response:
    """Tell a gateway what is held of it."""
    _sender(gateway, body=False)
    now = publication().clock()
    publication().store.seen(gateway, now)
    held = [msgspec.to_builtins(one) for one in publication().store.cursor(gateway)]
    return jsonify(gateway=gateway, date=now, held=held)


@blueprint.post("/bundles")
def post_bundle() -> Response:
    """Keep what a USB bundle brings, all of it or nothing. It names, signs and seals itself: no header is needed."""
    request.max_content_length = MOST_BUNDLE
    receipt = take(publication().store, request.get_data(), publication().clock()).receipt
    return Response(receipt, content_type="application/json")


@blueprint.get("/platform")
def platform() -> Response:
    """Tell the platform's id and public key, which gateways seal bundles and frames for."""
    own = publication().store.identity()
    return jsonify(id=own.id, public_key=own.public_key, date=publication().clock())


@blueprint.get("/regions")
def list_regions() -> Response:
    """Return the twelve sections: who feeds them, participation, newest satisfaction figures."""
    return jsonify(regions=[_summary(one) for one in publication().sections()])


@blueprint.get("/regions/<code>")
def one_region(code: str) -> Response:
    """Return one section with the figures of one week."""
    section = _section(code)
    flows = [msgspec.to_builtins(one) for one in section.flows]
    return jsonify({**_summary(section), "periods": list(section.weeks), "flows": flows})


@blueprint.get("/regions/<code>.csv")
def region_csv(code: str) -> Response:
    """Return the figures of one week as a table, one line an option."""
    section = _section(code)
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows([_plain(cell) for cell in row] for row in _rows(section))
    name = f"awal-{code}-{section.week.label if section.week else 'empty'}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(out.getvalue().encode(), content_type="text/csv; charset=utf-8", headers=headers)


def _sender(gateway: str, *, body: bool) -> Gateway:
    """Return the enrolled gateway that signed this request; raises Refused."""
    found = publication().store.gateway(gateway)
    if found is None:
        raise Refused(401, "unknown", f"The gateway “{gateway[:63]}” is not enrolled here.")
    path = request.root_path + request.path
    check_signature(request.method, path, request.headers, gateway, found.public_key, body)
    return found


def _check_place(snapshot: Snapshot, sender: Gateway, path: tuple[str, str, str]) -> None:
    """Raise Refused (422) unless body, address, enrolment and idempotency key tell the same."""
    wrong = []
    for name, told, given in zip(
        ("gateway", "flow_hash", "period"), path, (snapshot.gateway, snapshot.flow_hash, snapshot.period), strict=True
    ):
        if told != given:
            wrong.append({"field": name, "message": f"“{given}” in the body, “{told}” in the address"})
    wrong += wrong_region(snapshot.region, sender.region)
    if request.headers.get("Idempotency-Key") != f"{snapshot.gateway}:{snapshot.epoch}:{snapshot.seq}":
        wrong.append({"field": "Idempotency-Key", "message": "it is not gateway:epoch:seq of the body"})
    if wrong:
        raise Refused(422, "mismatch", f"{wrong[0]['field']}: {wrong[0]['message']}.", fields=wrong)


def _section(code: str) -> Section:
    section = publication().section(code, request.args.get("period"))
    if section is None:
        raise Refused(404, "not-found", "There is no such region, or nothing is published of it for this period.")
    return section


def _summary(section: Section) -> dict[str, Any]:
    return {
        **msgspec.to_builtins(section.region),
        "gateways": [{"id": one.id, "last_contact": one.last_contact} for one in section.gateways],
        "conversations": section.totals.started,
        "completed": section.totals.completed,
        "answers": section.totals.answers,
        "period": msgspec.to_builtins(section.week),
        "satisfaction": [
            {"flow": one.flow.flow, "sector": one.flow.sector, **msgspec.to_builtins(one.chart.satisfaction)}
            for one in section.indicators
        ],
    }


def _rows(section: Section) -> list[tuple[object, ...]]:
    if section.week is None:
        return []
    head = (section.region.code, section.week.label, int(section.week.provisional))
    rows: list[tuple[object, ...]] = []
    for flow in section.flows:
        for chart in flow.charts:
            about = (flow.flow, flow.sector, chart.question, chart.type, chart.text.get("fr", ""))
            for bar in chart.bars:
                figures = (bar.count, chart.base, bar.percent, chart.shown)
                rows.append((*head, *about, bar.key, bar.label.get("fr", ""), *figures))
    return rows


def _plain(cell: object) -> object:
    """Return a cell that no spreadsheet takes for a formula; hidden figures are empty."""
    if isinstance(cell, str) and cell.startswith(_FORMULA):
        return f"'{cell}"
    return "" if cell is None else cell
