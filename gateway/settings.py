"""The settings of a project: one table, from which the reader, the documentation and `awal doctor` are made.

Each section of `awal.toml` is a struct below; each field carries its help, and what it accepts, in a `Note`. Nothing
else names a setting: `table()` lists them, `settings_file` reads them, `settings_page` documents them. The fields'
types are no texts (`from __future__ import annotations`): to read each of them again would cost every start.
"""

import base64
import binascii
import re
from collections.abc import Iterator
from functools import cache
from typing import Annotated, Any, ClassVar, get_args, get_origin, get_type_hints

import msgspec
from msgspec import Struct

from flows.errors import AwalError

FILE = "awal.toml"
LANGUAGES = ("fr", "ar", "zgh", "zgh-Latn")
ID = r"[a-z0-9][a-z0-9-]{0,39}"
PREFIX = r"\+[1-9][0-9]{0,14}"
PHONE = r"\+[1-9][0-9]{6,14}"
URL = r"https?://[^\s/?#]+(/[^\s?#]*)?"


class SettingsError(AwalError):
    """A setting is missing, unknown or wrong; the message names the file, the key and the remedy."""


class Note(Struct, frozen=True):
    """What a setting is for and what it accepts: `pattern` a whole regular expression, `hint` its meaning in words."""

    help: str
    secret: bool = False
    choices: tuple[str, ...] = ()
    pattern: str = ""
    hint: str = ""
    least: float | None = None


class Section(Struct, frozen=True, kw_only=True):
    """One table of `awal.toml`. Its text form hides every secret, so that no log or error page can show one."""

    title: ClassVar[str] = ""

    def __repr__(self) -> str:
        notes = {setting.name: setting.secret for setting in describe(type(self))}
        shown = (f"{name}={'***' if notes[name] else quoted(getattr(self, name))}" for name in notes)
        return f"{type(self).__name__}({', '.join(shown)})"


class Gateway(Section, frozen=True, kw_only=True):
    """This gateway: who it is, where it is reached, what it keeps."""

    title = "gateway"

    id: Annotated[str, Note("Name of this gateway, unique in the country.", pattern=ID, hint="a-z, 0-9, hyphen")] = (
        "gateway"
    )
    name: Annotated[str, Note("Who writes to citizens, as they know it: `Commune d'Oujda`.")] = ""
    shared_phones: Annotated[
        bool, Note("Several people on one phone, each by a code of their own (`MOI 1234`), in private.")
    ] = True
    region: Annotated[str, Note("HCP code of the region it serves.", pattern="|0[1-9]|1[0-2]", hint="01 to 12")] = ""
    public_url: Annotated[
        str, Note("Address under which providers reach it.", pattern=URL, hint="http(s)://host[:port][/path]")
    ] = "http://127.0.0.1:8000"
    store: Annotated[
        str,
        Note(
            "Where answers are kept; `env:NAME` keeps a password out of the file.",
            pattern=r"(sqlite:|postgresql://).+",
            hint="sqlite:PATH or postgresql://…",
        ),
    ] = "sqlite:data/awal.db"
    reserve: Annotated[
        int,
        Note(
            "Megabytes kept on the disk below a SQLite store, in whose room conversations end when it is full; "
            "at most a twentieth of the disk. 0 keeps none.",
            least=0,
        ),
    ] = 32
    languages: Annotated[tuple[str, ...], Note("Languages offered to citizens, in this order.", choices=LANGUAGES)] = (
        "fr",
        "ar",
        "zgh",
    )
    timezone: Annotated[str, Note("Civil time of reports and schedules.")] = "Africa/Casablanca"
    battery_clock: Annotated[
        bool,
        Note(
            "Whether the machine keeps the time while it is switched off. `false` for a board without a battery clock: "
            "each start then waits for a time service, or for `awal clock confirm`, before it dates anything."
        ),
    ] = True
    server: Annotated[str, Note("HTTP server; waitress for very small boards.", choices=("granian", "waitress"))] = (
        "granian"
    )
    threads: Annotated[int, Note("Requests handled at the same time.", least=1)] = 8
    log: Annotated[str, Note("Least level that is logged, on stderr.", choices=("debug", "info", "warning"))] = "info"


