"""Dense frames: what fits one SMS, and that the platform's own decoder reads what was written."""

from __future__ import annotations

import base64
import json
import math
import os
import random
from collections import Counter
from pathlib import Path

import pytest
from frame_world import PLAIN, Body, bodies, body, link, polled, texts, width
from hypothesis import example, given, settings
from hypothesis import strategies as st
from wire_world import OTHER_SIGNING, PUBLIC, SIGNING

from flows.encoding import measure
from national import dense
from national.errors import Refused
from national.frames import Sender, read, sender, write_ack
from national.seal import Identity
from reports.frames.acks import read_ack
from reports.frames.bits import FrameError, Reader, Writer, best_code
from reports.frames.counts import code_frames, rows, sms_frames
from reports.frames.envelope import from_text
from reports.frames.layout import sms_layout
from reports.keys import signing_key

PLATFORM = Identity(bytes(range(2, 34)))
LINK = link(PLATFORM.public)
MUTATIONS = int(os.environ.get("AWAL_FRAME_MUTATIONS", "20000"))
"""How many mutated frames are tried; 100,000 were when the format was made."""


def demo() -> Sender:
    found = sender(PLATFORM.seed, "demo", "02", PUBLIC)
    assert found is not None
    return found


def unpacked(frames: list[bytes], size: int) -> dict[str, list[int]]:
    """Return the rows that the platform reads."""
    read_ = [read(text, [demo()]) for text in texts(frames)]
    return dict(dense.body_parts([one for frame in read_ for one in dense.slices(frame.payload, size)], size))


@given(bodies())
@example(body({}))
@example(body({"02": [0] * width()}))
@settings(max_examples=60, deadline=None)
def test_the_platform_reads_what_the_gateway_wrote(made: Body) -> None:
    for frames in (sms_frames(made, LINK), code_frames(made, LINK, signing_key(SIGNING))):
        assert unpacked(frames, width()) == dict(rows(made))
        for part, text in enumerate(texts(frames)):
            frame = read(text, [demo()])
            begin = dense.begin(frame.payload)
            assert begin == dense.Begin(made["epoch"], made["final"], part, len(frames))
            assert (frame.flow, frame.seq, dense.week(frame.week)) == ("5d41d585", made["seq"], "2026-W47")


@given(bodies())
@settings(max_examples=40, deadline=None)
def test_every_frame_is_one_sms(made: Body) -> None:
    for text in texts(sms_frames(made, LINK) + sms_layout(made, LINK)):
        size = measure(text)
        assert (size.encoding, size.segments) == ("GSM-7", 1)


def test_eighty_counts_fit_one_sms() -> None:
    """As in the comparison with the format of DHIS2, which needs three: log-normal counts, twenty draws."""
    rng = random.Random(1)
    shape = [(f"q{at}", "choice", 5) for at in range(16)]
    for _ in range(20):
        counts = [int(rng.lognormvariate(3, 1)) for _ in range(80)]
        made = body({"02.411.01.01": [sum(counts), sum(counts) - 3, *counts]}, shape)
        (text,) = texts(sms_frames(made, LINK))
        assert len(text) <= 160


def test_six_hundred_counts_fit_four_sms_near_the_floor() -> None:
    """Ten communes, twelve questions, five options; the floor is order-0 entropy, without walks and places."""
    made = polled(random.Random(2), [f"02.411.01.{at:02d}" for at in range(1, 20, 2)], 12, 5)
    counts = [count for _, row in rows(made) for count in row[2:]]
    floor = sum(-math.log2(times / 600) * times for times in Counter(counts).values()) / 8
    frames = sms_frames(made, LINK)
    assert len(frames) <= 4
    assert sum(len(frame) - 21 for frame in frames) < 1.4 * floor


def test_a_row_too_long_for_one_frame_goes_on_in_the_next() -> None:
    shape = [(f"q{at}", "choice", 20) for at in range(10)]
    made = body({"02": [9000, 8000, *range(100, 300)]}, shape)
    frames = sms_frames(made, LINK)
    assert len(frames) > 1
    assert unpacked(frames, width(shape)) == dict(rows(made))


