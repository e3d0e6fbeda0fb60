"""What a flow costs: every figure below is worked out by hand, or held to what the documents say."""

import re
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flows.budget import SESSION, SLOW, USUAL, Prices, Tally, estimate, estimates, letters, saving
from flows.encoding import BASIC, GSM7, bare, segments, thrifty
from flows.engine import step
from flows.load import load
from flows.paths import explore
from flows.types import Conversation, Inbound
from locales.catalogue import Catalogues

ROOM = Path(__file__).resolve().parent.parent.parent / "flows"
TEXTS = Catalogues()
NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)
HEAD = "flow: essai\ntitle: Essai\nlanguage: fr\nkeywords: [ESSAI]\n"
TWO = (
    "- id: a\n  ask: Avez-vous de l'eau ?\n  type: yes_no\n"
    '- when: a == "no"\n  end: Merci.\n'
    "- id: b\n  ask: Combien de jours ?\n  type: integer\n  min: 1\n  max: 365\n- say: Merci bien.\n"
)
SHIPPED = {
    path.stem: load(path.read_text("utf-8"), path.name).flow
    for path in sorted((ROOM / "surveys").glob("*.yaml"))
    if not path.name.endswith(".test.yaml")
}


def flow_of(steps, head=HEAD):
    loaded = load(f"{head}steps:\n{steps}", "f.yaml")
    assert loaded.flow, loaded.problems
    return loaded.flow


def cost(steps, bearer, head=HEAD, language="fr"):
    return estimate(explore(flow_of(steps, head), TEXTS, language, bearer))


# paths ---------------------------------------------------------------------------------------------------------
def test_a_session_is_counted_in_screens_keys_and_seconds():
    found = cost(TWO, "ussd")
    cheapest, usual, worst = found.paths
    assert (cheapest.answers, cheapest.tally.screens) == (("a: no",), 2)
    assert cheapest.tally.seconds == 2 * USUAL.screen + USUAL.key
    assert (usual.answers, usual.tally.screens) == (("a: yes", "b: 183"), 3)
    assert usual.tally.seconds == 3 * USUAL.screen + (1 + 3) * USUAL.key
    assert worst.tally.seconds == 3 * SLOW.screen + (1 + 3) * SLOW.key
    assert found.mean.screens == 2.5
    assert (found.first.screens, found.first.seconds) == (1, SLOW.screen + SLOW.key), (
        "consent; one language is no question"
    )
    assert found.seconds("worst") == worst.tally.seconds + found.first.seconds


def test_messages_are_counted_both_ways_the_keyword_too():
    found = cost(TWO, "sms")
    assert [(path.tally.sent, path.tally.received) for path in found.paths] == [(2, 2), (3, 3), (3, 3)]
    assert (found.mean.sent, found.mean.received) == (2.5, 2.5)
    assert (found.first.sent, found.first.received) == (1, 1)


def test_a_long_text_costs_each_of_its_segments():
    text = "- id: q\n  ask: Quoi ?\n  type: text\n- say: " + "mot " * 60 + "\n"
    found = cost(text, "sms")
    assert found.path("cheapest").tally.sent == 1 + 2
    assert cost(text, "ussd").path("worst").answers == ("q: 160 letters",)


def test_pages_are_paid_by_their_keys():
    """Nine long options take three pages; the last one is chosen on the third."""
    options = ", ".join(f"o{at}: Une option assez longue numero {at}" for at in range(9))
    found = cost(f"- id: q\n  ask: Lequel ?\n  type: choice\n  options: {{{options}}}\n- say: Merci\n", "ussd")
    assert found.path("cheapest").tally.screens == 2
    worst = found.path("worst").tally
    assert worst.screens == 3 + 1
    assert worst.seconds == 4 * SLOW.screen + (2 + 1) * SLOW.key


def test_a_flow_that_cannot_end_has_no_price():
    loop = TWO.replace("- say: Merci bien.\n", "- go: b\n  when: b >= 1\n").replace(
        '- when: a == "no"\n  end: Merci.\n', ""
    )
    assert cost(loop, "ussd") is None
    assert estimates(flow_of(loop), TEXTS) == []


