"""SMPP: a bind to an SMSC of npm's `smpp`, and what must hold where a moment has to be held still."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from modem_world import awaited
from recorder import Recorder
from smpp_world import Smsc

from flows.encoding import GSM7, measure
from gateway.channels import smpp as adapter
from gateway.channels.base import Ended, Receipt, Received, Sendable, Settings
from gateway.channels.smpp import Smpp
from gateway.channels.smpp_dialect import named
from gateway.channels.smpp_pdu import Deliver, Senseless, decoded, encoded, fate, opened, parse, pieces
from gateway.channels.smpp_spool import Spool
from gateway.cli.init import create
from gateway.project import Project
from gateway.settings import SettingsError
from storage.errors import StoreBusy

TO = "+212612345678"
ARABIC = "الماء مقطوع منذ ثلاثة أيام في الحي، " * 5


def sendable(text: str, id: str = "m1") -> Sendable:
    cost = measure(text)
    return Sendable(id=id, to=TO, text=text, encoding=cost.encoding, segments=cost.segments)


def channel(port: int, **more: object) -> Smpp:
    usual: dict[str, object] = {"bearers": ("sms", "ussd"), "number": "2424", "password": "pass", "host": "127.0.0.1"}
    return Smpp(Settings(name="op", type="smpp", port=port, system_id="awal", **(usual | more)), "http://x")  # type: ignore[arg-type]


@pytest.fixture
def smsc(need: Callable[..., None]) -> Iterator[Smsc]:
    need("node", "npm")
    one = Smsc()
    try:
        yield one
    finally:
        one.stop()


@pytest.fixture
def recorder() -> Recorder:
    return Recorder()


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(adapter, "FIRST_PAUSE", 0.05)


@pytest.fixture
def bound(smsc: Smsc, recorder: Recorder) -> Iterator[Smpp]:
    with closing(channel(smsc.port)) as one:
        one.start(recorder)
        smsc.event("bound")
        awaited(lambda: one.state()["connected"], "the bind")
        yield one


def taken(recorder: Recorder) -> list[Received]:
    return [one for one in recorder.taken if isinstance(one, Received)]


class TestReceiving:
    @pytest.mark.parametrize(
        ("coding", "raw", "text"),
        [
            (0, b"EAU \x1b\x65 {\x1b\x28", "EAU € ä{"),
            (1, b"EAU @", "EAU @"),
            (3, b"\xe9t\xe9", "été"),
            (8, "ⴰⵎⴰⵏ الماء".encode("utf-16-be"), "ⴰⵎⴰⵏ الماء"),
        ],
    )
    def test_an_sms_is_handed_over_then_acknowledged(
        self, smsc: Smsc, bound: Smpp, recorder: Recorder, coding: int, raw: bytes, text: str
    ) -> None:
        assert smsc.deliver(data_coding=coding, short_message_hex=raw.hex()) == 0
        (one,) = taken(recorder)
        assert (one.sender, one.recipient, one.text, one.bearer) == (TO, "2424", text, "sms")

    def test_a_long_arabic_sms_is_joined_whatever_the_order(self, smsc: Smsc, bound: Smpp, recorder: Recorder) -> None:
        for one in reversed(pieces(ARABIC, 7)):
            assert smsc.deliver(esm_class=0x40, data_coding=8, short_message_hex=one.hex()) == 0
        assert [one.text for one in taken(recorder)] == [ARABIC]

    @pytest.mark.parametrize(("coding", "raw"), [(8, "eau 😷 !".encode("utf-16-be")), (0, b"prix 3 \x1be !")])
    def test_a_sign_that_a_phone_cut_in_two_is_whole_again(
        self, smsc: Smsc, bound: Smpp, recorder: Recorder, coding: int, raw: bytes
    ) -> None:
        at = raw.index(b"\xde") if coding else raw.index(b"\x1b") + 1
        for number, body in ((1, raw[:at]), (2, raw[at:])):
            header = bytes([5, 0, 3, 9, 2, number])
            assert smsc.deliver(esm_class=0x40, data_coding=coding, short_message_hex=(header + body).hex()) == 0
        assert [one.text for one in taken(recorder)] == ["eau 😷 !" if coding else "prix 3 € !"]

    def test_parts_told_by_parameters_and_long_payloads_are_read(
        self, smsc: Smsc, bound: Smpp, recorder: Recorder
    ) -> None:
        for number, text in ((1, "début "), (2, "fin")):
            sar = {"sar_msg_ref_num": 9, "sar_total_segments": 2, "sar_segment_seqnum": number}
            smsc.deliver(short_message_hex=encoded(text).hex(), **sar)
        smsc.deliver(data_coding=8, message_payload_hex=ARABIC.encode("utf-16-be").hex())
        assert [one.text for one in taken(recorder)] == ["début fin", ARABIC]

    def test_missing_parts_are_waited_for_and_then_given_up(
        self, smsc: Smsc, bound: Smpp, recorder: Recorder, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        smsc.deliver(esm_class=0x40, short_message_hex=bytes([5, 0, 3, 1, 2, 1]).hex() + b"EAU".hex())
        assert taken(recorder) == []
        monkeypatch.setattr(adapter, "PARTS_WAIT", 0.0)
        awaited(lambda: taken(recorder), "the part alone")
        assert taken(recorder)[0].text == "EAU"

    def test_what_was_not_kept_is_refused_and_comes_again_under_one_name(
        self, smsc: Smsc, bound: Smpp, recorder: Recorder
    ) -> None:
        names = []
        bound.door = Refusing(names)
        assert smsc.deliver(short_message="1") == adapter.TEMPORARY
        bound.door = recorder
        assert smsc.deliver(short_message="1") == 0
        assert smsc.deliver(short_message="1") == 0
        first, second = (one.external_id for one in taken(recorder))
        assert names == [first]
        assert first != second

    def test_a_name_survives_a_crash_before_the_acknowledgement(self, tmp_path: Path) -> None:
        path = str(tmp_path / "data" / "op.db")
        with closing(Spool(path)) as spool:
            digest, name = spool.name(TO, "2424", "", b"1")
        with closing(Spool(path)) as spool:
            assert spool.name(TO, "2424", "", b"1") == (digest, name)
            spool.acknowledged(digest)
            assert spool.name(TO, "2424", "", b"1")[1] != name

    def test_what_no_citizen_sent_is_acknowledged_and_left(self, smsc: Smsc, bound: Smpp, recorder: Recorder) -> None:
        assert smsc.deliver(source_addr="INWI", source_addr_ton=5, short_message="Promotion") == 0
        assert smsc.deliver(data_coding=4, short_message_hex="00ff") == 0
        assert recorder.taken == []

    def test_garbage_is_refused_and_the_link_goes_on(self, smsc: Smsc, bound: Smpp, recorder: Recorder) -> None:
        smsc.do("raw", hex="0000001400000005000000000000006341424344")
        smsc.do("raw", hex="00000010000001ff0000000000000064")
        assert smsc.deliver(short_message="EAU") == 0
        assert len(smsc.all("bound")) == 1


class Refusing(Recorder):
    """A store that keeps nothing, and remembers what it was asked to."""

    def __init__(self, names: list[str]) -> None:
        super().__init__(StoreBusy("full"))
        self.names = names

    def take(self, channel, received):  # type: ignore[no-untyped-def]
        self.names.append(received.external_id)
        return super().take(channel, received)


class TestSending:
    def test_a_long_arabic_sms_leaves_in_parts_and_is_delivered_when_all_are(
        self, smsc: Smsc, bound: Smpp, recorder: Recorder
    ) -> None:
        sent = bound.send(sendable(ARABIC))
        smsc.event("submitted", measure(ARABIC).segments)
        parts = smsc.all("submitted")
        assert sent.outcome == "accepted"
        assert len(parts) == measure(ARABIC).segments > 1
        assert "".join(part["text"] for part in parts) == ARABIC
        assert [part["udh"][0][-4:] for part in parts] == [f"{len(parts):02x}{n:02x}" for n in range(1, len(parts) + 1)]
        assert {(part["to"], part["from"], part["coding"], part["registered"]) for part in parts} == {
            ("212612345678", "2424", 8, 1)
        }
        for part in parts:
            smsc.deliver(esm_class=4, short_message=f"id:{part['id']} sub:001 dlvrd:001 stat:DELIVRD err:000 text:")
        states = [one.state for one in recorder.taken if isinstance(one, Receipt)]
        assert states == ["accepted"] * (len(parts) - 1) + ["delivered"]
        assert {one.provider_id for one in recorder.taken if isinstance(one, Receipt)} == {sent.provider_id}

    def test_a_receipt_in_decimal_finds_the_message_that_was_taken_in_hex(
        self, smsc: Smsc, bound: Smpp, recorder: Recorder
    ) -> None:
        smsc.do("hexadecimal")
        sent = bound.send(sendable("Merci"))
        smsc.deliver(esm_class=4, short_message=f"id:{int(sent.provider_id, 16)} stat:EXPIRED err:027")
        assert recorder.taken == [
            Receipt(provider_id=sent.provider_id, state="failed", detail="EXPIRED 027", cause="passing")
        ]

    def test_the_parameters_of_a_receipt_go_before_its_text(self, smsc: Smsc, bound: Smpp, recorder: Recorder) -> None:
        smsc.deliver(esm_class=4, receipted_message_id="77", message_state=5, short_message="senseless")
        assert recorder.taken == [Receipt(provider_id="77", state="failed", detail="UNDELIV")]

    @pytest.mark.parametrize(
        ("status", "outcome"),
        [(0x58, "retry"), (0x14, "retry"), (0x0B, "failed"), (0x0A, "stop-channel"), (0x04, "unreachable")],
    )
    def test_a_refusal_says_what_to_do(self, smsc: Smsc, bound: Smpp, status: int, outcome: str) -> None:
        smsc.do("answer", statuses=[status])
        sent = bound.send(sendable("Merci"))
        assert (sent.outcome, f"0x{status:08X}" in sent.error) == (outcome, True)

    def test_after_throttling_only_the_parts_not_yet_taken_are_sent_again(self, smsc: Smsc, bound: Smpp) -> None:
        smsc.do("answer", statuses=[0, 0x58])
        assert bound.send(sendable(ARABIC)).outcome == "retry"
        assert bound.send(sendable(ARABIC)).outcome == "accepted"
        smsc.event("submitted", measure(ARABIC).segments + 1)
        kept = [part["text"] for part in smsc.all("submitted") if not part["status"]]
        assert "".join(kept) == ARABIC

    def test_without_an_answer_it_may_have_left(self, smsc: Smsc, bound: Smpp, monkeypatch: pytest.MonkeyPatch) -> None:
        from gateway.channels import smpp_link

        monkeypatch.setattr(smpp_link, "ANSWER", 0.2)
        smsc.do("silence", count=1)
        assert bound.send(sendable("Merci")).outcome == "retry"

    def test_without_a_bind_nothing_leaves(self, smsc: Smsc) -> None:
        with closing(channel(smsc.port, password="wrong")) as one:
            one.start(Recorder())
            awaited(lambda: "refuses the bind" in str(one.state()), "the refusal")
            assert "Check system_id and password" in str(one.state()["error"])
            assert one.send(sendable("Merci")).outcome == "unreachable"

    def test_a_silent_smsc_is_asked_whether_it_is_there(
        self, smsc: Smsc, bound: Smpp, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from gateway.channels import smpp_link

        monkeypatch.setattr(smpp_link, "QUIET", 0.1)
        smsc.event("enquired", 2)
        assert len(smsc.all("bound")) == 1


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[str, str]]:
    """Return `certificate(name)`: paths of a key and of a certificate of a host, signed with that very key."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.hashes import SHA256
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    def make(name: str) -> tuple[str, str]:
        folder = tmp_path_factory.mktemp("tls")
        key, now = ec.generate_private_key(ec.SECP256R1()), datetime.now(UTC)
        who = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
        made = (
            x509.CertificateBuilder()
            .subject_name(who)
            .issuer_name(who)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - timedelta(days=1))
            .not_valid_after(now + timedelta(days=1))
            .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
            .sign(key, SHA256())
        )
        (folder / "key.pem").write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        (folder / "cert.pem").write_bytes(made.public_bytes(Encoding.PEM))
        return str(folder / "key.pem"), str(folder / "cert.pem")

    return make


