"""Short messages through both providers: webhooks in, the official clients out to fakes of the vendors, receipts."""

from __future__ import annotations

import hashlib
import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from africastalking_fake import AfricasTalkingFake, sent
from outsider import Answered, Gateway, Project, ask, numbers, serving, until
from twilio.request_validator import RequestValidator
from twilio_fake import TwilioFake, error
from vendor import Vendor

ACCOUNT, TOKEN = "AC" + "1" * 32, "2" * 32
PUBLIC = "https://awal.example.ma"
CONSENT = "Votre administration demande votre avis."
ids = (f"m-{number}" for number in itertools.count(1))


@pytest.fixture(scope="module")
def at() -> Iterator[AfricasTalkingFake]:
    with AfricasTalkingFake() as fake:
        yield fake


@pytest.fixture(scope="module")
def twilio() -> Iterator[TwilioFake]:
    with TwilioFake(ACCOUNT, TOKEN) as fake:
        yield fake


@pytest.fixture(scope="module")
def gateway(make: Callable[..., Project], at: AfricasTalkingFake, twilio: TwilioFake) -> Iterator[Gateway]:
    project = make("--demo")
    project.edit('^username = ".*"', f'username = "{at.username}"\napi_url = "{at.url}"\nretry_first = 0.05')
    project.edit('^api_key = ".*"', f'api_key = "{at.api_key}"')
    project.edit('^account_sid = ".*"', f'account_sid = "{ACCOUNT}"\napi_url = "{twilio.url}"\nretry_first = 0.05')
    project.edit('^auth_token = ".*"', f'auth_token = "{TOKEN}"')
    project.edit('^public_url = ".*"', f'public_url = "{PUBLIC}/"')
    with serving(project) as served:
        yield served


class Texting(ABC):
    """A phone that writes through one provider, and what that provider was asked to send to it."""

    def __init__(self, gateway: Gateway, vendor: Vendor, to: str, body: str) -> None:
        self.gateway, self.vendor, self.names = gateway, vendor, (to, body)
        self.number = next(numbers)
        self.read = 0

    def heard(self) -> list[str]:
        to, body = self.names
        return [one.form[body] for one in list(self.vendor.asked) if one.form.get(to) == self.number]

    def write(self, text: str) -> str:
        """Send a message and return the reply to it."""
        answered = self.deliver(text)
        assert answered.status == 200, answered
        self.read += 1
        return until(lambda: len(self.heard()) >= self.read and self.heard()[self.read - 1])

    @abstractmethod
    def deliver(self, text: str | None, message: str = "", **changes: Any) -> Answered:
        """Deliver a message as the provider does."""

    def outbox(self) -> list[dict[str, Any]]:
        citizen = self.gateway.project.awal("mydata", self.number).json["citizen"]["pseudonym"]
        return [one for one in self.gateway.project.awal("outbox", "list", "--json").json if one["citizen"] == citizen]


class AfricasTalking(Texting):
    def deliver(self, text: str | None, message: str = "", **changes: Any) -> Answered:
        fields = {
            "id": message or next(ids),
            "from": self.number,
            "to": "34567",
            "text": text,
            "date": "2026-11-23 08:00:00",
        }
        given = {name: value for name, value in {**fields, **changes}.items() if value is not None}
        return self.gateway.post(self.gateway.urls["at"]["sms"], given)


class Twilio(Texting):
    def deliver(self, text: str | None, message: str = "", **changes: Any) -> Answered:
        fields = {"MessageSid": message or next(ids), "AccountSid": ACCOUNT, "From": self.number, "To": "+15005550006"}
        given = {name: value for name, value in {**fields, "Body": text, **changes}.items() if value is not None}
        return signed(self.gateway, "sms", given)


def signed(gateway: Gateway, event: str, fields: dict[str, Any], *, over: str = "", token: str = TOKEN) -> Answered:
    """Post a form to Twilio's address, signed as Twilio does over the public one."""
    url = gateway.urls["twilio"][event]
    signature = RequestValidator(token).compute_signature(over or url, fields)
    return gateway.post(url, fields, **{"X-Twilio-Signature": signature})


@pytest.fixture(params=["at", "twilio"])
def phone(request: pytest.FixtureRequest, gateway: Gateway, at: AfricasTalkingFake, twilio: TwilioFake) -> Texting:
    if request.param == "at":
        return AfricasTalking(gateway, at, "to", "message")
    return Twilio(gateway, twilio, "To", "Body")


def test_urls_are_under_the_public_address(gateway: Gateway) -> None:
    assert gateway.urls["twilio"]["sms"] == f"{PUBLIC}/in/twilio/sms"
    assert gateway.urls["at"]["delivery"].startswith(f"{PUBLIC}/in/at/")


