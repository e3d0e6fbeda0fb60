"""A project directory brought to life: settings, store, flows, words, channels, keys. Each part on first use."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from gateway.log import logger
from gateway.settings import FILE, Settings, SettingsError, did_you_mean, load

if TYPE_CHECKING:
    from types import TracebackType

    from gateway.channels.base import Channel
    from gateway.flowset import Flowset
    from gateway.phones import Phones
    from locales.catalogue import Catalogues
    from storage.store import Store


class Project:
    """What the commands and the server work on. Use it as a context, so that the store is closed at the end."""

    def __init__(self, directory: Path, *, readonly: bool = False, settings: Settings | None = None) -> None:
        self.directory = Path(directory)
        self.readonly = readonly
        if settings is not None:
            self.settings = settings

    def __enter__(self) -> Project:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @cached_property
    def settings(self) -> Settings:
        """The settings in `awal.toml`; raises SettingsError."""
        return load(self.directory)

    @cached_property
    def store(self) -> Store:
        """The open store; raises StoreLocked when another process has it, unless this project is read-only."""
        from storage import open_store

        return open_store(self.settings.gateway.store, self.directory, readonly=self.readonly)

    @cached_property
    def texts(self) -> Catalogues:
        """The words citizens read: the project's own catalogues first, then the shipped ones."""
        from locales.catalogue import Catalogues

        return Catalogues(self.directory / "locales")

    @cached_property
    def flowset(self) -> Flowset:
        """The flows served, and what is wrong with the others."""
        from gateway.flowset import Flowset

        return Flowset(self.directory / "flows")

    @cached_property
    def phones(self) -> Phones:
        """Pseudonyms and sealed numbers, under this gateway's keys."""
        from gateway.phones import Phones

        return Phones(self.settings.keys.raw("pseudonym"), self.settings.keys.raw("phone"))

    @cached_property
    def channels(self) -> Mapping[str, Channel]:
        """The configured adapters by name; raises SettingsError when one lacks what authenticity needs."""
        from gateway.channels.registry import create

        url = self.settings.gateway.public_url
        return {name: create(self.channel_settings(name), url) for name in self.settings.channels}

    def channel_settings(self, name: str) -> Any:
        """Return one channel's settings as its adapter takes them."""
        from gateway.channels.base import Settings as ChannelSettings

        given = self.settings.channels[name]
        known = [field for field in ChannelSettings.__struct_fields__ if field != "name"]
        return ChannelSettings(name=name, **{field: getattr(given, field) for field in known})

    def channel(self, name: str) -> Channel:
        """Return one channel; an unknown name is refused with the nearest known."""
        if name not in self.channels:
            raise SettingsError(f"{FILE}: there is no channel {name!r}. {did_you_mean(name, list(self.channels))}")
        return self.channels[name]

    @property
    def timezone(self) -> ZoneInfo:
        """The civil time of reports and schedules."""
        return ZoneInfo(self.settings.gateway.timezone)

    @cached_property
    def public_key(self) -> str:
        """The Ed25519 public key, base64, that the platform checks this gateway's signature with."""
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        key = Ed25519PrivateKey.from_private_bytes(self.settings.keys.raw("signing"))
        return base64.b64encode(key.public_key().public_bytes_raw()).decode()

    def close(self) -> None:
        """Close the store if it was opened."""
        store: Store | None = self.__dict__.pop("store", None)
        if store is not None:
            store.close()
            logger.debug("store closed")
