"""The whole main job on a running gateway: real webhooks in, the official clients out, each flow in each language."""

import itertools
import json
import re
import subprocess
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

import pytest
from africastalking_fake import AfricasTalkingFake
from twilio.request_validator import RequestValidator
from twilio_fake import TwilioFake

from gateway.cli.init import create

FLOWS = {
    "health": ("SANTE", ["1", "5", "10", "1", "0", "Oujda"]),
    "needs": ("BESOIN", ["1", "2", "1", "1", "Une piste à refaire", "Oujda"]),
    "services": ("SERVICE", ["2", "2", "1"]),
    "water": ("EAU", ["1", "5", "Oujda"]),
}
LANGUAGES = {"ar": "1", "zgh": "2", "fr": "3"}
LAST = {"fr": "Merci", "ar": "شكرا", "zgh": "شكرا"}
ACCOUNT, TOKEN = "AC" + "1" * 32, "2" * 32
numbers = (f"+2126{number:08d}" for number in itertools.count(1))
CASES = [(flow, language) for flow in FLOWS for language in LANGUAGES]


class Served:
    """A gateway process and the vendors it sends to."""

    def __init__(self, project, at, twilio):
        self.project, self.at, self.twilio = project, at, twilio
        command = [sys.executable, "-m", "gateway", "-C", str(project), "serve", "--port", "0"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self.url = self._announced()
        self.public = "http://127.0.0.1:8000"
        channels = json.loads(self.awal("channels", "--json"))
        self.urls = {one["name"]: one["urls"] for one in channels}

    def _announced(self):
        for line in self.process.stdout:
            found = re.fullmatch(r"Awal is listening on (http://\S+)\n", line)
            if found:
                return found[1]
        raise AssertionError("the gateway did not start")

    def awal(self, *arguments):
        command = [sys.executable, "-m", "gateway", "-C", str(self.project), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    def post(self, url, fields, **headers):
        """Send a form to the address that `awal channels` printed, on the port this test listens on."""
        target = url.replace(self.public, self.url)
        request = urllib.request.Request(target, urllib.parse.urlencode(fields).encode(), headers)
        try:
            with urllib.request.urlopen(request, timeout=20) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def stop(self):
        self.process.terminate()
        assert self.process.wait(20) == 0
        self.process.stdout.close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    project = tmp_path_factory.mktemp("whole") / "demo"
    create(project, demo=True)
    with AfricasTalkingFake(username="awal") as at, TwilioFake(ACCOUNT, TOKEN) as twilio:
        settings = (project / "awal.toml").read_text()
        settings = settings.replace('username = "sandbox"', f'username = "awal"\napi_url = "{at.url}"')
        settings = re.sub(r'api_key = ".*"', f'api_key = "{at.api_key}"', settings)
        settings = re.sub(r'account_sid = ".*"', f'account_sid = "{ACCOUNT}"\napi_url = "{twilio.url}"', settings)
        settings = re.sub(r'auth_token = ".*"', f'auth_token = "{TOKEN}"', settings)
        (project / "awal.toml").write_text(settings)
        one = Served(project, at, twilio)
        try:
            yield one
        finally:
            one.stop()


class Ussd:
    """A phone behind Africa's Talking's USSD callback."""

    def __init__(self, served):
        self.served, self.number, self.path = served, next(numbers), ""
        self.screen = self._ask()

    def reply(self, text):
        self.path = f"{self.path}*{text}" if self.path else text
        self.screen = self._ask()
        return self

    def _ask(self):
        fields = {"sessionId": f"ATUid_{self.number}", "serviceCode": "*384*1#", "phoneNumber": self.number}
        status, body = self.served.post(self.served.urls["at"]["ussd"], {**fields, "text": self.path})
        assert status == 200
        return body


class Sms:
    """A phone that writes to one provider's number and reads what the provider was asked to send."""

    def __init__(self, served, vendor, to, body):
        self.served, self.vendor, self.to, self.body = served, vendor, to, body
        self.number, self.read = next(numbers), 0

    def write(self, text):
        self.deliver(text)
        until = time.monotonic() + 20
        while time.monotonic() < until:
            mine = [asked.form for asked in list(self.vendor.asked) if asked.form.get(self.to) == self.number]
            if len(mine) > self.read:
                self.read += 1
                self.screen = mine[self.read - 1][self.body]
                return self
            time.sleep(0.02)
        raise AssertionError(f"no reply to {text!r}")


class AfricasTalkingSms(Sms):
    def __init__(self, served):
        super().__init__(served, served.at, "to", "message")

    def deliver(self, text):
        fields = {"id": f"{self.number}-{self.read}", "from": self.number, "to": "34567", "text": text}
        status, body = self.served.post(self.served.urls["at"]["sms"], fields)
        assert (status, body) == (200, "")


class TwilioSms(Sms):
    def __init__(self, served):
        super().__init__(served, served.twilio, "To", "Body")

    def deliver(self, text):
        sid = f"SM{self.number[1:]}{self.read}"
        fields = {"MessageSid": sid, "AccountSid": ACCOUNT, "From": self.number, "To": "+15005550006", "Body": text}
        url = self.served.urls["twilio"]["sms"]
        signature = RequestValidator(TOKEN).compute_signature(url, fields)
        status, body = self.served.post(url, fields, **{"X-Twilio-Signature": signature})
        assert status == 200
        assert "<Response" in body


@pytest.mark.parametrize(("flow", "language"), CASES)
def test_each_flow_is_completed_by_ussd_in_each_language(served, flow, language):
    phone = Ussd(served).reply(LANGUAGES[language])
    phone.reply(str(list(FLOWS).index(flow) + 1))
    if flow != "services":
        phone.reply("1")
    for text in FLOWS[flow][1]:
        assert phone.screen.startswith("CON "), phone.screen
        phone.reply(text)
        while phone.screen.endswith(("0 Suite", "0 المزيد", "0 ⵓⴳⴳⴰⵔ")) and "Oujda" in text:
            phone.reply("0")
    assert phone.screen.startswith(f"END {LAST[language]}")


@pytest.mark.parametrize("phone", [AfricasTalkingSms, TwilioSms])
@pytest.mark.parametrize(("flow", "language"), CASES)
def test_each_flow_is_completed_by_sms_in_each_language(served, phone, flow, language):
    keyword, replies = FLOWS[flow]
    citizen = phone(served).write(keyword)
    if language != "fr":
        citizen.write("LANGUE").write(LANGUAGES[language])
    if flow != "services":
        citizen.write("1")
    for text in replies:
        citizen.write(text)
    assert citizen.screen.startswith(LAST[language])


def test_what_was_said_is_exported_and_reported_without_a_number(served):
    lines = served.awal("export", "answers").splitlines()
    assert lines[0] == (
        "answer_id,conversation_id,citizen,flow,flow_version,step,value,raw,language,bearer,channel,place,answered_at"
    )
    assert len(lines) > 20
    assert not re.search(r"2126\d{8}", "\n".join(lines))
    report = served.awal("report", "--period", "today", "--format", "text")
    assert "Eau potable" in report


def test_a_forged_request_is_refused_and_nothing_stored(served):
    before = len(served.awal("export", "answers").splitlines())
    url = served.urls["at"]["ussd"]
    wrong = url.replace(url.split("/")[-2], "x" * 32)
    fields = {"sessionId": "S", "phoneNumber": "+212600000009", "serviceCode": "*1#", "text": ""}
    assert served.post(wrong, fields)[0] == 403
    sms = {"MessageSid": "SM1", "AccountSid": ACCOUNT, "From": "+212600000009", "To": "+1", "Body": "EAU"}
    assert served.post(served.urls["twilio"]["sms"], sms)[0] == 403
    assert served.post(served.urls["twilio"]["sms"], sms, **{"X-Twilio-Signature": "AAAA"})[0] == 403
    assert len(served.awal("export", "answers").splitlines()) == before
