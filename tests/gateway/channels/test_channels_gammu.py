"""A modem: the real gammu-smsd with its dummy phone, and its database where a moment must be held still."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from modem_world import Modem, awaited
from recorder import Recorder

from flows.encoding import measure
from gateway.channels import gammu, smsd
from gateway.channels.base import Receipt, Received, Sendable, Settings
from gateway.channels.gammu import Gammu, judged
from gateway.cli import run
from gateway.cli.init import create
from gateway.modem import faults
from gateway.project import Project
from gateway.settings import SettingsError
from storage.errors import StoreBusy

TO = "+212612345678"


def sendable(text: str, id: str = "m1") -> Sendable:
    cost = measure(text)
    return Sendable(id=id, to=TO, text=text, encoding=cost.encoding, segments=cost.segments)


def channel(database: Path, recorder: Recorder | None = None) -> Gammu:
    one = Gammu(Settings(name="modem", type="gammu", database=str(database), number="+212600000000"), "http://x")
    one.door = recorder
    return one


@pytest.fixture(scope="session")
def made(need: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Path:
    need("gammu-smsd")
    return Modem(tmp_path_factory.mktemp("modem")).database


@pytest.fixture
def database(made: Path, tmp_path: Path) -> Path:
    """A database as the daemon leaves it, with a modem that has just been heard of."""
    path = tmp_path / "smsd.db"
    shutil.copy(made, path)
    write(path, "INSERT INTO phones (ID, IMEI, IMSI, Client, Signal, Battery) VALUES ('m', '1', '1', 'x', 55, 90)")
    return path


def write(path: Path, sql: str, *values: object) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(sql, values)


def read(path: Path, sql: str) -> list[tuple[object, ...]]:
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(sql).fetchall()


def arrived(path: Path, text: str, sender: str = TO, udh: str = "", at: str = "2026-11-23 08:15:30") -> None:
    write(
        path,
        "INSERT INTO inbox (ReceivingDateTime, Text, SenderNumber, UDH, TextDecoded, RecipientID)"
        " VALUES (?, '', ?, ?, ?, 'm')",
        at,
        sender,
        udh,
        text,
    )


def texts(recorder: Recorder) -> list[str]:
    return [one.text for one in recorder.taken if isinstance(one, Received)]


class TestReceiving:
    def test_a_message_is_handed_over_once_and_marked(self, database: Path) -> None:
        recorder = Recorder()
        one = channel(database, recorder)
        arrived(database, "EAU")
        one.look()
        one.look()
        (taken,) = recorder.taken
        assert taken == Received(
            channel="modem",
            bearer="sms",
            external_id="sms:1:2026-11-23 08:15:30",
            sender=TO,
            recipient="+212600000000",
            text="EAU",
            sent_at=1_795_421_730_000,
        )

    def test_what_could_not_be_kept_stays_and_holds_back_nobody_else(self, database: Path) -> None:
        class Picky(Recorder):
            def take(self, channel, received):  # type: ignore[no-untyped-def]
                if received.text == "poison":
                    raise RuntimeError("a bug")
                return super().take(channel, received)

        recorder = Picky()
        one = channel(database, recorder)
        arrived(database, "poison")
        arrived(database, "after it")
        arrived(database, "mine", "+212699999999")
        with pytest.raises(RuntimeError):
            one.look()
        assert texts(recorder) == ["mine"]
        assert read(database, "SELECT TextDecoded FROM inbox WHERE Processed = 'false'") == [("poison",), ("after it",)]

    def test_a_store_in_trouble_leaves_everything_where_it_is(self, database: Path) -> None:
        arrived(database, "EAU")
        with pytest.raises(StoreBusy):
            channel(database, Recorder(StoreBusy("full"))).look()
        assert read(database, "SELECT count(*) FROM inbox WHERE Processed = 'false'") == [(1,)]

    def test_a_crash_before_the_mark_hands_it_over_under_the_same_name(
        self, database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorder = Recorder()
        arrived(database, "EAU")
        with monkeypatch.context() as crash:
            crash.setattr(smsd, "mark", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
            with pytest.raises(KeyboardInterrupt):
                channel(database, recorder).look()
        channel(database, recorder).look()
        first, second = recorder.taken
        assert first == second

    def test_an_sms_that_the_network_brings_twice_has_one_name(self, database: Path) -> None:
        recorder = Recorder()
        one = channel(database, recorder)
        for _ in range(2):
            arrived(database, "EAU")
            one.look()
        arrived(database, "EAU", at="2026-11-23 08:15:31")
        one.look()
        names = [event.external_id for event in recorder.taken if isinstance(event, Received)]
        assert names[0] == names[1] != names[2]

    def test_parts_are_joined_in_their_order(self, database: Path) -> None:
        recorder = Recorder()
        arrived(database, "fin", udh="050003AA0302")
        arrived(database, "", udh="050003AA0303")
        arrived(database, "début ", udh="050003AA0301")
        arrived(database, "autre", "+212699999999", udh="050003AA0201")
        channel(database, recorder).look()
        assert texts(recorder) == ["début fin"]

    def test_missing_parts_are_waited_for_and_then_given_up(
        self, database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        recorder, one = Recorder(), channel(database)
        one.door = recorder
        clock = [100.0]
        monkeypatch.setattr(one, "monotonic", lambda: clock[0])
        arrived(database, "début", udh="06080412340201")
        one.look()
        clock[0] += gammu.PARTS_WAIT - 1
        one.look()
        assert recorder.taken == []
        clock[0] += 1
        one.look()
        assert texts(recorder) == ["début"]

    @pytest.mark.parametrize("sender", ["INWI", "555", ""])
    def test_what_no_citizen_sent_is_taken_and_left(self, database: Path, sender: str) -> None:
        recorder = Recorder()
        arrived(database, "Promotion", sender)
        arrived(database, "EAU")
        channel(database, recorder).look()
        assert texts(recorder) == ["EAU"]
        assert read(database, "SELECT count(*) FROM inbox WHERE Processed = 'false'") == [(0,)]

    def test_numbers_and_words_of_citizens_go_after_a_day(self, database: Path) -> None:
        arrived(database, "EAU")
        one = channel(database, Recorder())
        one.look()
        write(database, "DROP TRIGGER update_inbox_time")
        write(database, "UPDATE inbox SET UpdatedInDB = datetime('now', '-25 hours')")
        channel(database, Recorder()).look()
        assert read(database, "SELECT count(*) FROM inbox") == [(0,)]


class TestSending:
    def test_a_message_is_given_once_whatever_is_tried_again(self, database: Path) -> None:
        for _ in range(3):
            assert channel(database).send(sendable("Merci")).outcome == "accepted"
        assert read(database, "SELECT CreatorID, DestinationNumber, TextDecoded, Coding FROM outbox") == [
            ("m1", TO, "Merci", "Default_No_Compression")
        ]
        assert channel(database).status("m1")
        assert channel(database).status("m2") is None

    def test_a_daemon_without_a_sign_of_life_is_given_nothing(
        self, database: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(gammu, "SILENCE", -1)
        sent = channel(database).send(sendable("Merci"))
        assert sent.outcome == "unreachable"
        assert "no sign of life" in sent.error
        assert read(database, "SELECT count(*) FROM outbox") == [(0,)]
        assert channel(database).state()["connected"] is False

    def test_the_daemon_holds_no_long_queue(self, database: Path) -> None:
        one = channel(database)
        outcomes = [one.send(sendable("x", f"m{at}")).outcome for at in range(gammu.MOST_WAITING + 1)]
        assert outcomes == ["accepted"] * gammu.MOST_WAITING + ["unreachable"]

    def test_what_failed_may_be_sent_again_and_the_last_sending_counts(self, database: Path) -> None:
        recorder = Recorder()
        one = channel(database, recorder)
        add = "INSERT INTO sentitems (ID, CreatorID, Status, Text, UDH, SenderID) VALUES (?, 'm1', ?, '', '', 'm')"
        write(database, add, 7, "SendingError")
        one.look()
        (failed,) = recorder.taken
        assert failed == Receipt(provider_id="m1", state="failed", detail="SendingError", cause="passing")
        one.send(sendable("Merci"))
        assert read(database, "SELECT count(*) FROM outbox") == [(1,)]
        fresh = channel(database, Recorder())
        fresh.look()
        assert fresh.door.taken == []  # type: ignore[union-attr]  # it is on its way again
        write(database, "DELETE FROM outbox")
        write(database, add, 8, "DeliveryOK")
        one.look()
        one.look()
        assert [event.state for event in recorder.taken if isinstance(event, Receipt)] == ["failed", "delivered"]

    @pytest.mark.parametrize(
        ("statuses", "total", "state"),
        [
            (("SendingOK",), 1, "accepted"),
            (("DeliveryOK",), 1, "delivered"),
            (("DeliveryOK", "SendingOK"), 2, "accepted"),
            (("DeliveryOK",), 2, "accepted"),
            (("DeliveryOK", "DeliveryFailed"), 2, "failed"),
            (("Lost",), 1, "unknown"),
        ],
    )
    def test_the_parts_decide_the_whole(self, statuses: tuple[str, ...], total: int, state: str) -> None:
        assert judged(smsd.Sentence("m1", 1, total, statuses, -1))[0] == state


class TestTrouble:
    @pytest.mark.parametrize(
        ("harm", "told"),
        [
            (lambda path: path.unlink(), "is not there"),
            (lambda path: path.write_bytes(b"no database" * 200), "move the file away"),
            (lambda path: write(path, "UPDATE gammu SET Version = 9"), "version 9"),
            (lambda path: write(path, "DROP TABLE gammu"), "no database of gammu-smsd"),
        ],
    )
    def test_a_database_that_cannot_be_used_says_why_and_the_remedy(
        self, database: Path, harm: Callable[[Path], object], told: str
    ) -> None:
        one = channel(database, Recorder())
        harm(database)
        assert one.send(sendable("x")).outcome == "unreachable"
        assert told in str(one.state()["error"])
        with pytest.raises(smsd.ModemError, match=str(database)):
            one.look()

    def test_a_busy_database_is_tried_again(self, database: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(smsd, "BUSY", 0.01)
        one = channel(database, Recorder())
        with closing(sqlite3.connect(database, isolation_level=None)) as daemon:
            daemon.execute("BEGIN EXCLUSIVE")
            assert "is busy" in one.send(sendable("x")).error
        assert one.send(sendable("x")).outcome == "accepted"

    def test_without_a_database_there_is_no_channel(self) -> None:
        with pytest.raises(SettingsError, match="awal modem setup"):
            Gammu(Settings(name="modem", type="gammu"), "http://x")

    def test_a_configuration_that_runs_commands_is_told(self, database: Path) -> None:
        (database.parent / "gammu-smsdrc").write_text("[smsd]\nservice = files\nRunOnReceive = /bin/true\n")
        told = " ".join(wrong for wrong, _ in faults(database))
        for word in ("service is files", "RunOnReceive", "DeliveryReport", "another database"):
            assert word in told


@pytest.fixture(scope="module")
def project(need: Callable[..., None], tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Project, Modem]]:
    """A project with the shipped flows on the real daemon, without its sender: messages are sent by hand."""
    need("gammu-smsd")
    directory = tmp_path_factory.mktemp("smsd") / "demo"
    create(directory, demo=True)
    modem = Modem(directory / "data" / "modem")
    with open(directory / "awal.toml", "a", encoding="utf-8") as file:
        file.write('\n[channels.modem]\ntype = "gammu"\ndatabase = "data/modem/smsd.db"\nnumber = "+212600000000"\n')
    try:
        modem.start()
        with Project(directory) as one:
            yield one, modem
    finally:
        modem.stop(kill=True)


class TestRealDaemon:
    def test_a_citizen_answers_a_flow_through_the_modem(self, project: tuple[Project, Modem]) -> None:
        one, modem = project
        live = one.channels["modem"]
        assert isinstance(live, Gammu)
        live.door = one.conversations

        def says(text: str, udh: str = "") -> str:
            before = len(one.store.outbox((), 100))
            modem.arrives(text, udh=udh)
            awaited(lambda: live.look() or len(one.store.outbox((), 100)) > before, f"a reply to {text}")
            reply = one.store.outbox((), 1)[0]
            cost = measure(reply.text)
            assert live.send(sendable(reply.text, reply.id)).outcome == "accepted"
            parts = awaited(
                lambda: modem.rows("SELECT TextDecoded FROM sentitems WHERE CreatorID = ?", reply.id), "it left"
            )
            awaited(
                lambda: len(modem.rows("SELECT 1 FROM sentitems WHERE CreatorID = ?", reply.id)) == cost.segments,
                "all parts left",
            )
            assert parts
            parts = modem.rows(
                "SELECT TextDecoded FROM sentitems WHERE CreatorID = ? ORDER BY SequencePosition", reply.id
            )
            assert "".join(text for (text,) in parts) == reply.text
            return reply.text

        says("EAU")
        for text in ("3", "1", "1", "5", "Oujda"):
            says(text)
            if one.store.counts().get("answers", 0) >= 3:
                break
        assert one.store.counts()["answers"] >= 1

    def test_arabic_tifinagh_and_long_texts_arrive_as_they_were_written(self, project: tuple[Project, Modem]) -> None:
        _, modem = project
        recorder = Recorder()
        live = channel(modem.database, recorder)
        for text in ("ⴰⵎⴰⵏ الماء €", "{x} [y]"):
            modem.arrives(text)
        modem.arrives("a" * 100, udh="050003BB0201")
        modem.arrives("b" * 20, udh="050003BB0202")
        awaited(lambda: live.look() or len(texts(recorder)) >= 3, "all arrived")
        assert sorted(texts(recorder)) == sorted(["ⴰⵎⴰⵏ الماء €", "{x} [y]", "a" * 100 + "b" * 20])

    def test_what_is_sent_is_followed_until_it_arrived(self, project: tuple[Project, Modem]) -> None:
        _, modem = project
        recorder = Recorder()
        live = channel(modem.database, recorder)
        live.look()
        number = "+212677777777"
        live.send(Sendable(id="followed", to=number, text="شكرا", encoding="UCS-2", segments=1))

        def states() -> list[str]:
            live.look()
            return [
                event.state
                for event in recorder.taken
                if isinstance(event, Receipt) and event.provider_id == "followed"
            ]

        awaited(lambda: states() == ["accepted"], "it was sent")
        modem.arrives("Delivered", number, pdu="Status_Report")
        awaited(lambda: states() == ["accepted", "delivered"], "it was delivered")

    def test_a_daemon_that_died_is_followed_when_it_returns(self, project: tuple[Project, Modem]) -> None:
        one, modem = project
        modem.stop(kill=True)
        shown = one.channels["modem"].state()  # type: ignore[attr-defined]
        assert (shown["connected"], shown["signal"], shown["battery"]) == (True, 42, 100)
        recorder = Recorder()
        live = channel(modem.database, recorder)
        modem.arrives("pendant la panne")
        live.look()
        assert texts(recorder) == []
        modem.start()
        awaited(lambda: live.look() or texts(recorder), "it arrived after the daemon's return")
        assert texts(recorder) == ["pendant la panne"]


def test_setup_writes_files_for_their_owner_only_and_never_over_others(
    need: Callable[..., None], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    need("gammu-smsd")
    create(tmp_path / "p", demo=True)
    assert run(["-C", str(tmp_path / "p"), "modem", "setup", "--device", "/dev/ttyACM0", "--pin", "1234"]) == 0
    out = capsys.readouterr().out
    folder = tmp_path / "p" / "data" / "modem"
    assert 'database = "data/modem/smsd.db"' in out
    config = (folder / "gammu-smsdrc").read_text()
    assert "device = /dev/ttyACM0" in config
    assert "PIN = 1234" in config
    assert "RunOnReceive" not in config
    assert "TZ=UTC" in (folder / "awal-modem.service").read_text()
    assert {path.stat().st_mode & 0o77 for path in folder.iterdir()} == {0}
    assert list(faults(folder / "smsd.db")) == []
    assert run(["-C", str(tmp_path / "p"), "modem", "setup"]) == 1
