"""The national platform by SMS: what the gateway queues, when it does so by itself, and whose receipts it takes."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from wire_world import W47, W48

from flows.errors import AwalError
from gateway import jobs
from gateway.channels.base import Received
from gateway.cli.init import create
from gateway.platform_sms import fall_back, send, take_receipt
from gateway.project import Project
from national.reception import Reception
from national.store import Store, open_store
from reports.frames.bits import FrameError
from reports.keys import public_key
from storage.store import OutboxRow, SyncRow

PHONE = "+212600000099"
CITIZEN = "+212600000001"
HOUR = 3600 * 1000
NOWHERE = "http://127.0.0.1:9"


def configure(settings: Path, given: dict[str, object]) -> None:
    """Write these under [national], in place of what the file says there."""
    former, _, rest = settings.read_text().partition("[national]\n")
    _, _, after = rest.partition("\n[")
    lines = "".join(f"{name} = {json.dumps(value)}\n" for name, value in given.items())
    settings.write_text(f"{former}[national]\n{lines}" + (f"\n[{after}" if after else ""))


class Here:
    """A demo project that knows its platform, at a moment of the test's choice."""

    def __init__(self, folder: Path, **national: object) -> None:
        create(folder / "demo", demo=True)
        self.nation: Store = open_store(f"sqlite:{folder / 'national.db'}")
        self.reception = Reception(self.nation)
        given = {"url": NOWHERE, "phone": PHONE, "key": self.nation.identity().public_key, **national}
        configure(folder / "demo" / "awal.toml", given)
        self.project = Project(folder / "demo")
        self.project.clock = self.clock  # type: ignore[method-assign]
        self.now = W47
        keys, gateway = self.project.settings.keys, self.project.settings.gateway
        self.nation.enrol(gateway.id, gateway.region, public_key(keys.signing), W47)
        self._ids = iter(range(10**6))

    def clock(self) -> int:
        return self.now

    def text(self, sender: str, words: str, channel: str = "at", bearer: Any = "sms") -> bytes:
        """Take an SMS that came in."""
        received = Received(
            channel=channel, bearer=bearer, external_id=f"m{next(self._ids)}", sender=sender, text=words
        )
        return self.project.conversations.take(self.project.channel(channel), received)

    def answered(self) -> None:
        for words in ("EAU", "3", "1", "5", "Oujda"):
            self.text(CITIZEN, words)

    def queued(self) -> list[OutboxRow]:
        """Return what is on its way to the platform, oldest first."""
        mine = self.project.phones.pseudonym(PHONE)
        return list(reversed(self.project.store.outbox((), 500, mine)))

    def arrive(self) -> list[str]:
        """Have the platform take all that was queued; return its receipts."""
        taken = [self.reception.take(one.text, self.now) for one in self.queued()]
        return self.reception.receipts(taken, self.now)

    def log(self, at: int, *, ok: bool, carrier: str = "https") -> None:
        self.project.store.log_sync(SyncRow(at, carrier, ok, ""))

    def close(self) -> None:
        self.project.close()
        self.nation.close()


@pytest.fixture
def here(tmp_path: Path) -> Iterator[Here]:
    made = Here(tmp_path)
    made.answered()
    made.now = W48
    yield made
    made.close()


def test_frames_go_through_the_outbox_to_the_platforms_number(here: Here) -> None:
    outcome = send(here.project)
    assert outcome["ok"]
    rows = here.queued()
    assert rows
    for row in rows:
        assert here.project.phones.unseal(row.recipient) == PHONE
        assert (row.channel, row.encoding, row.segments, row.state) == ("at", "GSM-7", 1, "queued")
        assert row.not_after == W48 + 24 * HOUR
    send(here.project)
    assert len(here.queued()) == len(rows), "queued once"


def test_a_receipt_is_taken_and_is_nobodys_conversation(here: Here) -> None:
    send(here.project)
    before = here.project.store.counts()
    outbox = here.project.store.outbox_counts()
    (receipt,) = here.arrive()
    assert here.text(PHONE, receipt) == b""
    assert all(one.acked for one in here.project.store.held())
    assert here.project.store.counts() == before
    assert here.project.store.outbox_counts() == outbox, "nothing is answered"
    assert send(here.project)["detail"] == "nothing to send by SMS."
    assert here.project.store.syncs(2)[1].detail.startswith("The platform acknowledged 1")


def test_a_forged_receipt_is_an_ordinary_text(here: Here) -> None:
    send(here.project)
    (receipt,) = here.arrive()
    forged = receipt[:-1] + ("A" if receipt[-1] != "A" else "B")
    before = here.project.store.counts()
    here.text(PHONE, forged)
    assert not any(one.acked for one in here.project.store.held())
    assert here.project.store.counts()["inbound"] == before["inbound"] + 1


@pytest.mark.parametrize(("sender", "bearer"), [(CITIZEN, "sms"), ("+212600000098", "sms"), (PHONE, "ussd")])
def test_a_receipt_counts_only_as_sms_from_the_platforms_number(here: Here, sender: str, bearer: str) -> None:
    send(here.project)
    (receipt,) = here.arrive()
    here.text(sender, receipt, bearer=bearer)
    assert not any(one.acked for one in here.project.store.held())


def test_a_receipt_can_be_handed_over_as_a_file(here: Here, awal: Any, tmp_path: Path) -> None:
    send(here.project)
    (tmp_path / "back.txt").write_text("\n".join(here.arrive()) + "\n")
    here.project.close()
    outcome = awal("sync", "--receipt", tmp_path / "back.txt", project=here.project.directory)
    assert (outcome.code, "acknowledged 1" in outcome.out) == (0, True)
    (tmp_path / "back.txt").write_text("Bonjour\n")
    refused = awal("sync", "--receipt", tmp_path / "back.txt", project=here.project.directory)
    assert (refused.code, "back.txt:1:" in refused.err) == (1, True)
    assert awal("sync", "--receipt", __file__, project=here.project.directory).code == 1


def test_what_a_receipt_warns_of_is_logged(here: Here) -> None:
    send(here.project)
    rows = here.queued()
    for row in rows:
        here.reception.take(row.text, W48)
    (late,) = here.reception.receipts([here.reception.take(rows[-1].text, W48)], W48 + HOUR)
    assert "behind the platform's by 60 min" in take_receipt(here.project, late)
    with pytest.raises(FrameError):
        take_receipt(here.project, "Bonjour")


def test_the_link_comes_first_and_sms_after_long(here: Here) -> None:
    """Nothing within an hour; a week that is over after one; the running week after a day."""
    here.answered()
    here.text("+212600000002", "EAU")
    here.project.store.put(jobs.SINCE, str(W48))
    here.log(W48, ok=True)
    here.log(W48 + 1, ok=False)
    for elapsed, weeks in ((HOUR // 2, 0), (HOUR, 1), (23 * HOUR, 1), (24 * HOUR, 2)):
        here.now = W48 + elapsed
        fall_back(here.project)
        here.arrive()
        gateway = here.project.settings.gateway.id
        assert len({one.period for one in here.nation.cursor(gateway)}) == weeks, elapsed // HOUR


def test_the_scheduler_falls_back_when_the_link_fails(here: Here) -> None:
    job = next(one for one in jobs.jobs(here.project) if one.name == "sync")
    here.project.store.put(jobs.SINCE, str(W47))
    job.run("slot")
    assert here.queued()
    (failed, sent) = reversed(here.project.store.syncs(2))
    assert (failed.carrier, failed.ok) == ("https", False)
    assert (sent.carrier, sent.ok) == ("sms (sent)", True)


def test_a_gateway_without_a_link_still_has_the_job(tmp_path: Path) -> None:
    made = Here(tmp_path, url="")
    made.answered()
    made.now = W48
    next(one for one in jobs.jobs(made.project) if one.name == "sync").run("slot")
    assert made.queued()
    made.close()


@pytest.mark.parametrize(
    ("missing", "remedy"), [("phone", "[national] phone"), ("key", "[national] key"), ("channel", "no channel")]
)
def test_what_is_missing_is_named(tmp_path: Path, missing: str, remedy: str) -> None:
    made = Here(tmp_path, **{missing: "nowhere" if missing == "channel" else ""})
    with pytest.raises(AwalError, match=remedy.replace("[", r"\[")):
        send(made.project)
    fall_back(made.project) if missing != "channel" else None
    assert not made.queued()
    made.close()


def test_the_command_tells_how_each_snapshot_stands(here: Here, awal: Any) -> None:
    here.project.close()
    outcome = awal("sync", "--carrier", "sms", "--once", project=here.project.directory)
    assert outcome.code == 0, outcome.err
    assert "water 2026-W47: sent by SMS" in outcome.out
    assert "leave when the gateway runs" in outcome.out
    again = awal("sync", "--carrier", "sms", project=here.project.directory)
    assert "not acknowledged yet" in again.out
