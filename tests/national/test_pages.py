"""What the public sees, from real gateways through the real wire."""

import csv
import gzip
import io
import json
import random
import re
import urllib.request
from collections.abc import Callable, Iterator
from html.parser import HTMLParser
from pathlib import Path

import msgspec
import pytest
from flask.testing import FlaskClient
from wire_world import OTHER_SIGNING, PLACES, SIGNING, W47, W48, Clock, Nation, World, nation, water

from flows.model import Text
from national.app import create_app
from national.pages import span
from national.publication import Week
from national.regions import first_day, last_day
from reports.keys import public_key
from reports.sync import open_syncer


@pytest.fixture
def clock() -> Clock:
    return Clock(W48)


@pytest.fixture
def platform(tmp_path: Path, clock: Clock) -> Iterator[Nation]:
    with nation(tmp_path, clock) as served:
        served.enrol("oriental", "02")
        served.enrol("fes", "03", public_key(OTHER_SIGNING))
        yield served


@pytest.fixture
def worlds(tmp_path: Path) -> Iterator[Callable[[str], World]]:
    made: list[World] = []

    def make(name: str) -> World:
        made.append(World(tmp_path, name))
        return made[-1]

    yield make
    for one in made:
        one.close()


@pytest.fixture
def oriental(worlds: Callable[[str], World]) -> World:
    """Two hundred citizens, as many replies as they like."""
    world, dice = worlds("oriental"), random.Random(7)
    for _ in range(200):
        mark = dice.choices(range(1, 6), [3, 3, 4, 6, 4])[0]
        answers: dict[str, str | int] = {"supply": dice.choice(["yes", "no"]), "mark": mark}
        if mark <= 2:
            answers["problem"] = dice.choice(["cuts", "taste", "price"])
        world.answer(answers, place=dice.choice(PLACES), done=dice.random() < 0.9)  # type: ignore[arg-type]
    return world


def sync(world: World, platform: Nation, gateway: str = "oriental", region: str = "02", key: str = SIGNING) -> None:
    clock = platform.clock
    runner = open_syncer(world.store, url=platform.url, gateway=gateway, region=region, signing=key, clock=clock)
    assert runner.once().ok


def get(platform: Nation, path: str) -> str:
    with urllib.request.urlopen(platform.url + path) as answer:
        return answer.read().decode()  # type: ignore[no-any-return]


def test_totals_are_exactly_what_the_gateways_sent(
    oriental: World, worlds: Callable[[str], World], platform: Nation
) -> None:
    fes = worlds("fes")
    fes.many(30, {"supply": "yes"})
    sync(oriental, platform)
    sync(fes, platform, "fes", "03", OTHER_SIGNING)
    told = {one["code"]: one for one in json.loads(get(platform, "/v1/regions"))["regions"]}
    tallies = oriental.store.tallies("2026-11-16", "2026-11-22")
    walks = oriental.store.walks("2026-11-16", "2026-11-22")
    assert told["02"]["conversations"] == sum(one.started for one in walks) == 200
    assert told["02"]["completed"] == sum(one.completed for one in walks)
    assert told["02"]["answers"] == sum(one.count for one in tallies)
    assert (told["03"]["conversations"], told["03"]["answers"]) == (30, 30)
    assert [one["code"] for one in told.values()] == [f"{code:02}" for code in range(1, 13)]
    assert [one["id"] for one in told["02"]["gateways"]] == ["oriental"]
    assert told["02"]["gateways"][0]["last_contact"] == W48


def test_one_conversation_is_no_plural(worlds: Callable[[str], World], platform: Nation) -> None:
    fes = worlds("fes")
    fes.many(1, {"supply": "yes", "mark": 4})
    sync(fes, platform, "fes", "03", OTHER_SIGNING)
    page = get(platform, "/")
    assert "<b>1</b> conversation · <b>2</b> réponses ·" in page
    assert "<b>0</b> conversation · <b>0</b> réponse ·" in page
    assert re.search(r" · 1 conversation, [01] terminée</p>", get(platform, "/regions/03"))