@pytest.mark.parametrize(
    ("keyword", "yes", "replies", "last"),
    [
        ("eau", "oui", ["non", "1", "Prix", "Oujda"], "Merci. Votre avis est transmis à la commune."),
        ("ماء", "نعم", ["نعم", "٥", "وجدة"], "شكرا. رأيكم يصل إلى الجماعة."),
        ("ⴰⵎⴰⵏ", "ⵢⴰⵀ", ["ⵓⵀⵓ", "5", "Oujda"], "شكرا. رأيكم يصل إلى الجماعة."),
    ],
)
def test_a_keyword_in_each_script_starts_the_flow_in_its_language(
    phone: Texting, keyword: str, yes: str, replies: list[str], last: str
) -> None:
    phone.write(keyword)
    phone.write(yes)
    for reply in replies[:-1]:
        phone.write(reply)
    assert phone.write(replies[-1]) == last


def test_a_repeat_is_answered_once(phone: Texting) -> None:
    first = phone.deliver("EAU", "same-" + phone.number)
    assert phone.write("oui").startswith(CONSENT), "the first reply went out before"
    again = phone.deliver("EAU", "same-" + phone.number)
    assert (again.status, again.body) == (first.status, first.body)
    assert phone.deliver("tout autre chose", "same-" + phone.number).body == first.body
    phone.read += 1
    assert phone.write("1").startswith("Êtes-vous satisfait")
    assert len(phone.heard()) == 3


def test_words_nobody_expects_get_a_reply_not_a_fault(phone: Texting) -> None:
    assert "Français" in phone.write("salam"), "a stranger is asked for the language"
    assert phone.write("3").startswith("Choisissez un service")
    for text in ("", None, "\0", "?" * 700, "😀" * 300, "\u202e"):
        assert phone.deliver(text).status == 200, text
        phone.read += 1
    until(lambda: len(phone.heard()) == phone.read)
    assert phone.write("EAU").startswith(CONSENT)


def test_a_message_without_id_or_sender_is_400(phone: Texting) -> None:
    before = phone.gateway.kept()
    for name in ("id", "from") if isinstance(phone, AfricasTalking) else ("MessageSid", "From"):
        for value in (None, "", "\0", "x" * 300, "\u202e"):
            assert phone.deliver("EAU", **{name: value}).status == 400, (name, value)
    assert phone.gateway.kept() == before


def test_a_known_message_id_from_another_phone_is_refused_once_and_for_all(phone: Texting, gateway: Gateway) -> None:
    phone.deliver("EAU", "taken-" + phone.number)
    before = gateway.kept()
    other = type(phone)(gateway, phone.vendor, *phone.names)
    assert other.deliver("EAU", "taken-" + phone.number).status == 403
    assert gateway.kept() == before


def test_stop_is_confirmed_and_writing_again_comes_back(phone: Texting) -> None:
    phone.write("EAU")
    assert phone.write("stop") == "Vous ne recevrez plus de messages. Merci."
    assert phone.write("EAU").startswith(CONSENT)


def test_a_conversation_begun_by_sms_is_found_by_ussd(phone: Texting) -> None:
    phone.write("EAU")
    phone.write("oui")
    phone.write("non")
    fields = {"sessionId": f"s{phone.number}", "phoneNumber": phone.number, "text": ""}
    assert "Vous n'avez pas fini" in phone.gateway.post(phone.gateway.urls["at"]["ussd"], fields).text


# signatures ----------------------------------------------------------------------------------------------------
def test_only_what_twilio_signed_over_the_public_url_is_taken(gateway: Gateway) -> None:
    fields = {
        "MessageSid": next(ids),
        "AccountSid": ACCOUNT,
        "From": next(numbers),
        "To": "+15005550006",
        "Body": "EAU",
    }
    url = gateway.urls["twilio"]["sms"]
    good = RequestValidator(TOKEN).compute_signature(url, fields)
    before = gateway.kept()
    forged = [
        signed(gateway, "sms", fields, token="3" * 32),
        signed(gateway, "sms", fields, over=url.replace("https:", "http:")),
        signed(gateway, "sms", fields, over=url + "/"),
        signed(gateway, "sms", fields, over=gateway.here(url)),
        gateway.post(url, fields),
        *[
            gateway.post(url, fields, **{"X-Twilio-Signature": bad})
            for bad in ("", "x", "ü", "=" * 5000, good[:-2], good.swapcase())
        ],
        gateway.post(url, {**fields, "Body": "EAUX"}, **{"X-Twilio-Signature": good}),
        gateway.post(url, {**fields, "From": next(numbers)}, **{"X-Twilio-Signature": good}),
        gateway.post(url, {**fields, "Extra": "1"}, **{"X-Twilio-Signature": good}),
        gateway.post(url + "?a=1", fields, **{"X-Twilio-Signature": good}),
        gateway.post(
            url, fields, **{"X-Twilio-Signature": good, "X-Twilio-Webhooks-Signature-Settings": "key=a,algorithm=NONE"}
        ),
        gateway.post(url, b"\xff\xfe", **{"X-Twilio-Signature": good}),
        gateway.post(gateway.urls["twilio"]["delivery"], fields, **{"X-Twilio-Signature": good}),
    ]
    assert {answered.status for answered in forged} <= {403, 431, 400}
    assert sum(answered.status == 403 for answered in forged) >= len(forged) - 2, "headers no server takes aside"
    assert gateway.kept() == before
    taken = gateway.post(url, fields, **{"X-Twilio-Signature": good})
    assert (taken.status, taken.type.partition(";")[0]) == (200, "text/xml")
    assert "<Response" in taken.text
    assert gateway.kept() != before