class TestTls:
    @pytest.fixture
    def certificate_of_here(self, certificate: Callable[[str], tuple[str, str]]) -> tuple[str, str]:
        return certificate("localhost")

    @pytest.fixture
    def secure(self, need: Callable[..., None], certificate_of_here: tuple[str, str]) -> Iterator[Smsc]:
        need("node", "npm")
        one = Smsc(secure=certificate_of_here)
        try:
            yield one
        finally:
            one.stop()

    def test_messages_go_both_ways_under_a_certificate_that_is_trusted(
        self, secure: Smsc, certificate_of_here: tuple[str, str], recorder: Recorder
    ) -> None:
        with closing(channel(secure.port, host="localhost", tls=True, tls_ca=certificate_of_here[1])) as one:
            one.start(recorder)
            awaited(lambda: one.state()["connected"], "the bind")
            threads = [threading.Thread(target=one.send, args=(sendable(ARABIC, f"m{at}"),)) for at in range(8)]
            for thread in threads:
                thread.start()
            for at in range(40):
                assert secure.deliver(data_coding=8, short_message_hex=f"ⴰⵎⴰⵏ {at}".encode("utf-16-be").hex()) == 0
            for thread in threads:
                thread.join()
            secure.event("submitted", 8 * measure(ARABIC).segments)
        assert sorted(one.text for one in taken(recorder)) == sorted(f"ⴰⵎⴰⵏ {at}" for at in range(40))

    @pytest.mark.parametrize(
        ("settings", "told"),
        [
            ({"tls": True}, "not trusted: self-signed certificate. See `host` and `tls_ca`"),
            ({"tls": True, "host": "127.0.0.1", "tls_ca": True}, "not trusted: IP address mismatch"),
            ({"tls": False}, "cannot be reached, or gave no answer to the bind"),
        ],
    )
    def test_what_is_not_trusted_is_told_no_password(
        self, secure: Smsc, certificate_of_here: tuple[str, str], settings: dict[str, object], told: str
    ) -> None:
        trusted = {"tls_ca": certificate_of_here[1]} if settings.get("tls_ca") else {}
        with closing(channel(secure.port, **({"host": "localhost"} | settings | trusted))) as one:
            one.start(Recorder())
            awaited(lambda: told in str(one.state()), f"{told}; saw {one.state()}")
        assert secure.all("bound") == []

    def test_an_smsc_without_tls_is_told_apart(self, smsc: Smsc) -> None:
        with closing(channel(smsc.port, tls=True)) as one:
            one.start(Recorder())
            awaited(lambda: "See `port` and `tls`" in str(one.state()) or "no answer" in str(one.state()), "refused")

    def test_an_authority_that_is_not_there_is_named(self) -> None:
        with pytest.raises(SettingsError, match=r"\[channels\.op\] tls_ca: /nowhere\.pem is not there"):
            channel(2775, tls=True, tls_ca="/nowhere.pem")


