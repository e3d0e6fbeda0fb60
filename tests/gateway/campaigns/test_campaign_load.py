"""Campaign files: what they may say, what is refused with its line and remedy, and the schema editors get."""

from __future__ import annotations

import json
from typing import Any

import pytest

from gateway.campaigns.keys import CAMPAIGN
from gateway.campaigns.load import load
from gateway.campaigns.plan import Audience, Campaign, Panel, Stop, Wave
from gateway.campaigns.schema import schema

HEAD = "campaign: pilot\nflow: water\nstart: 2026-12-01 09:00\n"


def problems(text: str) -> list[tuple[int, str, str]]:
    return [(one.line, one.code, f"{one.message} {one.remedy}") for one in load(text, "pilot.yaml", "pilot").problems]


def read(text: str) -> Campaign:
    loaded = load(text, "pilot.yaml", "pilot")
    assert loaded.problems == ()
    assert loaded.campaign is not None
    return loaded.campaign


def test_a_short_campaign_asks_everyone_at_once() -> None:
    assert read(HEAD) == Campaign(id="pilot", flow="water", start="2026-12-01 09:00", waves=(Wave(),))


def test_a_campaign_says_who_when_how_and_how_far() -> None:
    text = HEAD + (
        "audience: {places: [02.411, '01'], languages: [fr, ar], flow: health, when: mark <= 2, since: 90d}\n"
        "most: 500\nchannel: modem\nend: 2026-12-20 18:00\nhours: 09:30-17:00\nrest: 30d\n"
        "waves:\n- share: 12.5%\n- size: 50\n  after: 36h\n- after: 2d\n"
        "quota: {commune: 30, '02.411': 100}\n"
        "stop: {completed: 200, stopped: 5%, unclear: 30%, failed: 20%, spent: 900.50, least: 10}\n"
        "panel: {every: 14d, rounds: 6, members: same, rotate: 25%}\n"
    )
    found = read(text)
    assert found.audience == Audience(("02.411", "01"), ("fr", "ar"), "health", "mark <= 2", 90 * 86_400)
    assert found.waves == (Wave(share=0.125), Wave(size=50, after=36 * 3600), Wave(after=2 * 86_400))
    assert found.stop == Stop(200, 0.05, 0.3, 0.2, 900.5, 10)
    assert found.panel == Panel(14 * 86_400, 6, "same", 0.25)
    assert (found.quota, found.hours, found.rest) == ({"commune": 30, "02.411": 100}, "09:30-17:00", 30 * 86_400)


@pytest.mark.parametrize(
    ("text", "line", "code", "part"),
    [
        ("", 1, "F109", "holds no campaign"),
        ("# nothing\n", 1, "F109", "holds no campaign"),
        ("- a list\n", 1, "F109", "holds no campaign"),
        ("campaign: pilot\nflow: water\n", 1, "F202", "'start'"),
        (HEAD + "wavs: []\n", 4, "F201", "Did you mean 'waves'?"),
        (HEAD + "audience: {langages: [fr]}\n", 4, "F201", "Did you mean 'languages'?"),
        (HEAD + "audience: {languages: [frr]}\n", 4, "F205", "'fr'"),
        (HEAD + "audience: [fr]\n", 4, "F203", "map of keys"),
        (HEAD + "audience: {flow: health, when: mark =< 2}\n", 4, "F401", ""),
        (HEAD + "audience: {when: mark < 2}\n", 4, "C109", "Add flow:"),
        (HEAD + "audience: {places: [02.411, 02.411]}\n", 4, "F208", "twice"),
        (HEAD + "end: 2026-11-30 09:00\n", 4, "C106", "later end"),
        (HEAD + "end: 30/12/2026\n", 4, "F204", "2026-12-01 09:00"),
        (HEAD + "end: 2026-02-30 09:00\n", 4, "F204", "no date"),
        (HEAD + "hours: 18:00-09:00\n", 4, "F204", "09:00-18:00"),
        (HEAD + "waves: []\n", 4, "F203", "a list"),
        (HEAD + "waves: [{}, {after: 1d}]\n", 4, "C107", "takes all"),
        (HEAD + "waves:\n- size: 50\n- size: 10\n", 6, "C107", "after: 1d"),
        (HEAD + "waves:\n- {size: 50, after: 1d}\n", 5, "C107", "Remove after"),
        (HEAD + "waves:\n- {size: 50, share: 10%}\n", 5, "C107", "one of the two"),
        (HEAD + "waves: [{share: 60%}, {share: 50%, after: 1d}]\n", 4, "C107", "110%"),
        (HEAD + "waves: [{share: 0%}]\n", 4, "F204", "percent"),
        (HEAD + "stop: {stopped: 5}\n", 4, "F204", "percent"),
        (HEAD + "stop: {spent: many}\n", 4, "F204", "not a number"),
        (HEAD + "quota: 30\n", 4, "F203", "{commune: 30}"),
        (HEAD + "panel: {every: 14d}\n", 4, "F202", "rounds"),
        (HEAD + "panel: {every: 14d, rounds: 1}\n", 4, "F204", "from 2 to 100"),
        (HEAD + "panel: {every: 1d, rounds: 3, members: new, rotate: 5%}\n", 4, "F204", "nobody to rotate"),
        (HEAD + "most: 0\n", 4, "F204", "from 1"),
        (HEAD.replace("pilot", "Pilot"), 1, "F206", "Write pilot"),
        (HEAD.replace("pilot", "other"), 1, "C105", "campaign: pilot"),
        (HEAD + "flow: health\n", 4, "F103", "line 2"),
        (HEAD + "title: *x\n", 4, "F104", "not allowed"),
        (HEAD + "title: !!python/object:os.system x\n", 4, "F105", "not allowed"),
        (HEAD + "title: a: b\n", 4, "F101", "quotes"),
    ],
)
def test_what_is_wrong_is_told_with_its_line_and_remedy(text: str, line: int, code: str, part: str) -> None:
    found = problems(text)
    assert (line, code) in [one[:2] for one in found]
    assert any(part in said for at, one, said in found if (at, one) == (line, code))


@pytest.mark.parametrize("text", ["[" * 5000, "campaign: " + "x" * 2_000_000, "a: &a [*a]", "\ud800", "? [a]\n: b"])
def test_hostile_files_are_refused_and_do_no_harm(text: str) -> None:
    assert load(text, "pilot.yaml", "pilot").campaign is None


def test_two_files_that_say_the_same_are_one_and_any_other_is_another() -> None:
    same = read("start: '2026-12-01 09:00'\nflow: water\n# a comment\ncampaign: pilot\n")
    assert same.hash == read(HEAD).hash
    assert read(HEAD + "most: 5\n").hash != read(HEAD).hash


def test_the_schema_takes_what_the_loader_takes() -> None:
    made: dict[str, Any] = json.loads(json.dumps(schema()))
    assert made["properties"].keys() == CAMPAIGN.keys()
    assert made["required"] == ["campaign", "flow", "start"]
    assert made["additionalProperties"] is False
    assert made["properties"]["waves"]["items"]["properties"].keys() == {"size", "share", "after"}
    assert made["properties"]["audience"]["additionalProperties"] is False
