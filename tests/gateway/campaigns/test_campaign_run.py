"""How a campaign runs: the lot, waves, quotas, hours, money, stop rules, panels, replies that find their question."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from campaign_world import CAMPAIGN, Campaigner

from flows.errors import AwalError
from storage.store import Change, Citizen, Consent, InboundRow

Make = Callable[..., Campaigner]


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made: list[Campaigner] = []

    def build(more: str = "", citizens: int = 6, **rest: str) -> Campaigner:
        one = Campaigner(tmp_path / f"p{len(made)}", campaign=CAMPAIGN + more, **rest)
        made.append(one)
        one.wrote(citizens)
        return one

    yield build
    for one in made:
        one.close()


def kinds(on: Campaigner) -> list[str]:
    return [row.kind for row in on.project.store.outbox(limit=1000)]


# who -----------------------------------------------------------------------------------------------------------
def test_who_is_previewed_is_who_is_asked_in_that_order(make: Make) -> None:
    from gateway.campaigns.files import campaign
    from gateway.campaigns.preview import preview

    on = make("most: 4\n")
    drawn = [one.citizen for one in preview(on.project, campaign(on.project, "pilot"), on.watch.at).members]
    assert drawn == [one.citizen for one in preview(on.project, campaign(on.project, "pilot"), on.watch.at).members]

    on.do("start")
    on.at("2026-11-24 09:00")
    on.tick()

    assert on.asked() == drawn
    assert len(set(drawn)) == 4


def test_the_lot_is_not_the_order_of_the_pseudonyms(make: Make) -> None:
    on = make(citizens=8)
    on.do("start")
    members = [one.citizen for one in on.project.store.members("pilot", 0)]
    assert sorted(members) == sorted(on.pseudonym(at) for at in range(8))
    assert members != sorted(members)


def test_an_audience_is_cut_by_place_language_and_past_answer(make: Make) -> None:
    on = make(citizens=0)
    on.wrote(3, mark="2")
    on.wrote(4, mark="5", first=10)
    for more, size in (
        ("audience: {places: [02.411]}\n", 7),
        ("audience: {places: ['02']}\n", 7),
        ("audience: {places: [02.381]}\n", 0),
        ("audience: {languages: [fr]}\n", 7),
        ("audience: {languages: [ar]}\n", 0),
        ("audience: {flow: water, when: satisfaction <= 2}\n", 3),
        ("audience: {flow: water, when: not answered(problem)}\n", 4),
        ("audience: {flow: health}\n", 0),
    ):
        on.file(CAMPAIGN + more)
        assert on.preview()["citizens"] == size, more


def test_the_newest_conversation_counts_and_not_for_ever(make: Make) -> None:
    on = make("audience: {flow: water, when: satisfaction <= 2, since: 2d}\n", citizens=0)
    on.wrote(1, mark="1")
    assert on.preview()["citizens"] == 1
    on.later(3 * 24 * 60)
    assert on.preview()["citizens"] == 0


def test_who_said_stop_before_or_after_the_draw_is_not_asked(make: Make) -> None:
    on = make(citizens=4)
    on.world.sms("STOP", on.phone(0))
    assert on.preview()["citizens"] == 3
    on.do("start")
    on.world.sms("STOP", on.phone(1))
    on.project.store.erase(on.pseudonym(2), on.watch.at)
    on.at("2026-11-24 09:00")
    found = on.tick()

    assert on.asked() == [on.pseudonym(3)]
    assert (found["asked"], found["skipped"], found["drawn"]) == (1, 1, 0)


def test_who_was_brought_in_is_asked_on_the_ground_of_the_proof(make: Make) -> None:
    on = make(citizens=0)
    phones = on.project.phones
    number = "+212661999888"
    proof = Consent(phones.pseudonym(number), 1, "imported", "", "Inscription", "p. 7", "ar", "", phones.seal(number))
    on.project.store.bring_in([proof])
    on.do("start")
    on.at("2026-11-24 09:00")
    on.tick()

    (row,) = on.project.store.outbox()
    assert (row.kind, row.citizen) == ("campaign", phones.pseudonym(number))
    assert row.text.startswith("إدارتكم تراسلكم (Inscription). للرفض: توقف\n")


def test_a_number_that_no_unasked_message_may_go_to_is_left_out(make: Make) -> None:
    on = make(citizens=2)
    on.world.water("5", "+33612345678")
    on.world.water("5", "+212522334455")  # a landline
    assert on.preview()["citizens"] == 2


def test_who_shares_a_phone_is_not_betrayed_to_its_owner(make: Make) -> None:
    on = make(citizens=1)
    sealed = on.project.phones.seal(on.phone(0))
    row = InboundRow("i", "simulator", "i", "somebody-else", "sms", "", on.watch.at)
    person = Citizen("somebody-else", "fr", consented_at=1)
    on.project.store.accept(Change(inbound=row, reply=b"", citizen=person, reach=sealed))
    assert [one.citizen for one in on.project.store.reached()] == sorted([on.pseudonym(0), "somebody-else"])
    assert on.preview()["citizens"] == 1


def test_quotas_hold_for_each_place_and_need_one(make: Make) -> None:
    on = make("quota: {commune: 2}\n", citizens=5)
    assert on.preview()["citizens"] == 2
    on.file(CAMPAIGN + "quota: {'02.411': 3, '02.381': 1}\n")
    assert on.preview()["citizens"] == 3
    on.world.sms("EAU", on.phone(50))  # has told no place
    on.file(CAMPAIGN + "quota: {region: 100}\n")
    assert on.preview()["citizens"] == 5


def test_who_was_asked_lately_by_any_campaign_rests(make: Make) -> None:
    on = make(citizens=3)
    on.do("start")
    on.at("2026-11-24 09:00")
    on.tick()
    on.file("campaign: next\nflow: health\nstart: 2026-11-25 09:00\nrest: 2d\n", "next")
    assert on.preview("next")["citizens"] == 0
    on.later(49 * 60)
    assert on.preview("next")["citizens"] == 3


def test_only_who_agreed_to_take_part_can_be_reached_later(make: Make) -> None:
    on = make(citizens=0)
    on.world.sms("EAU", on.phone(0))
    assert on.preview()["citizens"] == 0  # has not been asked yet
    on.world.sms("3", on.phone(0))
    on.world.sms("2", on.phone(0))
    assert on.preview()["citizens"] == 0  # refused
    on.later(1)
    on.world.sms("EAU", on.phone(1))
    on.world.sms("3", on.phone(1))
    on.world.sms("1", on.phone(1))
    assert on.preview()["citizens"] == 1


def test_numbers_are_kept_no_longer_than_the_settings_say(make: Make) -> None:
    from gateway.jobs import forget_numbers

    on = make(citizens=2, settings="[campaigns]\nkeep_numbers = 30")
    on.later(31 * 24 * 60)
    forget_numbers(on.project, "slot")
    assert on.preview()["citizens"] == 0

    off = make(citizens=2, settings="[campaigns]\nkeep_numbers = 0")
    assert off.preview()["citizens"] == 0


# money and time ------------------------------------------------------------------------------------------------
def test_the_preview_prices_the_messages_and_counts_the_places(make: Make) -> None:
    on = make("waves: [{size: 2}, {after: 2d}]\n", citizens=12, channel="rate = 0.05")
    found = on.preview()
    assert (found["citizens"], found["languages"], found["channels"]) == (12, {"fr": 12}, {"simulator": 12})
    assert found["segments"]["least"] == 12
    assert found["money"]["MAD"]["least"] == 6
    assert found["segments"]["least"] < found["segments"]["expected"] < found["segments"]["worst"]
    assert [wave["citizens"] for wave in found["waves"]] == [2, 10]
    assert found["waves"][0]["begins"] == "2026-11-24 09:00"
    assert found["waves"][1]["begins"] == "2026-11-26 09:00"
    assert found["ends"] == found["waves"][1]["sent_by"] == "2026-11-26 09:04"  # ten segments, three a minute
    assert found["places"] == [{"place": "02.411", "name": "Oujda-Angad", "citizens": None}]


def test_small_counts_of_places_are_held_back_from_whoever_looks(make: Make) -> None:
    from gateway.campaigns.files import campaign
    from gateway.campaigns.preview import preview

    on = make(citizens=12)
    found = preview(on.project, campaign(on.project, "pilot"), on.watch.at)
    assert found.places("province") == {"02.411": None}  # all in one place: who is asked there would be told
    assert found.places("province", k=0) == {"02.411": 12}


def test_duration_waits_for_decent_hours_and_budgets(make: Make) -> None:
    on = make("hours: 09:00-09:10\n", citizens=6, channel="rate = 0.0084")  # about half a segment a minute
    assert on.preview()["ends"] == "2026-11-25 09:02"
    budget = make("", citizens=6, channel="budget_day = 4")
    assert budget.preview()["ends"] == "2026-11-25 08:01"
    never = make("end: 2026-11-24 12:00\n", citizens=6, channel="budget_day = 4")
    assert never.preview()["ends"] is None


def test_nobody_is_asked_before_the_start_outside_the_hours_or_in_quiet_ones(make: Make) -> None:
    on = make("hours: 07:00-22:30\n")
    on.do("start")
    for civil in ("2026-11-24 08:59", "2026-11-24 22:00", "2026-11-25 07:30"):
        on.at(civil)
        assert on.tick()["asked"] == 0, civil
    on.at("2026-11-25 08:00")
    assert on.tick()["asked"] == 6


def test_what_was_not_sent_when_the_hours_end_is_asked_the_next_day(make: Make) -> None:
    on = make("hours: 09:00-12:00\n")
    on.do("start")
    on.at("2026-11-24 11:59")
    assert on.tick()["asked"] == 6
    assert on.send(2) == 2
    on.at("2026-11-24 12:00")
    found = on.tick()
    assert (found["asked"], found["drawn"], found["waiting"]) == (2, 4, 0)
    on.at("2026-11-25 09:00")
    assert on.tick()["asked"] == 6
    assert len(set(on.asked())) == 6


def test_no_more_is_queued_than_a_minute_of_the_channel(make: Make) -> None:
    on = make(citizens=15, channel="rate = 0.2")
    on.do("start")
    on.at("2026-11-24 09:00")
    assert on.tick()["asked"] == 12
    assert on.tick()["asked"] == 12
    on.send(5)
    assert on.tick()["asked"] == 15


def test_spending_never_passes_its_cap(make: Make) -> None:
    on = make("stop: {spent: 9}\n", citizens=8)
    on.do("start")
    on.at("2026-11-24 09:00")
    found = on.tick()
    assert found["asked"] == 2  # as many as the money lasts for, should all take the dearest path
    answered: set[int] = set()
    while found["state"] == "running":
        on.send()
        asked = [number for number in range(8) if on.pseudonym(number) in on.asked()]
        for number in set(asked) - answered:
            on.answers(number)
            answered.add(number)
        on.later(1)
        found = on.tick()
    assert found["state"] == "stopped"
    assert "money does not last" in found["reason"]
    assert (found["asked"], found["completed"]) == (len(answered), len(answered))
    assert 2 < found["asked"] < 8
    assert found["spent"] <= 9


# waves and rules -----------------------------------------------------------------------------------------------
def test_a_pilot_goes_first_and_the_rest_after_its_time(make: Make) -> None:
    on = make("waves: [{size: 2}, {after: 2d}]\n")
    on.do("start")
    on.at("2026-11-24 09:00")
    assert on.tick()["asked"] == 2
    on.send()
    on.at("2026-11-26 08:59")
    assert on.tick()["asked"] == 2
    on.at("2026-11-26 09:00")
    found = on.tick()
    assert [(one["wave"], one["asked"]) for one in found["each"]] == [(1, 2), (2, 4)]


@pytest.mark.parametrize(
    ("rule", "answers", "part"),
    [("stopped: 50%", ("STOP", "STOP"), "said stop"), ("unclear: 50%", ("blabla", "quoi"), "understood")],
)
def test_a_stop_rule_ends_it_before_the_others_are_asked(
    make: Make, rule: str, answers: tuple[str, ...], part: str
) -> None:
    on = make(f"waves: [{{size: 3}}, {{after: 1d}}]\nstop: {{{rule}, least: 3}}\n")
    on.do("start")
    on.at("2026-11-24 09:00")
    on.tick()
    on.send()
    asked = [number for number in range(6) if on.pseudonym(number) in on.asked()]
    for number, answer in zip(asked, answers, strict=False):
        on.world.sms(answer, on.phone(number))
    on.at("2026-11-25 09:00")
    found = on.tick()
    assert found["state"] == "stopped"
    assert "2 of 3 citizens" in found["reason"]
    assert part in found["reason"]
    assert found["asked"] == 3


def test_too_many_failures_end_it(make: Make) -> None:
    on = make("waves: [{size: 3}, {after: 1d}]\nstop: {failed: 50%, least: 3}\n")
    on.do("start")
    on.at("2026-11-24 09:00")
    on.tick()
    for row in on.project.store.claim_outbox("simulator", on.watch.at, 100, 2):
        on.project.store.finish_outbox(row.id, row.fence, "failed", on.watch.at, error="no such number")
    on.at("2026-11-25 09:00")
    assert on.tick()["state"] == "stopped"
    assert on.project.store.outbox(("queued",)) == []


def test_enough_answers_end_it_and_what_waits_is_taken_back(make: Make) -> None:
    on = make("stop: {completed: 2}\n")
    on.do("start")
    on.at("2026-11-24 09:00")
    on.tick()
    on.send(3)
    heard = [number for number in range(6) if on.pseudonym(number) in on.asked()[:3]]
    for number in heard[:2]:
        on.answers(number)
    on.tick()
    on.later(3 * 24 * 60)
    found = on.tick()
    assert (found["state"], found["completed"], found["reason"]) == ("done", 2, "enough have answered")
    assert found["drawn"] > 0


def test_the_end_of_the_campaign_is_its_end(make: Make) -> None:
    on = make("end: 2026-11-24 10:00\n")
    on.do("start")
    on.at("2026-11-24 09:59")
    on.tick()
    on.send(2)
    on.at("2026-11-24 10:00")
    found = on.tick()
    assert (found["state"], found["asked"], found["drawn"]) == ("done", 2, 4)


def test_it_is_done_when_all_were_asked_and_nobody_is_to_answer_any_more(make: Make) -> None:
    on = make(citizens=2)
    on.do("start")
    on.at("2026-11-24 09:00")
    on.tick()
    on.send()
    assert on.tick()["state"] == "running"
    on.later(3 * 24 * 60)
    assert on.tick()["state"] == "done"


# replies -------------------------------------------------------------------------------------------------------
def test_a_bare_reply_answers_the_first_question(make: Make) -> None:
    on = make(citizens=1)
    on.do("start")
    on.at("2026-11-24 09:00")
    on.tick()
    on.send()
    for answer in ("2", "12", "5", "Oujda"):
        on.later(1)
        on.world.sms(answer, on.phone(0))
    answers = {row.step: row.value for row in on.project.store.answers("water", on.watch.at - 3_600_000)}
    assert (answers["supply"], answers["hours"], answers["satisfaction"]) == ("no", 12, 5)
    found = on.status()
    assert (found["answered"], found["completed"], found["open"]) == (1, 1, 0)


def test_who_is_in_the_middle_of_a_conversation_is_asked_when_it_is_over(make: Make) -> None:
    on = make("waves: [{size: 1}, {after: 1d}]\n", citizens=0)
    on.wrote(1)
    on.at("2026-11-24 08:30")
    on.world.sms("SANTE", on.phone(0))
    on.file(CAMPAIGN)
    on.do("start")
    on.at("2026-11-24 09:00")
    assert (on.tick()["asked"], on.status()["drawn"]) == (0, 1)
    on.at("2026-11-26 09:00")  # nobody goes on with it any more
    assert on.tick()["asked"] == 1


@pytest.mark.parametrize(("say", "reminded"), [("yes", 1), ("no", 0)])
def test_who_does_not_answer_is_reminded_where_the_campaign_says_so(make: Make, say: str, reminded: int) -> None:
    on = make(f"reminders: {say}\n", citizens=1)
    on.do("start")
    on.at("2026-11-24 09:00")
    on.tick()
    on.send()
    for hour in range(72):
        on.later(60)
        if 8 <= hour % 24 < 12:
            on.project.follower.look(on.watch.at)
            on.send()
    assert min(kinds(on).count("reminder"), 1) == reminded
    assert on.tick()["state"] == "done"


# a panel -------------------------------------------------------------------------------------------------------
def rounds(on: Campaigner) -> list[set[str]]:
    return [{one.citizen for one in on.project.store.members("pilot", round)} for round in range(3)]


def walk(on: Campaigner) -> None:
    on.do("start")
    for day in (24, 28, 32):
        on.at("2026-11-24 09:00")
        on.later((day - 24) * 24 * 60)
        on.tick()
        on.tick()
        on.send()


def test_a_panel_asks_the_same_citizens_again(make: Make) -> None:
    on = make("most: 4\npanel: {every: 4d, rounds: 3}\n", citizens=8)
    walk(on)
    first, second, third = rounds(on)
    assert first == second == third
    assert len(on.asked()) == 12


def test_a_panel_renews_a_part_of_itself(make: Make) -> None:
    on = make("most: 4\npanel: {every: 4d, rounds: 3, rotate: 25%}\n", citizens=12)
    walk(on)
    first, second, third = rounds(on)
    assert [len(one) for one in (first, second, third)] == [4, 4, 4]
    assert (len(first & second), len(second & third)) == (3, 3)


def test_a_panel_of_new_citizens_asks_others_and_nobody_before_their_rest(make: Make) -> None:
    on = make("most: 4\npanel: {every: 4d, rounds: 3, members: new}\n", citizens=12)
    on.file(CAMPAIGN.replace("rest: 0", "rest: 30d") + "most: 4\npanel: {every: 4d, rounds: 3, members: new}\n")
    walk(on)
    first, second, third = rounds(on)
    assert [len(one) for one in (first, second, third)] == [4, 4, 4]
    assert first | second | third == {on.pseudonym(at) for at in range(12)}


# two people ----------------------------------------------------------------------------------------------------
def test_above_the_threshold_nothing_is_sent_before_a_second_person_signs(make: Make) -> None:
    on = make(settings="[campaigns]\nthreshold = 5")
    with pytest.raises(AwalError, match="say who starts it"):
        on.do("start")
    assert on.do("start", "amina")["state"] == "waiting"
    on.at("2026-11-24 09:00")
    assert on.tick()["asked"] == 0
    with pytest.raises(AwalError, match="amina has signed already"):
        on.do("approve", "amina")
    found = on.do("approve", "brahim")
    assert (found["state"], found["approved_by"]) == ("running", ["amina", "brahim"])
    assert on.tick()["asked"] == 6


@pytest.mark.parametrize("what", ["file", "flow"])
def test_a_change_before_the_second_signature_voids_the_first(make: Make, what: str) -> None:
    on = make(settings="[campaigns]\nthreshold = 5")
    on.do("start", "amina")
    if what == "file":
        on.file(CAMPAIGN + "most: 6\n")
    else:
        path = on.folder / "flows" / "water.yaml"
        path.write_text(path.read_text().replace("chaque jour", "tous les jours"))
        on.project.reload_flows()
    with pytest.raises(AwalError, match="void"):
        on.do("approve", "brahim")
    found = on.status()
    assert (found["state"], found["approved_by"]) == ("stopped", [])
    on.at("2026-11-24 09:00")
    assert on.tick()["asked"] == 0


def test_a_change_while_it_runs_changes_nothing_of_what_was_approved(make: Make) -> None:
    on = make("waves: [{size: 2}, {after: 1d}]\n")
    on.do("start")
    on.file(CAMPAIGN + "most: 1\n")
    on.at("2026-11-24 09:00")
    on.tick()
    on.at("2026-11-25 09:00")
    found = on.tick()
    assert (found["asked"], found["changed"]) == (6, True)


def test_a_campaign_is_started_once(make: Make) -> None:
    on = make()
    on.do("start")
    with pytest.raises(AwalError, match="running already"):
        on.do("start")
    on.do("stop")
    with pytest.raises(AwalError, match="name of its own"):
        on.do("start")
    for act in ("pause", "resume", "stop", "approve"):
        with pytest.raises(AwalError, match="pilot"):
            on.do(act, "amina" if act == "approve" else "")


def test_a_campaign_that_cannot_go_on_tells_once_and_keeps_no_other_waiting(make: Make) -> None:
    on = make()
    on.file("campaign: apart\nflow: water\nstart: 2026-11-24 09:00\nrest: 0\nchannel: twilio\n", "apart")
    on.do("start")
    on.do("stop")
    on.file("campaign: later\nflow: water\nstart: 2026-11-24 09:00\nrest: 0\n", "later")
    on.do("start", name="apart")
    on.do("start", name="later")
    on.at("2026-11-24 09:00")
    channels = dict(on.project.channels)
    del channels["twilio"]
    on.project.channels = channels  # type: ignore[misc]
    for _ in range(3):
        on.tick()
    assert on.status("later")["asked"] == 6
    told = [detail for _, kind, detail in on.project.store.events() if kind == "campaign" and "apart: awal" in detail]
    assert len(told) == 1


def test_nobody_to_ask_starts_nothing(make: Make) -> None:
    with pytest.raises(AwalError, match="nobody fits"):
        make(citizens=0).do("start")