def test_bars_are_the_counts_of_the_gateway(oriental: World, platform: Nation) -> None:
    sync(oriental, platform)
    told = json.loads(get(platform, "/v1/regions/02"))
    [flow] = told["flows"]
    charts = {chart["question"]: chart for chart in flow["charts"]}
    counted = {(one.step, one.value): 0 for one in oriental.store.tallies("2026-11-16", "2026-11-22")}
    for one in oriental.store.tallies("2026-11-16", "2026-11-22"):
        counted[one.step, one.value] += one.count
    assert {bar["key"]: bar["count"] for bar in charts["supply"]["bars"]} == {
        key: counted["supply", key] for key in ("yes", "no")
    }
    satisfied = counted["mark", "4"] + counted["mark", "5"]
    assert charts["mark"]["satisfaction"]["percent"] == int(100 * satisfied / 200 + 0.5)
    assert charts["needs"]["shown"] == "none"
    assert charts["problem"]["conditional"]
    assert all(bar["count"] % 5 == 0 for bar in charts["problem"]["bars"] if bar["count"] is not None)


def test_the_running_week_is_not_published(oriental: World, platform: Nation, tmp_path: Path) -> None:
    platform.clock.now = W47
    sync(oriental, platform)
    told = json.loads(get(platform, "/v1/regions/02"))
    assert (told["conversations"], told["period"], told["flows"]) == (200, None, [])
    assert "Pas encore de semaine publiée" in get(platform, "/regions/02")
    platform.clock.now = W48
    assert json.loads(get(platform, "/v1/regions/02"))["period"] is None  # the gateway has not closed it yet
    sync(oriental, platform)
    assert json.loads(get(platform, "/v1/regions/02"))["period"]["provisional"] is False
    assert "provisoire" not in get(platform, "/regions/02")


def test_a_demo_shows_the_running_week_as_provisional(oriental: World, platform: Nation) -> None:
    platform.clock.now = W47
    sync(oriental, platform)
    client = create_app(platform.store, open_periods=True, clock=platform.clock).test_client()
    told = client.get("/v1/regions/02").json
    assert told["period"]["provisional"] is True
    assert len(told["flows"]) == 1
    for path in ("/", "/regions/02"):
        assert "provisoire" in client.get(path).text
    assert ",1,water," in client.get("/v1/regions/02.csv").text


def test_each_week_has_its_own_page(oriental: World, platform: Nation) -> None:
    oriental.many(40, {"supply": "yes"}, now=W48)
    platform.clock.now = W48 + 7 * 86_400_000
    sync(oriental, platform)
    assert json.loads(get(platform, "/v1/regions/02"))["periods"] == ["2026-W48", "2026-W47"]
    older = json.loads(get(platform, "/v1/regions/02?period=2026-W47"))
    assert (older["period"]["label"], older["flows"][0]["started"]) == ("2026-W47", 200)
    assert "Semaine du 16 au 22 novembre 2026" in get(platform, "/regions/02?period=2026-W47")
    client = create_app(platform.store, clock=platform.clock).test_client()
    for path in ("/regions/02?period=2026-W40", "/v1/regions/02?period=x", "/regions/13", "/v1/regions/00"):
        assert client.get(path).status_code == 404, path


@pytest.mark.parametrize(
    ("label", "told"),
    [
        ("2026-W47", "du 16 au 22 novembre 2026"),
        ("2026-W49", "du 30 novembre au 6 décembre 2026"),
        ("2026-W53", "du 28 décembre 2026 au 3 janvier 2027"),
        ("2026-W23", "du 1er au 7 juin 2026"),
    ],
)
def test_weeks_are_written_as_french_does(label: str, told: str) -> None:
    first, last = first_day(label), last_day(label)
    assert first is not None
    assert last is not None
    assert span(Week(label, first, last, provisional=False)) == told


