"""USSD over HTTP: each shipped profile through real conversations, markup that nobody can write, profiles refused."""

from __future__ import annotations

import html
import json
import re
import unicodedata
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import parse_qsl

import pytest
from channel_world import AMINA, BRAHIM, WATER, ChannelWorld
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from flows.encoding import fits
from gateway.channels.base import Sendable, Settings
from gateway.channels.profile import SHIPPED, find, read
from gateway.channels.ussd_http import UssdHttp, page
from gateway.project import Project
from gateway.settings import SettingsError

SECRET = "f3a9c1d7e5b04682a1c3e5f708192a3b"
PATH = f"/in/op/{SECRET}/ussd"
CODE = "*123#"


def made(profile: str) -> UssdHttp:
    return UssdHttp(Settings(name="op", type="ussd-http", secret=SECRET, profile=profile), "https://awal.example")


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Callable[[str], ChannelWorld]]:
    worlds: list[ChannelWorld] = []

    def begin(profile: str) -> ChannelWorld:
        worlds.append(ChannelWorld(tmp_path, made(profile)))
        return worlds[-1]

    yield begin
    for one in worlds:
        one.store.close()


class Page(HTMLParser):
    """What a handset's browser makes of a page: its lines, links and form."""

    def __init__(self, response: TestResponse) -> None:
        super().__init__()
        assert response.content_type == "application/xhtml+xml; charset=utf-8"
        ElementTree.fromstring(response.data)
        self.links: dict[str, dict[str, str]] = {}
        self.fields: dict[str, str] = {}
        self.text, self.href = "", ""
        self.feed(response.text.partition("<body>")[2])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.href = given.get("href", "")
        if tag == "input" and "name" in given:
            self.fields[given["name"]] = given.get("value", "")
        if tag == "br":
            self.text += "\n"

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_data(self, data: str) -> None:
        self.text += data
        if self.href:
            self.links[data] = dict(parse_qsl(self.href.removeprefix("?")))
            self.href = ""

    def reply(self, text: str) -> dict[str, str]:
        """Follow the link of an option, or fill in the form."""
        chosen = [query for label, query in self.links.items() if label.split()[0] == text]
        return chosen[0] if chosen else self.fields | {"response": text}


def test_a_citizen_completes_a_flow_in_plain_text(world: Callable[[str], ChannelWorld]) -> None:
    one, path, screens = world("plain"), "", []
    for text in [CODE, *WATER]:
        path = text if text == CODE or not path else f"{path}*{text}" if path != CODE else text
        form = {"phoneNumber": AMINA, "sessionId": "S1", "serviceCode": CODE, "text": path}
        first, again = one.client.post(PATH, data=form), one.client.get(PATH, query_string=form)
        assert first.data == again.data
        screens.append(first.text)
    assert [screen[:4] for screen in screens] == ["CON "] * len(WATER) + ["END "]
    assert all(fits(screen[4:], 160, 70) for screen in screens)
    assert {"supply", "commune"} <= set(one.answers())


def test_a_citizen_completes_a_flow_in_xml(world: Callable[[str], ChannelWorld]) -> None:
    one, shown = world("xml"), []
    for number, text in enumerate([CODE, *WATER]):
        form = {"msisdn": AMINA, "sessionid": "S1", "servicecode": CODE, "input": text, "transactionid": str(number)}
        form["type"] = "2" if number else "1"
        first, again = one.client.post(PATH, data=form), one.client.post(PATH, data=form)
        assert first.data == again.data
        assert first.content_type == "text/xml; charset=utf-8"
        root = ElementTree.fromstring(first.data)
        shown.append((root.findtext("type"), root.findtext("message") or ""))
    assert [mark for mark, _ in shown] == ["2"] * len(WATER) + ["3"]
    assert "Merci" in shown[-1][1]
    assert {"supply", "commune"} <= set(one.answers())


