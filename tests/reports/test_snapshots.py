import json
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from wire_world import OTHER_SIGNING, PLACES, PUBLIC, SIGNING, W47, W48, WATER, World, water

from flows.errors import AwalError
from flows.model import Flow, Text
from locales.catalogue import Words
from reports.keys import keys, public_key, signing_key
from reports.periods import UNKNOWN_DAY
from reports.snapshots import Sender, Snapshot, snapshots, weeks, words
from reports.wire import canonical, content_digest, signed_headers
from storage.store import Held

SENDER = Sender("demo", "02")
RUNNING = date(2026, 11, 18)
OVER = date(2026, 11, 25)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    made = World(tmp_path)
    yield made
    made.close()


def make(world: World, today: date = OVER, made_at: int = W48) -> list[Snapshot]:
    return snapshots(world.store, SENDER, today, made_at)


def test_a_snapshot_says_who_what_when_and_how_many(world: World) -> None:
    world.answer({"supply": "yes"}, place=PLACES[0])
    [snapshot] = make(world)
    told = json.loads(snapshot.data)
    assert told["gateway"] == "demo"
    assert told["region"] == "02"
    assert (told["flow"], told["flow_hash"], told["flow_version"]) == ("water", WATER.hash, 1)
    assert told["title"] == {"fr": "Eau potable", "ar": "الماء الصالح للشرب"}
    assert (told["period"], told["final"]) == ("2026-W47", True)
    assert (told["epoch"], told["seq"], told["made_at"]) == (snapshot.epoch, snapshot.seq, W48)
    assert told["areas"] == [PLACES[0]]
    assert told["cells"]["supply"] == [[1], [0]]
    assert told["walks"] == {"started": [1], "completed": [1]}
    assert snapshot.path("demo") == f"/v1/gateways/demo/snapshots/{WATER.hash}/2026-W47"


def test_the_body_is_canonical_json_without_fractions(world: World) -> None:
    world.answer({"supply": "yes"})
    [snapshot] = make(world)

    def refuse(number: str) -> None:
        raise AssertionError(number)

    told = json.loads(snapshot.data, parse_float=refuse)
    again = json.dumps(told, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
    assert snapshot.data == again


def test_nothing_personal_is_in_it(world: World) -> None:
    citizen = world.answer({"supply": "yes", "words": "Fatima", "phone": "+212612345678", "people": 4242})
    [snapshot] = make(world)
    for personal in (b"Fatima", b"212612345678", b"06 12", b"4242", f'"{citizen}"'.encode(), b'"c1"'):
        assert personal not in snapshot.data
    # the questions of that kind are not even mentioned
    for question in (b"words", b"people", b"Votre num"):
        assert question not in snapshot.data


def test_unchanged_figures_keep_their_number(world: World) -> None:
    world.answer({"supply": "yes"})
    [first] = make(world)
    [again] = make(world, made_at=W48 + 1)
    assert (again.epoch, again.seq) == (first.epoch, first.seq)
    world.answer({"supply": "yes"})
    [more] = make(world)
    assert (more.epoch, more.seq) > (first.epoch, first.seq)


def test_figures_that_fall_draw_a_new_number(world: World) -> None:
    citizen = world.answer({"supply": "yes"})
    [before] = make(world)
    world.store.erase(citizen, W48)
    [after] = make(world)
    assert (after.epoch, after.seq) > (before.epoch, before.seq)
    assert json.loads(after.data)["cells"]["supply"] == [[], []]


def test_the_end_of_the_week_is_news(world: World) -> None:
    world.answer({"supply": "yes"})
    [running] = make(world, RUNNING)
    [over] = make(world, OVER)
    assert json.loads(running.data)["final"] is False
    assert json.loads(over.data)["final"] is True
    assert over.seq > running.seq


class Speaking:
    """Words in French and Arabic; anything else falls back to Arabic."""

    def __init__(self, suffix: str) -> None:
        self.suffix = suffix

    def flow(self, text: Text, language: str, source: str) -> Words:
        served = language if language in ("fr", "ar") else "ar"
        return Words(f"{text.source}{self.suffix}", served)


def test_better_words_alone_do_not_send_the_figures_again(world: World) -> None:
    world.answer({"supply": "yes"})
    made = [snapshots(world.store, SENDER, OVER, W48, Speaking(suffix))[0] for suffix in ("", " (relu)")]  # type: ignore[arg-type]
    assert made[0].seq == made[1].seq
    assert "relu" in made[1].data.decode()


def test_a_fallback_is_not_a_translation() -> None:
    flow = Flow("f", 1, Text("f", "Titre"), "fr", ("fr", "ar", "zgh"), ())
    assert words(flow.title, flow, Speaking("")) == {"fr": "Titre", "ar": "Titre"}  # type: ignore[arg-type]
    assert words(flow.title, flow, None) == {"fr": "Titre"}


def test_each_week_and_version_has_its_own_snapshot(world: World) -> None:
    world.answer({"supply": "yes"}, now=W47)
    world.answer({"supply": "yes"}, now=W48)
    world.answer({"supply": "yes"}, now=W48, flow=water(2))
    made = make(world)
    assert sorted(one.period for one in made) == ["2026-W47", "2026-W48", "2026-W48"]
    assert len({(one.epoch, one.seq) for one in made}) == 3


def test_days_of_an_unset_clock_wait() -> None:
    assert weeks([UNKNOWN_DAY, f"{UNKNOWN_DAY} 3"]) == []
    assert [one.label for one in weeks(["2026-11-18", UNKNOWN_DAY], [Held("h", "2026-W01", 1, 1, "d", True)])] == [
        "2026-W01",
        "2026-W47",
    ]


def test_the_example_of_the_format_is_what_is_really_made(root: Path) -> None:
    folder = root / "tests/data/wire"
    request = json.loads((folder / "request.json").read_text())
    data = (folder / "snapshot.json").read_bytes()
    key = json.loads((folder / "key.json").read_text())
    assert canonical(json.loads(data)) == data
    assert keys(key["seed"], "oriental") == {"id": "oriental", "public_key": key["public_key"]}
    idempotency = request["headers"]["Idempotency-Key"]
    made = signed_headers(signing_key(key["seed"]), "oriental", request["method"], request["path"], data, idempotency)
    assert made == {name: value for name, value in request["headers"].items() if name != "Content-Type"}


def test_the_digest_header_is_that_of_rfc_9530() -> None:
    # the example body of RFC 9530, appendix B.2
    assert content_digest(b'{"hello": "world"}\n') == "sha-256=:RK/0qy18MlBSVnWgjwz6lZEWjP/lF5HF9bvEF8FabDg=:"


@pytest.mark.parametrize("text", ["", "abc", "A" * 44, "é" * 43, SIGNING[:-4]])
def test_an_unusable_key_is_refused_without_being_shown(text: str) -> None:
    with pytest.raises(AwalError, match=r"\[keys\]") as refused:
        signing_key(text)
    assert not text or text not in str(refused.value)


def test_a_key_in_either_base64_alphabet_is_the_same_key() -> None:
    odd = "-_" * 21 + "8="
    assert public_key(odd) == public_key(odd.replace("-", "+").replace("_", "/"))
    assert public_key(SIGNING) == PUBLIC != public_key(OTHER_SIGNING)
