"""No link for a week: the counts leave by SMS, then on paper, and the platform ends with the gateway's own totals."""

import json
import re
import subprocess
import sys
import time
import urllib.parse
import urllib.request
from datetime import date
from pathlib import Path

import pytest
import zxingcpp
from PIL import Image
from twilio.request_validator import RequestValidator
from twilio_fake import TwilioFake

from gateway.cli.init import create
from gateway.project import Project
from reports.cells import sheets
from reports.periods import week_of

ACCOUNT, TOKEN = "AC" + "1" * 32, "2" * 32
PLATFORM, SECRET = "+212600000099", "a secret between machines"
NOWHERE = "http://127.0.0.1:9"
PATIENCE = 60.0


class Running:
    """One of the two programs, as a process of its own, until `stop`."""

    def __init__(self, announced, *command):
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        for line in self.process.stdout:
            if found := re.search(rf"{announced} (http://\S+)", line):
                self.url = found[1]
                return
        raise AssertionError(f"{command[0]} did not start")

    def stop(self):
        self.process.terminate()
        assert self.process.wait(30) == 0
        self.process.stdout.close()


class Both:
    """A gateway with a channel that works and a link that does not, and a platform with a phone."""

    def __init__(self, folder, twilio):
        self.bin, self.project, self.twilio = Path(sys.executable).parent, folder / "demo", twilio
        self.store = f"sqlite:{folder / 'national.db'}"
        create(self.project, demo=True)
        key = json.loads(self.national("keys", "--json"))["public_key"]
        self.configure(key)
        own = json.loads(self.awal("keys", "--json"))
        self.national("gateway", "add", own["id"], "--region", "02", "--key", own["public_key"])
        serve = ("serve", "--store", self.store, "--port", "0", "--sms-secret", SECRET)
        self.platform = Running("listening on", self.bin / "awal-national", *serve)
        self.gateway = Running("listening on", self.bin / "awal", "-C", self.project, "serve", "--port", "0")
        self.heard = 0

    def configure(self, key):
        file = self.project / "awal.toml"
        text = re.sub(
            r'account_sid = ".*"', f'account_sid = "{ACCOUNT}"\napi_url = "{self.twilio.url}"', file.read_text()
        )
        text = re.sub(r'auth_token = ".*"', f'auth_token = "{TOKEN}"', text)
        national = f'url = "{NOWHERE}"\nphone = "{PLATFORM}"\nchannel = "twilio"\nkey = "{key}"\n'
        before, _, rest = text.partition("[national]\n")
        file.write_text(f"{before}[national]\n{national}\n[{rest.partition(chr(10) + '[')[2]}")

    def awal(self, *arguments):
        return self.run("awal", "-C", self.project, *arguments)

    def national(self, command, *arguments):
        return self.run("awal-national", command, *arguments, "--store", self.store)

    def run(self, program, *arguments):
        done = subprocess.run([self.bin / program, *arguments], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def arriving(self, count):
        """Wait until the provider was asked to send so many more SMS to the platform; return their texts."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            mine = [one.form["Body"] for one in list(self.twilio.asked) if one.form.get("To") == PLATFORM]
            if len(mine) >= self.heard + count:
                new, self.heard = mine[self.heard :], len(mine)
                return new
            time.sleep(0.05)
        raise AssertionError(f"{len(mine) - self.heard} of {count} SMS left")

    def deliver(self, text):
        """Hand an SMS to the platform; return what it answers."""
        fields = urllib.parse.urlencode({"from": "+212600000077", "text": text}).encode()
        bearer = {"Authorization": f"Bearer {SECRET}", "Accept": "text/plain"}
        request = urllib.request.Request(f"{self.platform.url}/v1/sms", fields, bearer)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return answer.read().decode()

    def answer(self, text, number):
        """Have the provider deliver the platform's SMS to the gateway's webhook."""
        fields = {"MessageSid": f"SM{number}", "AccountSid": ACCOUNT, "From": PLATFORM, "To": "+15005550006"}
        fields["Body"] = text
        (channel,) = (one for one in json.loads(self.awal("channels", "--json")) if one["name"] == "twilio")
        signature = RequestValidator(TOKEN).compute_signature(channel["urls"]["sms"], fields)
        address = self.gateway.url + urllib.parse.urlsplit(channel["urls"]["sms"]).path
        data = urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(address, data, {"X-Twilio-Signature": signature})
        with urllib.request.urlopen(request, timeout=20) as answered:
            assert answered.status == 200

    def ours(self):
        """Return conversations and answers, as the gateway counts them."""
        with Project(self.project, readonly=True) as project:
            days = project.store.answer_days()
            weeks = {week.label: week for week in map(week_of, map(date.fromisoformat, days))}
            made = [one for week in weeks.values() for one in sheets(project.store, week, "02")]
        return sum(sum(one.started) for one in made), sum(one.answers for one in made)

    def theirs(self):
        """Return conversations and answers, as the platform counts them."""
        with urllib.request.urlopen(f"{self.platform.url}/v1/regions", timeout=20) as answer:
            regions = json.loads(answer.read())["regions"]
        return sum(one["conversations"] for one in regions), sum(one["answers"] for one in regions)

    def stop(self):
        self.gateway.stop()
        self.platform.stop()


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    with TwilioFake(ACCOUNT, TOKEN) as twilio:
        made = Both(tmp_path_factory.mktemp("without"), twilio)
        try:
            yield made
        finally:
            made.stop()


def test_counts_leave_by_sms_and_are_acknowledged(both):
    both.awal("rehearse", "25")
    refused = subprocess.run(
        [both.bin / "awal", "-C", both.project, "sync", "--once"], capture_output=True, check=False
    )
    assert refused.returncode == 1, "there is no link"
    told = both.awal("sync", "--carrier", "sms")
    assert "sent by SMS" in told
    queued = int(re.search(r"(\d+) SMS queued", told)[1])
    assert queued > 3
    citizens = both.ours()
    replies = [reply for text in both.arriving(queued) if (reply := both.deliver(text))]
    assert both.theirs() == citizens
    assert replies
    for number, reply in enumerate(replies):
        both.answer(reply, number)
    assert "nothing to send by SMS" in both.awal("sync", "--carrier", "sms")
    assert both.ours() == citizens, "a receipt is nobody's conversation"


def test_what_came_since_leaves_on_paper(both, tmp_path):
    before = both.ours()
    both.awal("rehearse", "10")
    assert both.ours() > before
    told = both.awal("sync", "--carrier", "qr", "--to", tmp_path)
    assert "codes.html" in told
    assert (tmp_path / "codes.html").read_text().count("<img") == len(list(tmp_path.glob("*.svg")))
    pictures = [Image.open(one).convert("L") for one in tmp_path.glob("*.png")]
    square = zxingcpp.BarcodeFormat.QRCode
    scanned = [code.text for picture in pictures for code in zxingcpp.read_barcodes(picture, formats=square)]
    (tmp_path / "scanned.txt").write_text("\n".join(scanned) + "\n")
    (tmp_path / "back.txt").write_text(both.national("receive", tmp_path / "scanned.txt"))
    assert both.theirs() == both.ours()
    assert "acknowledged" in both.awal("sync", "--receipt", tmp_path / "back.txt")
    assert "Nothing to send" in both.awal("sync", "--carrier", "qr", "--to", tmp_path)
    assert "nothing to send by SMS" in both.awal("sync", "--carrier", "sms")