def test_a_citizen_completes_a_flow_by_links(world: Callable[[str], ChannelWorld]) -> None:
    one, query, pages = world("xhtml-links"), {}, []
    for text in [*WATER, ""]:
        asked = {"msisdn": AMINA, "session": "S1", "service": CODE} | query
        response, again = one.client.get(PATH, query_string=asked), one.client.get(PATH, query_string=asked)
        assert Page(again).text == Page(response).text, "a page fetched twice is answered once"
        assert response.headers["Cache-Control"] == "no-store"
        pages.append(Page(response))
        query = pages[-1].reply(text)
    assert [label.split()[0] for label in pages[0].links] == ["1", "2", "3"]
    assert all(page.fields for page in pages[:-1])
    assert (pages[-1].links, pages[-1].fields) == ({}, {})
    assert "Merci" in pages[-1].text
    assert {"supply", "commune"} <= set(one.answers())


def test_a_wrong_secret_and_a_session_of_another_phone_show_nothing(world: Callable[[str], ChannelWorld]) -> None:
    one = world("plain")
    form = {"phoneNumber": AMINA, "sessionId": "S1", "text": ""}
    assert one.client.get("/in/op/wrong/ussd", query_string=form).status_code == 403
    one.client.post(PATH, data=form)
    stranger = one.client.post(PATH, data=form | {"phoneNumber": BRAHIM, "text": "1"})
    assert stranger.text.startswith("END ")


def test_nothing_is_sent_by_a_ussd_gateway() -> None:
    sent = made("plain").send(Sendable(id="m", to=AMINA, text="x", encoding="GSM-7", segments=1))
    assert sent.outcome == "failed"
    assert UssdHttp.bearers == ("ussd",)


@given(text=st.text(), ends=st.booleans())
@settings(max_examples=150, deadline=None)
def test_no_text_can_write_markup(text: str, ends: bool) -> None:
    hard = f"{text}<a href='x'>&amp;]]>{{mark}}{{form}}\x00\x1b\n1 <b>\"un\"</b>"
    body = f"{'END' if ends else 'CON'} {hard}".encode("utf-8", "replace")
    kept = body.decode()[4:]
    xml = ElementTree.fromstring(made("xml").reply(body).get_data())
    seen = "".join(one for one in kept if one == "\n" or unicodedata.category(one) != "Cc")
    seen = re.sub("[\ufdd0-\ufdef\ufffe\uffff]", "", seen)
    assert (xml.findtext("message"), len(xml)) == (seen, 2)
    linked = ElementTree.fromstring(made("xhtml-links").reply(body).get_data())
    assert {one.tag.rpartition("}")[2] for one in linked.iter()} <= {
        *("html", "head", "title", "body", "p", "br", "a", "form", "input")
    }
    assert "".join(linked.find("{*}body/{*}p").itertext()) == seen.replace("\n", "")  # type: ignore[union-attr]
    assert ends == (linked.find("{*}body/{*}form") is None)


def test_a_header_can_say_that_the_session_ends_and_json_is_escaped(tmp_path: Path) -> None:
    own = tmp_path / "own.yaml"
    plain = (SHIPPED / "plain.yaml").read_text("utf-8")
    changed = plain.replace("text/plain", "application/json").replace("CON", "FC").replace("END", "FB")
    own.write_text(changed.replace('"{mark} {text}"', '\'{"say": "{text}"}\'\n  header: Freeflow'), "utf-8")
    channel = made(str(own))
    for body, mark in ((b'CON "a\\b"\nc', "FC"), (b"END x", "FB")):
        response = channel.reply(body)
        assert response.headers["Freeflow"] == mark
        assert json.loads(response.get_data()) == {"say": body[4:].decode()}


# profiles --------------------------------------------------------------------------------------------------------
@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.yaml")), ids=lambda path: path.stem)
def test_each_shipped_profile_is_sound_and_documented(path: Path) -> None:
    profile = find(path.stem)
    assert "Salam" in html.unescape(page(profile, "Salam", ends=False))
    assert f"`{path.stem}`" in (SHIPPED.parent / "README.md").read_text("utf-8")