class TestUssd:
    def test_sessions_are_told_apart_by_phone_and_key(self, smsc: Smsc, bound: Smpp, recorder: Recorder) -> None:
        first = smsc.screen(ussd_service_op=1, session="2a00", short_message="*384#")
        assert (first["op"], first["session"], first["service"], first["text"]) == (2, "2a00", "USSD", "Salam")
        smsc.screen(ussd_service_op=18, session="2a00", short_message="1")
        smsc.screen(ussd_service_op=18, session="2a00", short_message="1")
        foreign = smsc.deliver(
            source_addr="212699999999", service_type="USSD", ussd_service_op=18, session="2a00", short_message="2"
        )
        assert foreign == adapter.REFUSED
        dial, *replies = taken(recorder)
        assert (dial.opens, dial.text) == (True, "")
        assert [(one.text, one.opens, one.session) for one in replies] == [("1", False, dial.session)] * 2
        assert len({one.external_id for one in taken(recorder)}) == 3

    def test_a_key_that_is_used_again_is_another_session(self, smsc: Smsc, bound: Smpp, recorder: Recorder) -> None:
        for sender in ("212612345678", "212699999999"):
            smsc.screen(source_addr=sender, ussd_service_op=1, session="2a00", short_message="*384#")
        first, second = taken(recorder)
        assert first.session != second.session

    def test_an_abort_ends_the_session(self, smsc: Smsc, bound: Smpp, recorder: Recorder) -> None:
        smsc.screen(ussd_service_op=1, session="2a00", short_message="*384#")
        smsc.deliver(ussd_service_op=129, session="2a00", short_message="")
        (ended,) = (one for one in recorder.taken if isinstance(one, Ended))
        assert (ended.dropped, ended.session) == (True, taken(recorder)[0].session)

    def test_a_dialect_keeps_its_own_key(self, smsc: Smsc, recorder: Recorder) -> None:
        with closing(channel(smsc.port, dialect="message-reference")) as one:
            one.start(recorder)
            smsc.event("bound")
            shown = smsc.screen(ussd_service_op=1, user_message_reference=4711, short_message="*384#")
        assert (shown["reference"], shown["session"]) == (4711, None)