def test_a_region_page_is_small_whole_and_without_scripts(oriental: World, platform: Nation) -> None:
    sync(oriental, platform)
    for path in ("/", "/regions/02", "/regions/12"):
        page = get(platform, path)
        assert len(page.encode()) < 14_000
        assert "<script" not in page
        assert ' style="' not in page  # the content security policy would drop it
        Balanced().check(page)
    page = get(platform, "/regions/02")
    assert "الشرق" in page
    assert "Satisfait ?" in page
    assert "satisfaits" in page
    assert '<span class="ar" lang="ar" dir="rtl">الماء كل يوم؟</span>' in page


def test_the_twelve_regions_are_on_the_first_page(platform: Nation) -> None:
    page = get(platform, "/")
    assert len(re.findall(r'href="/regions/\d\d"', page)) == 12
    assert "Laâyoune-Sakia El Hamra" in page


def test_the_csv_holds_the_same_figures(oriental: World, platform: Nation) -> None:
    sync(oriental, platform)
    rows = list(csv.DictReader(io.StringIO(get(platform, "/v1/regions/02.csv"))))
    told = json.loads(get(platform, "/v1/regions/02"))
    bars = [bar for chart in told["flows"][0]["charts"] for bar in chart["bars"]]
    assert [row["option"] for row in rows] == [bar["key"] for bar in bars]
    assert [row["count"] for row in rows] == ["" if bar["count"] is None else str(bar["count"]) for bar in bars]
    assert {row["provisional"] for row in rows} == {"0"}


def test_hostile_words_stay_words(worlds: Callable[[str], World], platform: Nation) -> None:
    flow = water(title='=cmd|"/C calc"!A1 <script>alert(1)</script>')
    steps = list(flow.steps)
    world = worlds("hostile")
    steps[0] = msgspec.structs.replace(steps[0], text=Text("water/supply", "=1+1 <i>"))
    world.many(40, {"supply": "yes"}, flow=msgspec.structs.replace(flow, steps=tuple(steps)))
    sync(world, platform)
    page = get(platform, "/regions/02")
    assert "<script" not in page
    assert "<i>" not in page
    assert "&lt;script&gt;" in page
    assert ",'=1+1 <i>," in get(platform, "/v1/regions/02.csv")


def test_an_unchanged_page_is_not_sent_again(platform: Nation) -> None:
    client: FlaskClient = create_app(platform.store, clock=platform.clock).test_client()
    first = client.get("/")
    assert first.headers["Content-Security-Policy"].startswith("default-src 'none'")
    again = client.get("/", headers={"If-None-Match": first.headers["ETag"]})
    assert (again.status_code, again.data) == (304, b"")


def test_a_page_is_packed_for_who_can_unpack_it(oriental: World, platform: Nation) -> None:
    sync(oriental, platform)
    client: FlaskClient = create_app(platform.store, clock=platform.clock).test_client()
    plain = client.get("/regions/02")
    packed = client.get("/regions/02", headers={"Accept-Encoding": "gzip"})
    assert "Content-Encoding" not in plain.headers
    assert gzip.decompress(packed.data) == plain.data
    assert len(packed.data) < len(plain.data) / 2
    assert packed.headers["ETag"] == plain.headers["ETag"]
    assert packed.headers["Vary"] == "Accept-Encoding"
    with client.get("/static/national.css", headers={"Accept-Encoding": "gzip"}) as sheet:
        assert (sheet.status_code, sheet.mimetype) == (200, "text/css")


def test_faults_are_told_in_the_readers_form(platform: Nation) -> None:
    client = create_app(platform.store, clock=platform.clock).test_client()
    page, program = client.get("/nothing"), client.get("/v1/nothing")
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert "Cette page n’existe pas" in page.text
    assert (program.status_code, program.json["error"]) == (404, "not-found")
    refused = client.post("/v1/regions")
    assert (refused.status_code, refused.json["error"]) == (405, "method-not-allowed")
    assert "GET" in refused.headers["Allow"]


class Balanced(HTMLParser):
    """Checks that every element of a page is closed, in order."""

    VOID = ("meta", "link", "rect", "br")

    def check(self, page: str) -> None:
        self.open: list[str] = []
        self.feed(page)
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag
