"""`awal.toml`: what is read, what is refused and with which words, and what never shows."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from gateway.channels.base import Settings as ChannelSettings
from gateway.cli.init import create
from gateway.settings import SECTIONS, Channel, Setting, SettingsError, describe, table
from gateway.settings_file import load, read
from gateway.settings_page import markdown

SECRET = "correct-horse-battery-staple"


def refusal(text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        read(text, "awal.toml", environ or {})
    return str(caught.value)


def test_an_empty_file_gives_the_defaults_of_the_table() -> None:
    settings = read("")
    assert settings.gateway.store == "sqlite:data/awal.db"
    assert settings.gateway.timezone == "Africa/Casablanca"
    assert settings.gateway.languages == ("fr", "ar", "zgh")
    assert settings.channels == {}


def test_values_are_read_into_their_section() -> None:
    settings = read(
        """
        [gateway]
        id = "oriental"
        region = "02"
        threads = 4
        [channels.at]
        type = "africastalking"
        retry_first = 2
        [officials.oujda]
        phone = "+212600000001"
        """
    )
    assert (settings.gateway.id, settings.gateway.region, settings.gateway.threads) == ("oriental", "02", 4)
    assert settings.channels["at"].retry_first == 2.0
    assert settings.officials["oujda"].schedule == "monday 08:00"


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[gatway]", ("[gatway]", "no such section", "'gateway'")),
        ("[gateway]\nregon = '02'", ("[gateway] regon", "'region'")),
        ("[channels.at]\ntype = 'x'\nsecrt = 'x'", ("[channels.at] secrt", "'secret'")),
        ("[channels.at]\nsecret = 'x'", ("[channels.at]", "type is missing")),
        ("[channels.'A B']\ntype = 'x'", ("[channels.A B]", "no name")),
        ("channels = 3", ("[channels]", "must be a table")),
        ("[gateway]\nthreads = '4'", ("[gateway] threads", "'4'", "whole number")),
        ("[gateway]\nthreads = true", ("[gateway] threads", "whole number")),
        ("[gateway]\nthreads = 0", ("[gateway] threads", "the least is 1")),
        ("[sending]\nprefixes = ['+2126', '0661']", ("[sending] prefixes", "'0661'", "+212")),
        (
            "[channels.at]\ntype = 'x'\nquiet_hours = '08:00-08:00'",
            ("quiet_hours", "'08:00-08:00'", "ends when it begins"),
        ),
        ("[national]\nkey = 'c2hvcnQ='", ("[national] key", "c2hvcnQ=", "`awal-national keys`")),
        ("[gateway]\nregion = '13'", ("'13'", "01 to 12")),
        ("[gateway]\npublic_url = 'awal.ma'", ("'awal.ma'", "http(s)://")),
        ("[gateway]\nstore = 'mysql://x'", ("'mysql://x'", "sqlite:PATH")),
        ("[gateway]\nlanguages = ['fr', 'en']", ("languages", "zgh-Latn")),
        ("[gateway]\ntimezone = 'Mars/Olympus'", ("'Mars/Olympus'", "Africa/Casablanca")),
        ("[gateway]\ntimezone = '../../etc/passwd'", ("timezone",)),
        ("[officials.x]\nphone = '0600'", ("[officials.x] phone", "+212")),
        ("[gateway]\nid = 'a'\nid = 'b'", ("is not TOML",)),
    ],
)
def test_what_is_wrong_is_named_with_file_key_and_remedy(text: str, parts: tuple[str, ...]) -> None:
    message = refusal(text)
    assert message.startswith("awal.toml: ")
    assert "\n" not in message
    for part in parts:
        assert part in message


def test_a_value_can_come_from_the_environment() -> None:
    text = '[gateway]\nthreads = "env:THREADS"\nlanguages = "env:LANGUAGES"'
    settings = read(text, environ={"THREADS": "3", "LANGUAGES": "ar, fr"})
    assert settings.gateway.threads == 3
    assert settings.gateway.languages == ("ar", "fr")


def test_an_absent_variable_is_named() -> None:
    assert "NO_SUCH" in refusal('[gateway]\nid = "env:NO_SUCH"')


@pytest.mark.parametrize(
    "row", [row for row in table() if row.secret and row.name != "phone"], ids=lambda row: row.name
)
def test_a_secret_shows_in_no_text_form(row: Setting) -> None:
    family = row.section.partition(".")
    header = f"[{family[0]}.one]" if family[1] else f"[{family[0]}]"
    header += "\ntype = 'x'" if family[0] == "channels" else ""
    settings = read(f'{header}\n{row.name} = "{SECRET}"')
    for shown in (repr(settings), str(settings), f"{settings}", repr(settings.channels), repr(settings.keys)):
        assert SECRET not in shown


def test_a_wrong_secret_is_not_quoted() -> None:
    assert "0612345678" not in refusal("[officials.x]\nphone = '0612345678'")


def test_a_key_that_is_no_key_is_refused() -> None:
    keys = read(f'[keys]\nphone = "{base64.b64encode(bytes(32)).decode()}"\nsigning = "c2hvcnQ="').keys
    assert keys.raw("phone") == bytes(32)
    for name in ("signing", "cookie"):
        with pytest.raises(SettingsError, match=name):
            keys.raw(name)


def test_the_platforms_key_is_as_its_own_program_prints_it() -> None:
    printed = base64.b64encode(bytes(range(32))).decode()
    assert read(f'[national]\nkey = "{printed}"').national.platform() == bytes(range(32))
    with pytest.raises(SettingsError, match=r"\[national\] key is empty.*awal-national keys"):
        read("").national.platform()


def test_every_setting_of_an_adapter_is_in_the_table_with_the_same_default() -> None:
    rows = {row.name: row for row in describe(Channel)}
    for name, default in zip(
        ChannelSettings.__struct_fields__[::-1], ChannelSettings.__struct_defaults__[::-1], strict=False
    ):
        if name != "name":
            assert rows[name].default == default, name


def test_every_setting_is_explained_in_one_sentence() -> None:
    for row in table():
        assert row.help[0].isupper(), row.name
        assert row.help.endswith("."), row.name
        assert f"| `{row.name}` |" in markdown()


def test_every_setting_can_be_written_as_its_own_default() -> None:
    """The reader accepts what the documentation shows."""
    for section in SECTIONS.values():
        for row in describe(section):
            if row.default is not None and not row.section.endswith("NAME"):
                value = str(list(row.default) if isinstance(row.default, tuple) else row.default)
                quoted = f'"{value}"' if row.kind == "str" else value.lower() if row.kind == "bool" else value
                assert (
                    getattr(getattr(read(f"[{row.section}]\n{row.name} = {quoted}"), row.section), row.name)
                    == row.default
                )


def test_a_new_project_reads_back(tmp_path: Path) -> None:
    create(tmp_path, demo=False)
    settings = load(tmp_path)
    assert settings.channels == {}
    assert {len(settings.keys.raw(row.name)) for row in describe(type(settings.keys))} == {32}


def test_a_directory_without_a_project_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="awal init"):
        load(tmp_path)


def test_a_file_in_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "awal.toml").write_bytes("[gateway]\nid = 'é'".encode("latin-1"))
    with pytest.raises(SettingsError, match="encoding"):
        load(tmp_path)