def test_money_comes_from_the_prices_of_a_channel():
    prices = Prices(sms=0.25, inbound=0.1, session=0.4)
    assert Tally("sms", sent=4, received=3).price(prices) == pytest.approx(1.3)
    assert Tally("ussd", screens=20, seconds=100).price(prices) == 0.4


BOTH = HEAD + "legal: {ground: consent}\nreceipt: sms\n"
CROSSING = (
    "- id: urgent\n  ask: Est-ce urgent ?\n  type: yes_no\n"
    '- id: detail\n  ask: Racontez.\n  type: text\n  by: sms\n  when: urgent == "yes"\n'
    "- id: mark\n  ask: Note ?\n  type: rating\n- say: Merci.\n"
)


def crossing(steps=CROSSING, head=BOTH, **more):
    return estimate(explore(flow_of(steps, head), TEXTS, "fr", "ussd", sms=True, **more))


def test_a_conversation_that_goes_on_by_sms_is_paid_for_both():
    """Urgent: two screens by USSD, then the question, its reply, the mark and the last words by SMS."""
    found = crossing()
    usual, dearest = found.path("usual"), found.path("dearest")
    assert usual.answers[:2] == ("urgent: yes", "detail: 40 letters")
    assert (usual.tally.screens, usual.tally.sent, usual.tally.received) == (2, 3, 2)
    assert usual.tally.seconds == 2 * USUAL.screen + USUAL.key, "what is typed by SMS takes no session's time"
    assert dearest.answers[1] == "detail: 459 letters"
    assert (dearest.tally.sent, dearest.tally.received) == (3, 4)
    prices = Prices(sms=0.25, inbound=0.1, session=0.4)
    assert usual.tally.price(prices) == pytest.approx(0.4 + 3 * 0.25 + 2 * 0.1)


def test_a_receipt_that_goes_out_by_sms_is_paid_besides_the_session():
    """Not urgent: three screens by USSD, and one SMS with the number."""
    worst = crossing().path("worst")
    assert worst.answers[0] == "urgent: no"
    assert (worst.tally.screens, worst.tally.sent, worst.tally.received) == (3, 1, 0)
    skipped = "- id: mark\n  ask: Note ?\n  type: rating\n  optional: yes\n- say: Merci.\n"
    assert crossing(skipped).path("cheapest").tally.sent == 0, "who has answered nothing gets no number"


def test_where_no_sms_can_be_sent_all_is_paid_by_ussd():
    flow = flow_of(CROSSING, BOTH)
    for found in (cost(CROSSING, "ussd", BOTH), estimates(flow, TEXTS, sms=False)[0]):
        assert (found.path("worst").tally.sent, found.path("worst").tally.screens) == (0, 4)
        assert [path.case for path in found.paths] == ["cheapest", "usual", "worst"]
    assert [path.case for path in estimates(flow, TEXTS)[0].paths][-1] == "dearest"
    assert [path.case for path in estimates(flow_of(TWO), TEXTS)[0].paths][-1] == "worst", "it never leaves USSD"


def test_a_first_contact_opens_no_session_of_its_own():
    found = crossing()
    assert found.first.price(Prices(session=0.4)) == 0
    assert found.mean.price(Prices(session=0.4)) == 0.4


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_flow_fits_a_session_for_the_usual_citizen(name):
    found = estimates(SHIPPED[name], TEXTS)
    assert {(one.language, one.bearer) for one in found} == {
        (language, bearer) for language in SHIPPED[name].languages for bearer in ("ussd", "sms")
    }
    for one in found:
        assert one.complete
        if one.bearer == "ussd":
            assert one.seconds("cheapest") <= one.seconds("usual") <= SESSION
            assert one.seconds("usual") <= one.seconds("worst")
        else:
            least, _, most = (path.tally.sent + path.tally.received for path in one.paths)
            assert least <= one.mean.sent + one.mean.received <= most


