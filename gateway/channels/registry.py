"""Which adapter serves which `type` of awal.toml. An adapter loads only when a project uses it."""

from __future__ import annotations

from importlib import import_module

from flows.nearest import did_you_mean
from gateway.channels.base import Channel, Settings
from gateway.settings import SettingsError

ADAPTERS: dict[str, str] = {
    "africastalking": "gateway.channels.africastalking:AfricasTalking",
    "gammu": "gateway.channels.gammu:Gammu",
    "http": "gateway.channels.http:Http",
    "kannel": "gateway.channels.kannel:Kannel",
    "simulator": "gateway.channels.simulator:Simulator",
    "smpp": "gateway.channels.smpp:Smpp",
    "twilio": "gateway.channels.twilio:Twilio",
    "ussd-http": "gateway.channels.ussd_http:UssdHttp",
}
"""Type to `module:class`. A type listed here must have recorded requests and a sender in the conformance suite."""


def adapter(name: str) -> type[Channel]:
    """Return the class that serves a type; raises SettingsError naming the nearest one known."""
    if name not in ADAPTERS:
        raise SettingsError(f"{name!r} is no type of channel. {did_you_mean(name, list(ADAPTERS))}")
    module, kind = ADAPTERS[name].split(":")
    found: type[Channel] = getattr(import_module(module), kind)
    return found


def create(settings: Settings, public_url: str) -> Channel:
    """Return the channel of one `[channels.NAME]`; raises SettingsError when its type or a setting is wrong."""
    try:
        kind = adapter(settings.type)
    except SettingsError as error:
        raise SettingsError(f"[channels.{settings.name}] type: {error}") from None
    return kind(settings, public_url)
