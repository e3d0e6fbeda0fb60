"""The published document against the app: every route, every status, every answer."""

import json
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import frame_world
import pytest
from bundle_world import honest
from flask import Flask
from wire_world import PUBLIC, SIGNING, W47, W48, Clock

from national.app import create_app
from national.store import Store, open_store
from reports.frames.counts import sms_frames
from reports.frames.layout import sms_layout
from reports.keys import signing_key
from reports.wire import cursor_path, signed_headers

DOCUMENT: dict[str, Any] = json.loads(files("national").joinpath("openapi.json").read_text(encoding="utf-8"))
PAGES = {"/", "/regions/{code}", "/static/{filename}"}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = open_store(f"sqlite:{tmp_path / 'national.db'}")
    made.enrol("oriental", "02", PUBLIC, W47)
    yield made
    made.close()


@pytest.fixture
def app(store: Store) -> Flask:
    return create_app(store, clock=Clock(W48))


def test_the_document_names_every_route_and_no_other(app: Flask) -> None:
    routed = set()
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        if path not in PAGES:
            routed |= {(path, method.lower()) for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}}
    told = {(path, method) for path, item in DOCUMENT["paths"].items() for method in item}
    assert told == routed


def test_path_parameters_are_those_of_the_path() -> None:
    for path, item in DOCUMENT["paths"].items():
        for operation in item.values():
            named = {one["name"] for one in operation.get("parameters", []) if one["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path)), path


def test_it_is_served_as_it_is_shipped(app: Flask) -> None:
    answer = app.test_client().get("/openapi.json")
    assert (answer.mimetype, answer.json) == ("application/json", DOCUMENT)


def test_every_reference_leads_somewhere() -> None:
    for name in re.findall(r'"#/components/schemas/(\w+)"', json.dumps(DOCUMENT)):
        assert name in DOCUMENT["components"]["schemas"]


def test_the_answers_are_as_described(app: Flask, root: Path) -> None:
    client = app.test_client()
    request = json.loads((root / "tests/data/wire/request.json").read_text())
    data = (root / "tests/data/wire/snapshot.json").read_bytes()
    body = DOCUMENT["paths"]["/v1/gateways/{gateway}/snapshots/{flow_hash}/{period}"]["put"]["requestBody"]
    conforms(json.loads(data), body["content"]["application/json"]["schema"])
    put = "/v1/gateways/{gateway}/snapshots/{flow_hash}/{period}"
    for status in ("200", "200"):
        answer = client.put(request["path"], data=data, headers=request["headers"])
        described(answer.json, put, "put", status)
    described(client.put(request["path"], data=data).json, put, "put", "401")
    path = cursor_path("oriental")
    signed = signed_headers(signing_key(SIGNING), "oriental", "GET", path)
    described(client.get(path, headers=signed).json, "/v1/gateways/{gateway}/cursor", "get", "200")
    bundle = honest([json.loads(data)], app.extensions["national"].store.identity().public).data
    described(client.post("/v1/bundles", data=bundle).json, "/v1/bundles", "post", "200")
    described(client.post("/v1/bundles", data=bundle[:-1]).json, "/v1/bundles", "post", "403")
    described(client.post("/v1/bundles", data=b"").json, "/v1/bundles", "post", "400")
    described(client.get("/v1/platform").json, "/v1/platform", "get", "200")
    described(client.get("/v1/regions").json, "/v1/regions", "get", "200")
    described(client.get("/v1/regions/02").json, "/v1/regions/{code}", "get", "200")
    described(client.get("/v1/regions/12").json, "/v1/regions/{code}", "get", "200")
    described(client.get("/v1/regions/13").json, "/v1/regions/{code}", "get", "404")
    described(client.get("/health").json, "/health", "get", "200")
    csv = DOCUMENT["paths"]["/v1/regions/{code}.csv"]["get"]["responses"]["200"]["description"]
    assert client.get("/v1/regions/02.csv").text.split("\r\n")[0].replace(",", ", ") in csv


def described(value: Any, path: str, method: str, status: str) -> None:
    """Assert that an answer has the form the document gives for it."""
    response = DOCUMENT["paths"][path][method]["responses"][status]
    conforms(value, response["content"]["application/json"]["schema"])


def conforms(value: Any, schema: dict[str, Any], at: str = "$") -> None:
    """Assert that a value fulfils a schema, for the keywords this document uses; members not described fail."""
    if "$ref" in schema:
        return conforms(value, DOCUMENT["components"]["schemas"][schema["$ref"].rpartition("/")[2]], at)
    if "oneOf" in schema:
        return conforms(value, schema["oneOf"][value is not None], at)
    if "allOf" in schema:
        return conforms(value, merged(schema["allOf"]), at)
    if "const" in schema:
        assert value == schema["const"], at
        return None
    kinds = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
    assert kind(value) in kinds, f"{at}: {value!r} is no {kinds}"
    if "enum" in schema:
        assert value in schema["enum"], at
    if "pattern" in schema:
        assert re.search(schema["pattern"], value), at
    assert not ("minimum" in schema and value < schema["minimum"]), at
    assert not ("minItems" in schema and len(value) < schema["minItems"]), at
    if isinstance(value, dict):
        members(value, schema, at)
    if isinstance(value, list):
        for number, item in enumerate(value):
            conforms(item, schema["items"], f"{at}[{number}]")
    return None


def members(value: dict[str, Any], schema: dict[str, Any], at: str) -> None:
    properties, more = schema.get("properties", {}), schema.get("additionalProperties")
    assert set(schema.get("required", ())) <= set(value), at
    for name, item in value.items():
        assert name in properties or more is not None or at.endswith("date") or name == "date", f"{at}.{name}"
        conforms(item, properties.get(name, more or {"type": kind(item)}), f"{at}.{name}")


def merged(schemas: list[dict[str, Any]]) -> dict[str, Any]:
    whole: dict[str, Any] = {"type": "object", "properties": {}, "required": []}
    for one in schemas:
        part = DOCUMENT["components"]["schemas"][one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        whole["properties"] |= part["properties"]
        whole["required"] += part["required"]
    return whole


def kind(value: Any) -> str:
    if value is None:
        return "null"
    kinds = {bool: "boolean", int: "integer", str: "string", list: "array", dict: "object"}
    return kinds[type(value)]


def test_the_answers_to_an_sms_are_as_described(store: Store) -> None:
    secret = "a secret of the platform"
    client = create_app(store, clock=Clock(W48), sms_secret=secret).test_client()
    link = frame_world.link(store.identity().public, "oriental")
    body = frame_world.body({"02": [3] * frame_world.width()}, gateway="oriental")
    (counts,), (first, layout) = (frame_world.texts(made(body, link)) for made in (sms_frames, sms_layout))
    bearer = {"Authorization": f"Bearer {secret}"}
    for text, status in (
        (counts, "waiting"),
        (counts, "repeated"),
        (first, "layout"),
        (layout, "layout"),
        (counts, "held"),
    ):
        answer = client.post("/v1/sms", json={"from": "+212600000001", "text": text}, headers=bearer)
        assert (answer.status_code, answer.json["status"]) == (200, status)
        assert bool(answer.json["reply"]) == (text != first and status != "waiting")
        described(answer.json, "/v1/sms", "post", "200")
    form = client.post(f"/v1/sms/{secret}", data={"from": "+212600000001", "text": counts}).json
    described(form, "/v1/sms/{secret}", "post", "200")
    plain = client.post("/v1/sms", json={"text": counts}, headers={**bearer, "Accept": "text/plain"})
    assert (plain.mimetype, plain.text) == ("text/plain", form["reply"])
    for given, headers, status in (
        ({"text": counts}, {}, 403),
        ({"text": counts}, {"Authorization": "Bearer a secret of the platforn"}, 403),
        ({"from": "+212600000001"}, bearer, 400),
        ([], bearer, 400),
        ({"text": 5}, bearer, 400),
        ({"text": "Bonjour"}, bearer, 422),
        ({"text": "A" * 20_000}, bearer, 413),
    ):
        answer = client.post("/v1/sms", json=given, headers=headers)
        assert answer.status_code == status
        described(answer.json, "/v1/sms", "post", str(status))


def test_without_a_secret_no_sms_is_taken(store: Store) -> None:
    client = create_app(store, clock=Clock(W48)).test_client()
    for headers in ({}, {"Authorization": "Bearer "}, {"Authorization": ""}):
        assert client.post("/v1/sms", json={"text": "x"}, headers=headers).status_code == 403