def test_what_no_frame_can_say_is_refused_with_the_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("reports.frames.counts.MOST_PARTS", 3)
    many = body({f"02.411.01.{at:02d}": [10**6] * width() for at in range(10)})
    for unfit in (body({}, seq=1 << 24), many):
        with pytest.raises(FrameError, match="bundle"):
            sms_frames(unfit, LINK)


def test_the_same_frame_is_the_same_bytes_and_any_change_is_a_new_stream() -> None:
    """Nothing of two plain texts can be compared: not for one number used twice, as after a restore."""
    made = body({"02": [30, 20, *[3] * (width() - 2)]})
    other = body({"02": [31, 20, *[3] * (width() - 2)]})
    first, again, changed = (sms_frames(one, LINK)[0] for one in (made, made, other))
    assert first == again
    assert first[:13] == changed[:13]
    assert sum(one == two for one, two in zip(first[14:-8], changed[14:-8], strict=True)) < 4


def test_no_mutated_frame_is_taken() -> None:
    """Only the platform's own refusal may come out, whatever was changed."""
    made = polled(random.Random(3), ["02.411.01.01", "02.411.01.03"], 8, 5)
    sound = texts([*sms_frames(made, LINK), *sms_layout(made, LINK), *code_frames(made, LINK, signing_key(SIGNING))])
    rng, refused = random.Random(4), 0
    for at in range(MUTATIONS):
        text = mutated(sound[at % len(sound)], rng)
        if text in sound:
            continue
        with pytest.raises(Refused):
            dense.begin(read(text, [demo()]).payload)
        refused += 1
    assert refused > 0.9 * MUTATIONS


def mutated(text: str, rng: random.Random) -> str:
    """Return the text with a bit, a letter, a part or its end changed."""
    data, at = bytearray(from_text(text)), rng.randrange(len(text))
    match rng.randrange(5):
        case 0:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
            return texts([bytes(data)])[0]
        case 1:
            return text[:at] + rng.choice("ABCabc019.-+ é/") + text[at + 1 :]
        case 2:
            return text[:at]
        case 3:
            return text[:at] + text[at + rng.randrange(1, 9) :]
        case _:
            return text + rng.choice(["A", "AAAA", text])


@given(st.binary(max_size=130))
@settings(max_examples=300, deadline=None)
def test_whatever_an_authentic_payload_holds_nothing_else_is_raised(payload: bytes) -> None:
    for reads in (
        dense.begin,
        dense.piece,
        lambda data: dense.body_parts(dense.slices(data, 24), 24),
        lambda data: dense.layout([data]),
    ):
        try:
            reads(payload)
        except Refused as fault:
            assert fault.status == 422  # noqa: PT017 - not raising is right too


def test_another_gateway_another_platform_and_the_way_back_are_no_frames() -> None:
    made = body({"02": [1] * width()})
    elsewhere = Identity(bytes(32)).public
    for wrong in (link(PLATFORM.public, "other"), link(PLATFORM.public, signing=OTHER_SIGNING), link(elsewhere)):
        with pytest.raises(Refused) as fault:
            read(texts(sms_frames(made, wrong))[0], [demo()])
        assert fault.value.status == 403
    (text,) = texts(sms_frames(made, LINK))
    with pytest.raises(FrameError):
        read_ack(text, LINK)
    receipt = write_ack(demo(), 7, dense.ack(1, 0, 7, [7], {}, []))
    with pytest.raises(Refused):
        read(receipt, [demo()])


def test_a_code_signed_by_another_is_refused() -> None:
    """The tag alone could be the platform's own work: the signature must be the gateway's."""
    (text,) = texts(code_frames(body({"02": [1] * width()}), LINK, signing_key(OTHER_SIGNING)))
    with pytest.raises(Refused, match="signature"):
        read(text, [demo()])