class Channel(Section, frozen=True, kw_only=True):
    """One connection to a provider, a modem or an operator: `[channels.NAME]`."""

    title = "channels.NAME"

    type: Annotated[str, Note("Kind of provider: `awal channels` lists what each type serves.")]
    secret: Annotated[str, Note("Secret part of the inbound URL.", secret=True)] = ""
    secret_old: Annotated[str, Note("Former secret, still valid while it is being rotated.", secret=True)] = ""
    account_sid: Annotated[str, Note("Twilio account.")] = ""
    auth_token: Annotated[str, Note("Twilio token; it signs every inbound.", secret=True)] = ""
    auth_token_old: Annotated[str, Note("Former token, still valid while it is being rotated.", secret=True)] = ""
    username: Annotated[str, Note("Account name at the provider.")] = ""
    password: Annotated[str, Note("Password at the provider or SMSC.", secret=True)] = ""
    api_key: Annotated[str, Note("Key of the provider's API.", secret=True)] = ""
    number: Annotated[str, Note("Short code or phone number citizens write to.")] = ""
    api_url: Annotated[str, Note("Provider's origin without version path, for a relay or a test.")] = ""
    sendsms_url: Annotated[
        str, Note("Kannel's sendsms address.", pattern=f"|{URL}", hint="http(s)://host:port/cgi-bin/sendsms")
    ] = ""
    database: Annotated[
        str, Note("SQLite file of gammu-smsd, or of an SMPP channel's own, from the project's directory.")
    ] = ""
    host: Annotated[str, Note("SMSC host.")] = ""
    port: Annotated[int, Note("SMSC port.", least=0)] = 0
    system_id: Annotated[str, Note("SMPP system id.")] = ""
    tls: Annotated[bool, Note("Speak TLS to the SMSC, and check its certificate.")] = False
    tls_ca: Annotated[
        str, Note("PEM file of the project that the SMSC's certificate is signed with; empty for public authorities.")
    ] = ""
    bearers: Annotated[tuple[str, ...], Note("What an SMPP bind carries.", choices=("sms", "ussd"))] = ()
    dialect: Annotated[str, Note("Dialect of an SMPP channel: a shipped name, or a YAML file of the project.")] = ""
    profile: Annotated[str, Note("Profile of an ussd-http channel: a shipped name, or a YAML file of the project.")] = (
        ""
    )
    flow: Annotated[str, Note("Flow this channel's USSD code opens; empty offers a menu.")] = ""
    bip: Annotated[str, Note("Flow that a missed call opens by SMS; empty takes no calls.")] = ""
    gsm_limit: Annotated[int, Note("Septets a USSD screen holds.", least=40)] = 160
    ucs2_limit: Annotated[int, Note("UCS-2 units a USSD screen holds.", least=30)] = 70
    rate: Annotated[float, Note("Most segments sent a second; 0 for no limit.", least=0)] = 0.0
    window: Annotated[int, Note("Messages on their way to the provider at the same time.", least=1)] = 1
    budget_hour: Annotated[int, Note("Most segments sent in a civil hour; 0 for no limit.", least=0)] = 0
    budget_day: Annotated[int, Note("Most segments sent a day; 0 for no limit.", least=0)] = 0
    prefixes: Annotated[
        tuple[str, ...],
        Note(
            "Numbers it may send to unasked, or for a channel that is down; empty for all.",
            pattern=PREFIX,
            hint="+212…",
        ),
    ] = ()
    quiet_hours: Annotated[
        str,
        Note(
            "Hours without unasked messages; empty for none.",
            pattern=r"|([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d",
            hint='"21:00-08:00"',
        ),
    ] = "21:00-08:00"
    price_sms: Annotated[float, Note("What one SMS segment sent costs, for `awal budget`.", least=0)] = 0.0
    price_in: Annotated[float, Note("What one SMS received costs, where its provider bills it.", least=0)] = 0.0
    price_ussd: Annotated[float, Note("What one USSD session costs.", least=0)] = 0.0
    currency: Annotated[str, Note("Currency of these prices.", pattern="[A-Z]{3}", hint="three capital letters")] = (
        "MAD"
    )
    retry_first: Annotated[float, Note("Seconds before the first retry; doubled each time, to 1 h.", least=0)] = 5.0