WELL_FORMED = (Path(adapter.__file__).parent / "dialects" / "smpp34.yaml").read_text("utf-8")


class TestDialects:
    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ("  end: 17", "  ends: 17", r":8: 'ends' is no key of operations. Did you mean 'end'"),
            ("continue: 2", "continue: 300", r":7: continue is '300'. Write a number from 0 to 255"),
            (
                "tlv: its_session_info ",
                "tlv: its_session_inf ",
                r":10: tlv is 'its_session_inf'. .*user_message_reference",
            ),
            ("begin: [0, 1]", "begin: 1", r":4: begin is no list"),
            ("receipt_id: same", "receipt_id: octal", r":15: receipt_id is 'octal'. Write one of same, hex, decimal"),
            ("operations:", "operations: [", r":\d+: is no YAML"),
        ],
    )
    def test_a_wrong_one_names_line_and_remedy(self, tmp_path: Path, old: str, new: str, told: str) -> None:
        path = tmp_path / "own.yaml"
        path.write_text(WELL_FORMED.replace(old, new, 1), "utf-8")
        with pytest.raises(SettingsError, match=re.escape(str(path)) + told):
            channel(2775, dialect=str(path))

    def test_an_unknown_name_says_which_one_was_meant(self) -> None:
        with pytest.raises(SettingsError, match=r"\[channels\.op\] dialect: .*Did you mean 'smpp34'"):
            channel(2775, dialect="smpp3")

    def test_a_bind_needs_an_address(self) -> None:
        with pytest.raises(SettingsError, match="host is missing"):
            Smpp(Settings(name="op", type="smpp", port=2775, system_id="x"), "http://x")

    def test_the_shipped_ones_are_sound(self) -> None:
        assert {named("").session_tag, named("message-reference").session_tag} == {0x1383, 0x0204}