XML = (SHIPPED / "xml.yaml").read_text("utf-8")
LINKS = (SHIPPED / "xhtml-links.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    ("source", "old", "new", "expected"),
    [
        (XML, "phone: msisdn", "phon: msisdn", r"own\.yaml:4: unknown key 'phon'.* Did you mean 'phone'\?"),
        (XML, "  session: sessionid\n", "", r"own\.yaml:4: request needs `session`"),
        (XML, "inputs: last", "inputs: lats", r"own\.yaml:7: `inputs: lats` is not known\. Did you mean 'last'\?"),
        (XML, "  id: transactionid\n", "", r"own\.yaml:4: .*`id: none`"),
        (XML, "text: input", "text: msisdn", r"own\.yaml:6: 'msisdn' is both phone and text"),
        (XML, "phone: msisdn", 'phone: "a b"', r"own\.yaml:4: `phone: a b` is no name"),
        (XML, "{text}", "{txt}", r"own\.yaml:15: unknown place \{txt\}.* Did you mean 'text'\?"),
        (XML, "{text}", "", r"own\.yaml:15: the template shows no \{text\}"),
        (XML, "{mark}", "", r"own\.yaml:15: .*say once whether the session goes on"),
        (XML, "</ussd>", "</usd>", r"own\.yaml:15: the template is no XML"),
        (XML, "text/xml", "text/xlm", r"own\.yaml:12: `type: text/xlm` is not known\. Did you mean 'text/xml'\?"),
        (XML, 'end: "3"', "end: [3]", r"own\.yaml:14: answer needs `end`"),
        (XML, "request:", "request: &x", r"own\.yaml:3: .*alias"),
        (XML, "answer:", "request:", r"own\.yaml:11: .*request"),
        (LINKS, "{form}", "", r"own\.yaml:14: the template has no \{form\}"),
        (LINKS, "links: yes", "links: maybe", r"own\.yaml:13: `links: maybe` is not known"),
        (LINKS, "application/xhtml+xml", "text/plain", r"own\.yaml:\d+: text/plain has no links"),
    ],
)
def test_a_profile_that_is_wrong_says_where_and_what_to_do(source: str, old: str, new: str, expected: str) -> None:
    assert old in source
    with pytest.raises(SettingsError, match=expected):
        read(source.replace(old, new, 1), "own.yaml")


@given(text=st.text(max_size=300) | st.binary(max_size=200).map(lambda raw: raw.decode("latin-1")))
@settings(max_examples=100, deadline=None)
def test_no_text_whatever_breaks_the_reader(text: str) -> None:
    for whole in (text, XML + text, XML.replace("msisdn", text)):
        try:
            read(whole, "own.yaml")
        except SettingsError:
            continue


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("", "is no shipped profile"),
        ("xlm", "Did you mean 'xml'"),
        ("../profiles/xml", "is no shipped profile"),
        ("absent.yaml", "absent.yaml: cannot be read"),
    ],
)
def test_a_profile_that_is_not_there_keeps_the_channel_from_starting(name: str, expected: str) -> None:
    with pytest.raises(SettingsError, match=rf"\[channels\.op\] profile: .*{expected}"):
        made(name)


def test_a_projects_own_profile_is_found_from_its_directory(demo: Path) -> None:
    (demo / "own.yaml").write_text(XML.replace("msisdn", "caller"), "utf-8")
    with (demo / "awal.toml").open("a", encoding="utf-8") as file:
        file.write(f'\n[channels.op]\ntype = "ussd-http"\nsecret = "{SECRET}"\nprofile = "own.yaml"\n')
    with Project(demo) as project:
        channel = project.channels["op"]
        assert isinstance(channel, UssdHttp)
        assert channel.profile.request.phone == "caller"
        assert channel.urls()["ussd"].endswith(PATH)