class Sending(Section, frozen=True, kw_only=True):
    """What citizens are spared, whichever channel sends."""

    title = "sending"

    prefixes: Annotated[
        tuple[str, ...],
        Note(
            "Numbers that get messages nobody asked for; a reply goes to whoever wrote.", pattern=PREFIX, hint="+212…"
        ),
    ] = ("+2126", "+2127")
    unasked_day: Annotated[
        int,
        Note("Most unasked messages (reminders, campaigns, notices) a citizen gets a day; 0 for no limit.", least=0),
    ] = 3
    failover: Annotated[float, Note("Minutes a channel is down before others carry its SMS; 0 for never.", least=0)] = (
        10.0
    )


class Campaigns(Section, frozen=True, kw_only=True):
    """Campaigns: who may be asked, and who must agree to it."""

    title = "campaigns"

    threshold: Annotated[
        int,
        Note(
            "Citizens whom one person may have asked; a campaign that asks more waits for a second operator.",
            least=0,
        ),
    ] = 100
    keep_numbers: Annotated[
        int,
        Note(
            "Days for which the sealed number of who agreed to take part is kept, so that a campaign can reach them; "
            "0 keeps none.",
            least=0,
        ),
    ] = 365


class Operator(Section, frozen=True, kw_only=True):
    """A person who starts and approves campaigns: `[operators.NAME]`."""

    title = "operators.NAME"

    password: Annotated[str, Note("Hash of this person's own password (`awal password` makes one).", secret=True)]


class National(Section, frozen=True, kw_only=True):
    """The national platform that aggregates are sent to."""

    title = "national"

    url: Annotated[
        str, Note("Address of the platform; empty sends nothing.", pattern=f"|{URL}", hint="http(s)://…")
    ] = ""
    key: Annotated[
        str,
        Note(
            "The platform's public key; bundles, SMS and QR codes are sealed for it.",
            pattern="|[A-Za-z0-9+/]{42}[AEIMQUYcgkosw048]=",
            hint="32 bytes in base64, as `awal-national keys` prints it",
        ),
    ] = ""
    every: Annotated[int, Note("Minutes between two synchronisations.", least=1)] = 15
    phone: Annotated[
        str, Note("Number the platform receives SMS on; empty sends none.", pattern=f"|{PHONE}", hint="+212…")
    ] = ""
    channel: Annotated[str, Note("Channel that sends to it; empty for the first that can.")] = ""
    sms_after: Annotated[
        float,
        Note("Hours without a link before counts leave by SMS by themselves; a week that is over waits one.", least=0),
    ] = 24.0
    sms_budget: Annotated[int, Note("Most segments a day that counts may cost.", least=0)] = 40

    def platform(self) -> bytes:
        """Return the 32 bytes of the platform's public key; raises SettingsError when it is not set."""
        if not self.key:
            raise SettingsError(
                f"{FILE}: [national] key is empty. Write there the public_key that `awal-national keys` prints on the "
                "platform."
            )
        return base64.b64decode(self.key, validate=True)