class TestEncoding:
    @given(st.text(st.sampled_from(sorted(GSM7)), min_size=1, max_size=400))
    def test_gsm_7_comes_back_as_it_was(self, text: str) -> None:
        joined = "".join(decoded(one[6:] if measure(text).segments > 1 else one, 0) or "" for one in pieces(text, 1))
        assert joined == text

    @given(st.binary(max_size=200))
    def test_no_bytes_are_more_than_senseless(self, raw: bytes) -> None:
        try:
            message = parse(raw)
        except Senseless:
            return
        _, body = opened(message)
        decoded(body, message.coding)
        fate(message)

    @given(st.binary(max_size=140), st.integers(0, 255), st.integers(0, 255))
    def test_every_coding_gives_a_text_or_none(self, body: bytes, coding: int, esm: int) -> None:
        _, rest = opened(Deliver("", TO, "2424", esm, coding, body, {}))
        assert isinstance(decoded(rest, coding), str | None)


@pytest.fixture
def project(smsc: Smsc, tmp_path: Path) -> Iterator[Project]:
    """A project with the shipped flows on a bind."""
    create(tmp_path / "demo", demo=True)
    with open(tmp_path / "demo" / "awal.toml", "a", encoding="utf-8") as file:
        file.write(
            f'\n[channels.op]\ntype = "smpp"\nhost = "127.0.0.1"\nport = {smsc.port}\nsystem_id = "awal"\n'
            'password = "pass"\nnumber = "*384#"\nbearers = ["sms", "ussd"]\nflow = "water"\n'
        )
    with Project(tmp_path / "demo") as one:
        live = one.channels["op"]
        assert isinstance(live, Smpp)
        live.start(one.conversations)
        try:
            yield one
        finally:
            live.close()


def test_a_citizen_whose_link_breaks_dials_again_and_completes_the_flow(smsc: Smsc, project: Project) -> None:
    smsc.event("bound")
    smsc.screen(ussd_service_op=1, session="2a00", short_message="*384#")
    for reply in "111":  # the language, the consent, the first question
        shown = smsc.screen(ussd_service_op=18, session="2a00", short_message=reply)
    smsc.do("drop")
    smsc.event("bound", 2)
    again = smsc.screen(ussd_service_op=1, session="0700", short_message="*384#")
    assert "متابعة" in again["text"]  # go on, or begin anew
    again = smsc.screen(ussd_service_op=18, session="0700", short_message="1")
    assert (again["op"], again["text"]) == (2, shown["text"])
    assert "link lost" in str(project.store.events(10))
    for turn in range(12):
        if again["op"] == 17:
            break
        reply = "1" if turn % 2 == 0 or "1" in again["text"] else "Oujda"
        again = smsc.screen(ussd_service_op=18, session="0700", short_message=reply)
    assert (again["op"], again["session"]) == (17, "0701")
    assert project.store.counts()["answers"] >= 3