@given(bodies(PLAIN))
@settings(max_examples=20, deadline=None)
def test_a_layout_tells_all_but_the_words(made: Body) -> None:
    pieces = [dense.piece(read(text, [demo()]).payload) for text in texts(sms_layout(made, LINK))]
    assert {one.digest for one in pieces} == {pieces[0].digest}
    told = dense.layout(one.data for one in sorted(pieces, key=lambda one: one.part))
    assert [told[name] for name in ("flow", "flow_hash", "flow_version", "sector")] == [
        made[name] for name in ("flow", "flow_hash", "flow_version", "sector")
    ]
    assert told["title"] == {"fr": "Eau potable"}
    known = ("id", "type", "measure", "conditional")
    assert [[one[name] for name in known] for one in told["questions"]] == [
        [one[name] for name in known] for one in made["questions"]
    ]
    keys = [[option["key"] for option in one["options"]] for one in made["questions"]]
    assert [[option["key"] for option in one["options"]] for one in told["questions"]] == keys


RECEIPTS = st.fixed_dictionaries(
    {
        "epoch": st.integers(0, 1000),
        "top": st.integers(15, 2**24 - 1),
        "below": st.sets(st.integers(0, 15)),
        "parts": st.dictionaries(st.integers(0, 15), st.text("01", min_size=1, max_size=8), max_size=4),
        "wanted": st.sets(st.text("0123456789abcdef", min_size=8, max_size=8), max_size=3),
    }
)


@given(RECEIPTS)
def test_the_gateway_reads_the_receipt(told: dict) -> None:
    top = told["top"]
    held = {top - one for one in told["below"]}
    parts = {top - one: map_ for one, map_ in told["parts"].items()}
    payload = dense.ack(told["epoch"], 1_795_597_200_000, top, held, parts, told["wanted"])
    text = write_ack(demo(), top, payload)
    ack = read_ack(text, LINK)
    assert (ack.epoch, ack.date, ack.held, ack.wanted) == (told["epoch"], 1_795_597_200_000, held, told["wanted"])
    assert ack.parts == {seq: {at for at, one in enumerate(map_) if one == "1"} for seq, map_ in parts.items()}
    assert measure(text).segments == 1


def test_no_altered_receipt_is_taken() -> None:
    text = write_ack(demo(), 40, dense.ack(1, 1_795_597_200_000, 40, [40, 38], {39: "101"}, ["5d41d585"]))
    rng = random.Random(5)
    for _ in range(300):
        altered = mutated(text, rng)
        if altered.strip() != text:
            with pytest.raises(FrameError):
                read_ack(altered, LINK)


@given(st.lists(st.integers(0, 10**6)), st.integers(0, 15))
def test_numbers_come_back_and_the_best_code_is_never_beaten(numbers: list[int], k: int) -> None:
    out = Writer()
    for one in numbers:
        out.golomb(one, k)
    back = Reader(out.bytes())
    assert [back.golomb(k) for _ in numbers] == numbers
    assert best_code(numbers)[0] <= out.bits


def test_the_shipped_example_is_what_both_ends_make_of_it(root: Path) -> None:
    """Whoever writes another platform reads these bytes: they change with the version of the format only."""
    wire = root / "tests/data/wire"
    example, made = (json.loads((wire / name).read_text()) for name in ("frames.json", "snapshot.json"))
    seed = base64.b64decode(json.loads((wire / "platform.json").read_text())["seed"])
    between = link(Identity(seed).public, made["gateway"])
    there = sender(seed, made["gateway"], made["region"], PUBLIC)
    assert there is not None
    assert example["shared_key"] == between.secret.hex() == there.secret.hex()
    assert texts(sms_frames(made, between)) == [example["counts"]["text"]]
    assert texts(code_frames(made, between, signing_key(SIGNING))) == [example["signed"]["text"]]
    assert dense.layout(dense.piece(read(one["text"], [there]).payload).data for one in example["layout"])
    for one in (example["counts"], *example["layout"]):
        assert from_text(one["text"]).hex() == one["frame"]
        assert read(one["text"], [there]).payload.hex() == one["payload"]
    assert read_ack(example["receipt"]["text"], between).held == {7}