class Official(Section, frozen=True, kw_only=True):
    """A person who receives the report by SMS: `[officials.NAME]`."""

    title = "officials.NAME"

    phone: Annotated[str, Note("Number the digest goes to.", secret=True, pattern=PHONE, hint="+212…")]
    language: Annotated[str, Note("Language of the digest.", choices=LANGUAGES)] = "fr"
    place: Annotated[str, Note("HCP code of the place reported; empty for the gateway's whole region.")] = ""
    schedule: Annotated[
        str, Note("When the digest goes: `daily 18:00`, `monday 08:00` or `monthly 08:00`, in civil time.")
    ] = "monday 08:00"
    channel: Annotated[str, Note("Channel that sends it; empty for the first that can.")] = ""


class Keys(Section, frozen=True, kw_only=True):
    """Keys of this gateway, 32 bytes each in base64, made by `awal init`. Losing them loses what they protect."""

    title = "keys"

    pseudonym: Annotated[str, Note("Turns phone numbers into pseudonyms.", secret=True)] = ""
    phone: Annotated[str, Note("Encrypts the numbers a reply must reach.", secret=True)] = ""
    signing: Annotated[str, Note("Ed25519 key that signs what is sent to the platform.", secret=True)] = ""
    cookie: Annotated[str, Note("Signs the console's cookies.", secret=True)] = ""

    def raw(self, name: str) -> bytes:
        """Return the 32 bytes of a key; raises SettingsError when it is missing or no such key."""
        try:
            key = base64.b64decode(getattr(self, name), validate=True)
        except binascii.Error:
            key = b""
        if len(key) != 32:
            raise SettingsError(f"{FILE}: [keys] {name} is not 32 bytes in base64. Copy it from a backup of the file.")
        return key


class Console(Section, frozen=True, kw_only=True):
    """The operators' console."""

    title = "console"

    password: Annotated[
        str, Note("Hash of the operator's password (`awal password` makes a new one).", secret=True)
    ] = ""
    demo: Annotated[bool, Note("Demo project: one-time links are printed.")] = False


class Settings(Section, frozen=True, kw_only=True):
    """A whole `awal.toml`."""

    gateway: Gateway = Gateway()
    channels: dict[str, Channel] = {}
    sending: Sending = Sending()
    campaigns: Campaigns = Campaigns()
    operators: dict[str, Operator] = {}
    national: National = National()
    officials: dict[str, Official] = {}
    keys: Keys = Keys()
    console: Console = Console()

    def __repr__(self) -> str:
        return f"Settings({', '.join(f'{name}={getattr(self, name)!r}' for name in self.__struct_fields__)})"


KINDS = {"str": "text", "int": "whole number", "float": "number", "bool": "true or false", "list": "list of texts"}
"""What each kind of setting is called."""


class Setting(Struct, frozen=True):
    """One row of the table. `default` is None where the setting is required."""

    section: str
    name: str
    kind: str
    default: Any
    help: str
    secret: bool
    note: Note


SECTIONS: dict[str, type[Section]] = {
    "gateway": Gateway,
    "channels": Channel,
    "sending": Sending,
    "campaigns": Campaigns,
    "operators": Operator,
    "national": National,
    "officials": Official,
    "keys": Keys,
    "console": Console,
}
NAMED = ("channels", "officials", "operators")
"""Sections that come once per name."""


@cache
def describe(section: type[Section]) -> tuple[Setting, ...]:
    """Return the rows of one section, in the order of its fields."""
    hints = get_type_hints(section, include_extras=True)
    rows = []
    for field in msgspec.structs.fields(section):
        base, note = get_args(hints[field.name])
        default = None if field.required else field.default
        kind = "list" if get_origin(base) is tuple else base.__name__
        rows.append(Setting(section.title, field.name, kind, default, note.help, note.secret, note))
    return tuple(rows)


def table() -> Iterator[Setting]:
    """Yield every setting there is."""
    for section in SECTIONS.values():
        yield from describe(section)


def quoted(value: object) -> str:
    """Return a value as it may be shown: a URL goes without its password."""
    return re.sub(r"(://)[^/]*@", r"\1***@", repr(value))
