"""Campaigns on every store: drawn once, asked at most once, taken back whole, and forgotten with their citizen."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence

import pytest
from msgspec.structs import replace
from store_changes import change, conversation, message

from storage.campaigns import Asking, CampaignRow, Progress, Segments
from storage.outgoing import LATE
from storage.store import Citizen, Store

AT = 1_000
EVERYONE = ["amina", "badr", "chama", "driss"]


def known(store: Store, *citizens: str, channel: str = "sms") -> None:
    """Let citizens write, so that there is a ground and a number."""
    for citizen in citizens:
        told = change(f"x-{citizen}", conversation(f"old-{citizen}", status="done"), citizen, reach=b"sealed")
        store.accept(replace(told, inbound=replace(told.inbound, channel=channel)))


def started(store: Store, *citizens: str, name: str = "pilot") -> None:
    known(store, *citizens)
    assert store.keep_campaign(CampaignRow(name, "running", "{}", 0, AT))
    store.draw_members(name, 0, citizens)


def asking(citizen: str, wave: int = 0, at: int = AT, name: str = "pilot", closes: str = "", round: int = 0) -> Asking:
    row = message(f"m-{name}-{round}-{citizen}", citizen, channel="sms", kind="campaign", ground="wrote")
    state = replace(conversation(f"c-{name}-{round}-{citizen}", "health"), bearer="sms")
    key = f"campaign {name} {round}.{citizen}"
    return Asking(
        campaign=name,
        round=round,
        wave=wave,
        message=replace(row, created_at=at, dedupe_key=key, conversation=state.id),
        conversation=state,
        closes=closes,
    )


def states(store: Store) -> dict[str, str]:
    return {one.citizen: one.state for one in store.members("pilot", 0)}


def queued(store: Store) -> list[str]:
    return [row.citizen for row in reversed(store.outbox(("queued",)))]


def send(store: Store, now: int = AT, provider: str = "") -> None:
    for row in store.claim_outbox("sms", now, 100, 10):
        store.finish_outbox(row.id, row.fence, "accepted", now, provider_id=f"p-{row.id}")


def reply(store: Store, citizen: str, status: str = "done", events: Sequence[tuple[str, str]] = ()) -> None:
    """Let a citizen answer the campaign."""
    current = store.dialogue("sms", "", citizen).current
    assert current is not None
    told = change(f"r-{citizen}", replace(current.state, status=status), citizen, current.revision, events=events)
    row = replace(told.inbound, channel="sms", bearer="sms", received_at=AT + 1)
    stopped = Citizen(citizen, "fr", stopped_at=AT + 1 if status == "stopped" else 0)
    assert store.accept(replace(told, inbound=row, citizen=stopped)).outcome == "taken"


def test_the_first_message_opens_the_conversation_that_the_reply_belongs_to(store: Store) -> None:
    started(store, "amina")

    assert store.ask(asking("amina")) == "asked"

    current = store.dialogue("sms", "", "amina").current
    assert current is not None
    assert (current.state.id, current.state.flow, current.revision) == ("c-pilot-0-amina", "health", 1)
    (row,) = store.outbox(("queued",))
    assert (row.kind, row.citizen, row.channel) == ("campaign", "amina", "sms")
    assert states(store) == {"amina": "asked"}


def test_a_conversation_is_looked_after_and_knows_the_number_only_for_reminders(store: Store) -> None:
    started(store, "amina", "badr")
    store.ask(replace(asking("amina"), due_at=AT + 5))
    store.ask(replace(asking("badr"), due_at=AT + 9, reminds=True))

    assert store.awaited(AT + 4) == []
    assert [(one.citizen, one.recipient, one.due_at) for one in store.awaited(AT + 9)] == [
        ("amina", b"", AT + 5),
        ("badr", b"sealed", AT + 9),
    ]
    store.take_back("pilot")
    assert store.awaited(AT + 9) == []


def test_a_citizen_is_asked_once_in_a_round_whoever_asks(store: Store) -> None:
    started(store, *EVERYONE)
    outcomes: list[str] = []

    def ask_all() -> None:
        outcomes.extend(store.ask(asking(citizen)) for citizen in EVERYONE)

    threads = [threading.Thread(target=ask_all) for _ in range(3)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()

    assert sorted(outcomes) == ["asked"] * 4 + ["gone"] * 8
    assert sorted(queued(store)) == EVERYONE


def test_members_keep_the_order_of_the_draw_and_a_round_is_drawn_once(store: Store) -> None:
    started(store, "driss", "amina", "chama")

    assert store.draw_members("pilot", 0, ["badr"]) == 0
    assert [(one.citizen, one.rank) for one in store.members("pilot", 0)] == [("driss", 0), ("amina", 1), ("chama", 2)]
    assert [one.citizen for one in store.members("pilot", 0, "drawn", 2)] == ["driss", "amina"]
    assert store.draw_members("pilot", 1, ["badr"]) == 1


def test_what_was_drawn_for_a_campaign_that_never_started_makes_room(store: Store) -> None:
    store.draw_members("pilot", 0, ["amina"])
    store.draw_members("pilot", 0, ["badr", "chama"])

    assert [one.citizen for one in store.members("pilot", 0)] == ["badr", "chama"]


@pytest.mark.parametrize("state", ["waiting", "paused", "stopped", "done"])
def test_nobody_is_asked_unless_the_campaign_runs(store: Store, state: str) -> None:
    started(store, "amina")
    row = store.campaign("pilot")
    assert row is not None
    assert store.keep_campaign(replace(row, state=state))

    assert store.ask(asking("amina")) == "gone"
    assert queued(store) == []


def test_who_was_not_drawn_is_not_asked(store: Store) -> None:
    started(store, "amina")
    known(store, "badr")

    assert store.ask(asking("badr")) == "gone"
    assert store.ask(asking("amina", name="other")) == "gone"


def test_who_said_stop_is_left_out(store: Store) -> None:
    started(store, "amina")
    store.stop("amina", AT)

    assert store.ask(asking("amina")) == "skipped"
    assert states(store) == {"amina": "skipped"}
    assert (queued(store), store.dialogue("sms", "", "amina").current) == ([], None)


def test_who_is_in_the_middle_of_something_is_asked_later(store: Store) -> None:
    started(store, "amina")
    store.accept(change("y", conversation("talk"), "amina"))

    assert store.ask(asking("amina")) == "busy"
    assert states(store) == {"amina": "drawn"}
    assert store.ask(asking("amina", closes="talk")) == "asked"
    current = store.dialogue("sms", "", "amina").current
    assert current is not None
    assert current.state.id == "c-pilot-0-amina"
    assert store.counts()["open"] == 1


def test_a_conversation_that_ended_meanwhile_cannot_be_closed(store: Store) -> None:
    started(store, "amina")

    assert store.ask(asking("amina", closes="old-amina")) == "busy"
    assert queued(store) == []


def test_a_campaign_is_kept_over_what_was_read_and_over_nothing_else(store: Store) -> None:
    first = CampaignRow("pilot", "waiting", "{}", 0, AT)
    assert store.keep_campaign(first)
    assert not store.keep_campaign(first)
    read = store.campaign("pilot")
    assert read == CampaignRow("pilot", "waiting", "{}", 1, AT)
    assert store.keep_campaign(replace(read, state="running", data='{"a":"é"}'))
    assert not store.keep_campaign(replace(read, state="paused"))
    assert store.campaigns() == [CampaignRow("pilot", "running", '{"a":"é"}', 2, AT)]
    assert store.campaign("other") is None


def test_a_pause_takes_back_what_has_not_left_and_nothing_else(store: Store) -> None:
    started(store, *EVERYONE)
    for citizen in EVERYONE:
        store.ask(asking(citizen))
    (first,) = store.claim_outbox("sms", AT, 100, 1)
    store.finish_outbox(first.id, first.fence, "accepted", AT)
    (second,) = store.claim_outbox("sms", AT, 100, 1)
    reply(store, "chama", status="active")  # dialled meanwhile, say: the conversation has begun

    assert store.take_back("pilot") == 1

    assert states(store) == {"amina": "asked", "badr": "asked", "chama": "asked", "driss": "drawn"}
    assert store.dialogue("sms", "", "driss").current is None
    assert store.finish_outbox(second.id, second.fence, "accepted", AT)
    assert store.ask(asking("driss")) == "asked"  # after the pause, and once again only once
    assert store.ask(asking("driss")) == "gone"


def test_what_a_dead_sender_may_have_sent_is_not_taken_back(store: Store) -> None:
    started(store, "amina")
    store.ask(asking("amina"))
    store.claim_outbox("sms", AT, 100, 1)
    store.claim_outbox("sms", AT + 200, 100, 0)

    assert store.take_back("pilot", late=True) == store.take_back("pilot") == 0
    assert states(store) == {"amina": "asked"}
    assert store.outbox(("dead",))[0].lost == 1


def test_what_came_too_late_is_asked_again(store: Store) -> None:
    started(store, "amina", "badr")
    late = asking("amina")
    store.ask(replace(late, message=replace(late.message, not_after=AT + 10)))
    store.ask(asking("badr"))
    store.claim_outbox("sms", AT + 20, 100, 0)
    assert [row.last_error for row in store.outbox(("dead",))] == [LATE]

    assert store.take_back("pilot", late=True) == 1
    assert states(store) == {"amina": "drawn", "badr": "asked"}
    assert store.ask(asking("amina", at=AT + 30)) == "asked"


def test_members_who_cannot_be_reached_are_left_out_for_good(store: Store) -> None:
    started(store, "amina", "badr")
    store.ask(asking("badr"))

    assert store.skip_members("pilot", 0, ["amina", "badr", "nobody"], "cannot be reached") == 1
    assert [(one.state, one.reason) for one in store.members("pilot", 0, "skipped")] == [
        ("skipped", "cannot be reached")
    ]


def test_progress_tells_what_became_of_each_wave(store: Store) -> None:
    started(store, *EVERYONE)
    for citizen in EVERYONE[:3]:
        store.ask(asking(citizen))
    send(store)
    store.receipt("sms", "p-m-pilot-0-amina", "delivered", "", AT)
    store.receipt("sms", "p-m-pilot-0-badr", "failed", "unknown number", AT)
    reply(store, "amina", events=[("unclear", "supply")])
    reply(store, "chama", status="stopped")

    assert store.progress("pilot") == [
        Progress(0, -1, drawn=1),
        Progress(0, 0, asked=3, sent=2, delivered=1, failed=1, answered=2, completed=1, stopped=1, unclear=1),
    ]
    assert store.progress("other") == []


def test_a_conversation_is_open_until_its_message_failed_or_it_waited_too_long(store: Store) -> None:
    started(store, "amina", "badr")
    store.ask(asking("amina"))
    store.ask(asking("badr", at=AT + 50))

    assert [one.open for one in store.progress("pilot")] == [2]
    assert [one.open for one in store.progress("pilot", AT + 1)] == [1]
    store.discard_outbox("m-pilot-0-badr", AT)
    assert [one.open for one in store.progress("pilot", AT + 1)] == [0]


def test_segments_are_those_of_the_whole_conversation(store: Store) -> None:
    started(store, "amina", "badr")
    store.ask(asking("amina"))
    send(store)
    store.ask(asking("badr"))
    current = store.dialogue("sms", "", "amina").current
    assert current is not None
    question = replace(message("q", "amina", channel="sms"), segments=2, conversation=current.state.id, kind="question")
    told = change("r", current.state, "amina", current.revision, outbound=[question])
    store.accept(replace(told, inbound=replace(told.inbound, channel="sms", bearer="sms")))
    send(store, AT + 1)

    assert store.campaign_segments("pilot") == {"sms": Segments(sent=4, waiting=0, received=1)}
    assert store.campaign_segments("other") == {}


def test_who_was_asked_lately_by_any_campaign_is_known(store: Store) -> None:
    started(store, "amina", "badr")
    store.ask(asking("amina"))
    send(store)
    reply(store, "amina")
    store.keep_campaign(CampaignRow("next", "running", "{}", 0, AT))
    store.draw_members("next", 0, ["amina"])
    assert store.ask(asking("amina", name="next", at=AT + 500)) == "asked"

    asked: Mapping[str, int] = store.last_asked(0)
    assert asked == {"amina": AT + 500}
    assert store.last_asked(AT + 501) == {}


def test_the_number_of_who_begins_is_kept_until_a_stop_or_an_erasure_or_its_time(store: Store) -> None:
    known(store, *EVERYONE)
    assert [one.citizen for one in store.reached()] == EVERYONE
    assert [one.citizen for one in store.reached("amina", 2)] == ["badr", "chama"]
    assert (store.reached()[0].number, store.reached()[0].channel) == (b"sealed", "sms")

    store.stop("amina", AT)
    store.erase("badr", AT)
    assert [one.citizen for one in store.reached()] == ["chama", "driss"]
    begin = change("again", conversation("new", "water"), "amina")  # who writes again is back, without a number
    store.accept(begin)
    assert [one.citizen for one in store.reached()] == ["chama", "driss"]

    assert store.forget_numbers(AT) == 0
    assert store.forget_numbers(AT + 1) == 2
    assert store.reached() == []


def test_the_newest_number_and_channel_win(store: Store) -> None:
    known(store, "amina")
    told = change("x2", conversation("c2", "health"), "amina", reach=b"other")
    store.accept(replace(told, inbound=replace(told.inbound, channel="modem")))

    assert [(one.number, one.channel) for one in store.reached()] == [(b"other", "modem")]


def test_a_forgotten_citizen_was_never_drawn_and_my_data_tells_of_campaigns(store: Store) -> None:
    started(store, "amina", "badr")
    store.ask(asking("amina"))
    mine = store.mydata("amina")
    assert mine["reached"]
    (drawn,) = mine["campaigns"]  # type: ignore[misc]
    assert (drawn["campaign"], drawn["state"]) == ("pilot", "asked")

    store.erase("amina", AT)

    assert states(store) == {"badr": "drawn"}
    assert store.mydata("amina")["campaigns"] == []
    assert store.last_asked(0) == {}
    assert store.ask(asking("amina")) == "gone"