def test_twilios_body_that_is_no_form_is_refused(gateway: Gateway) -> None:
    answered = ask(gateway.here(gateway.urls["twilio"]["sms"]), b"{}", {"Content-Type": "application/json"})
    assert answered.status == 403


# sending and receipts ------------------------------------------------------------------------------------------
def test_what_was_sent_is_followed_to_its_delivery(phone: Texting) -> None:
    phone.write("EAU")
    (message,) = until(lambda: [one for one in phone.outbox() if one["state"] == "accepted"])
    assert list(message) == ["id", "citizen", "channel", "state", "attempts", "last_error", "created_at", "not_after"]
    for status in ("Sent", "sent", "quelque chose"):
        assert receipt(phone, status).status == 200
    (message,) = phone.outbox()
    assert message["state"] == "accepted"
    assert receipt(phone, "Success" if isinstance(phone, AfricasTalking) else "delivered").status == 200
    assert phone.outbox()[0]["state"] == "delivered"
    assert receipt(phone, "Sent" if isinstance(phone, AfricasTalking) else "sent").status == 200
    assert phone.outbox()[0]["state"] == "delivered", "a receipt that comes late changes nothing"


def receipt(phone: Texting, status: str) -> Answered:
    """Report on the last message that was sent to this phone."""
    if isinstance(phone, AfricasTalking):
        assert isinstance(phone.vendor, AfricasTalkingFake)
        fields = {"id": phone.vendor.last[phone.number], "status": status, "phoneNumber": phone.number}
        return phone.gateway.post(phone.gateway.urls["at"]["delivery"], fields)
    assert isinstance(phone.vendor, TwilioFake)
    at = max(number for number, one in enumerate(phone.vendor.asked) if one.form.get("To") == phone.number)
    assert phone.vendor.asked[at].form["StatusCallback"] == f"{PUBLIC}/in/twilio/delivery"
    sid = sid_of(phone.number, at + 1)
    return signed(phone.gateway, "delivery", {"MessageSid": sid, "MessageStatus": status, "AccountSid": ACCOUNT})


def sid_of(number: str, at: int) -> str:
    return "SM" + hashlib.md5(f"{number} {at}".encode(), usedforsecurity=False).hexdigest()


def test_receipts_for_nobody_are_heard_in_peace(gateway: Gateway) -> None:
    before = gateway.kept()
    for status in ("Success", "Failed", "Rejected", "Wat", "", "ü" * 300):
        fields = {"id": "ATXid_unknown", "status": status, "failureReason": "x" * 500, "phoneNumber": next(numbers)}
        assert gateway.post(gateway.urls["at"]["delivery"], fields).status == 200
        assert signed(gateway, "delivery", {"MessageSid": "SMunknown", "MessageStatus": status}).status == 200
    assert gateway.post(gateway.urls["at"]["delivery"], {"status": "Success"}).status == 400
    for status in ("Success", "Failed", "Incomplete", "Wat", ""):
        fields = {"sessionId": "never-was", "phoneNumber": next(numbers), "status": status, "durationInMillis": "x"}
        assert gateway.post(gateway.urls["at"]["ussd-end"], fields).status == 200
    assert gateway.kept() == before


def test_a_provider_in_trouble_is_tried_again(phone: Texting) -> None:
    if isinstance(phone, AfricasTalking):
        phone.vendor.says(error(500, 1, "oops"), error(502, 1, "oops"))
    else:
        phone.vendor.says(error(503, 20503, "oops"), error(429, 20429, "Too many requests"))
    phone.read = 2  # the two that the provider did not take are asked again
    assert phone.write("EAU").startswith(CONSENT)
    (message,) = until(lambda: [one for one in phone.outbox() if one["state"] == "accepted"])
    assert message["attempts"] == 3


def test_a_message_refused_for_good_waits_for_the_operator(phone: Texting) -> None:
    phone.vendor.says(
        sent(phone.number, 403) if isinstance(phone, AfricasTalking) else error(400, 21211, "Invalid 'To'")
    )
    phone.write("EAU")
    (message,) = until(lambda: [one for one in phone.outbox() if one["state"] == "failed"])
    assert message["last_error"]
    assert phone.number not in str(message)
    assert phone.gateway.project.awal("outbox", "retry", message["id"]).code == 0
    (message,) = until(lambda: [one for one in phone.outbox() if one["state"] == "accepted"])
    assert phone.gateway.project.awal("outbox", "discard", message["id"]).code == 1, "it has left"