# letters -------------------------------------------------------------------------------------------------------
def test_the_letters_that_cost_are_named_with_what_to_write():
    steps = "- say: Vous êtes entendu là-bas. Le goût de l'eau est noté, et la commune répondra.\n"
    found = dict(letters(flow_of(steps), TEXTS))
    assert found["sms"].letters == ("ê", "û")
    assert found["sms"].instead == "e for ê, u for û"
    assert (found["sms"].before, found["sms"].after) == (2, 1)
    assert letters(flow_of(steps, HEAD + "fold: accents\n"), TEXTS) == []
    assert letters(flow_of("- say: Été où ça coûte.\n"), TEXTS) == [], "one SMS either way"


@given(st.text(st.sampled_from(sorted(BASIC) + list("âêîôûëïçÀÈœŒ’«»…ماءⴰ€[ḍɣ½\u200b")), max_size=200))
def test_bare_letters_never_cost_more_and_gsm_letters_stay(text):
    folded = bare(text)
    assert segments(thrifty(text)) <= segments(text)
    assert bare(folded) == folded
    if GSM7.issuperset(text):
        assert folded == text
    kept = iter(folded)
    assert all(one in kept for one in text if one in GSM7 or one in "ماءⴰḍɣ½"), "nothing else changes"


def test_accents_go_only_where_that_saves():
    assert thrifty("Vous êtes là.") == "Vous êtes là."
    assert thrifty("Vous êtes là. " * 6).startswith("Vous etes là.")
    mixed = "Vous êtes à ماء. " * 6
    assert thrifty(mixed) == mixed, "Arabic keeps it in UCS-2 whatever the accents"


def test_a_flow_that_allows_it_is_shown_without_accents_on_fewer_pages():
    steps = "- id: q\n  ask: Êtes-vous sûr ? Le goût de l'eau, la pression, les coûts, les coupures ?\n  type: yes_no\n"
    shown = {}
    for fold in ("", "fold: accents\n"):
        state = Conversation(id="1", bearer="ussd", language="fr", consented=True, started_at=NOON, updated_at=NOON)
        turn = step(flow_of(steps, HEAD + fold), state, Inbound(bearer="ussd", event="start"), NOON, TEXTS)
        shown[fold] = turn.screens[0].text
    assert shown[""].endswith("0 Suite")
    assert shown["fold: accents\n"].startswith("Etes-vous sur ? Le gout")
    assert shown["fold: accents\n"].endswith("2 Non"), "all on one page"


def test_curly_quotes_are_sent_in_plain_signs_before_a_screen_is_cut():
    """Cut in the encoding they are sent in: 100 letters with a curly apostrophe are one USSD screen."""
    walked = explore(flow_of(f"- id: q\n  ask: L’eau {'est bonne ' * 8}?\n  type: text\n"), TEXTS, "fr", "ussd")
    page, *more = walked.nodes[walked.known].scene.pages
    assert not more
    assert page.startswith("L'eau")


def test_the_table_of_french_costs_is_what_the_program_counts():
    page = (ROOM / "README.md").read_text("utf-8")
    rows = re.findall(r"^\| `(\w+)` \| (\d+) \| (\d+) \| (\d+) \| (\d+) \| (\d\.\d\d) \|$", page, re.M)
    assert [row[0] for row in rows] == list(SHIPPED)
    whole = [0, 0]
    for name, *figures, ratio in rows:
        found = saving(SHIPPED[name], TEXTS)
        assert [int(one) for one in figures] == [found.typeset, found.untouched, found.sent, found.folded], name
        assert float(ratio) == round(found.folded / found.typeset, 2), name
        whole = [whole[0] + found.folded, whole[1] + found.typeset]
    assert f"**{whole[0] / whole[1]:.2f}**" in page
    assert whole[0] <= 0.6 * whole[1]


@pytest.mark.parametrize("name", SHIPPED)
def test_no_french_screen_of_a_shipped_flow_takes_more_than_one_sms(name):
    walk = explore(SHIPPED[name], TEXTS, "fr", "sms")
    assert [page for node in walk.nodes for page in node.scene.pages if segments(page) > 1] == []
