"""A project directory brought to life: settings, store, flows, words, channels, keys. Each part on first use."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from flows.errors import AwalError
from flows.nearest import did_you_mean
from gateway import log
from gateway.clock import Clock, Wall
from gateway.settings import FILE, Settings, SettingsError
from gateway.settings_file import load
from storage.histogram import Histogram

if TYPE_CHECKING:
    from types import TracebackType

    from gateway.channels.base import Channel, Received
    from gateway.channels.base import Settings as ChannelSettings
    from gateway.conversation import Conversations
    from gateway.flowfiles import FlowFiles
    from gateway.following import Follower
    from gateway.library import Library
    from gateway.phones import Phones
    from locales.catalogue import Catalogues
    from reports.sync import Syncer
    from storage.store import Store


class Project:
    """What the commands and the server work on. Use it as a context, so that the store is closed at the end.

    `readonly` opens the store beside a running gateway, to look only.
    """

    def __init__(self, directory: Path, *, readonly: bool = False, settings: Settings | None = None) -> None:
        self.directory = Path(directory)
        self.readonly = readonly
        self.grown: Callable[[], None] = lambda: None
        """Called when a conversation put something in the outbox."""
        self.leads: Callable[[], bool] = lambda: False
        """Tells whether this process runs the scheduled jobs."""
        self.latency = Histogram()
        """How long inbounds took, from request to answer."""
        self.watch: Wall = Wall()
        """What tells the time: the machine's clock, or a `Clock` that knows when that cannot be believed."""
        self.address = ""
        """The address this process listens on, where it serves."""
        self.closed = False
        self._looked = False
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
        from storage.open import is_postgres, open_store, store_path

        gateway = self.settings.gateway
        there = is_postgres(gateway.store) or store_path(gateway.store, self.directory).is_file()
        beside = self.readonly and there
        return open_store(
            gateway.store,
            self.directory,
            beside,
            gateway.timezone,
            reserve=gateway.reserve << 20,
            threads=gateway.threads,
        )

    @cached_property
    def texts(self) -> Catalogues:
        """The words citizens read: the project's own catalogues first, then the shipped ones."""
        from locales.catalogue import Catalogues

        data = self.directory / "data"
        return Catalogues([self.directory / "locales"], cache=data / "cache" if data.is_dir() else None)

    @cached_property
    def files(self) -> FlowFiles:
        """The project's flow files, and what is wrong with them."""
        from gateway.flowfiles import FlowFiles

        cache = self.directory / "data" / "cache" / "flows.msgpack"
        return FlowFiles(self.directory / "flows", lambda: self.texts, self.directory / "locales", cache)

    @cached_property
    def library(self) -> Library:
        """The flows being served: those without an error."""
        from gateway.library import Library

        library = Library(self.store, self.settings.gateway.languages)
        library.serve(self.files.sound(), self.clock())
        return library

    @cached_property
    def conversations(self) -> Conversations:
        """What takes the inbounds."""
        from gateway.conversation import Conversations

        gateway = self.settings.gateway
        return Conversations(
            self.store,
            self.library,
            self.texts,
            self.phones,
            self.clock,
            timezone=gateway.timezone,
            within=gateway.region,
            languages=gateway.languages,
            sent=lambda: self.grown(),
            machine=self._is_receipt if self.settings.national.phone else None,
            carrier=self._carrier,
            prefixes=self.settings.sending.prefixes,
            keeps=self.settings.campaigns.keep_numbers > 0,
            watch=self.watch,
            shared_phones=gateway.shared_phones,
        )

    def _carrier(self, channel: Channel, number: str) -> str:
        """Name the channel that carries an SMS to who wrote over `channel`; empty where none serves the number."""
        known = self._carriers.get(channel.name)
        return self._chosen(channel.name, number) if known is None else known

    @cached_property
    def _carriers(self) -> Mapping[str, str]:
        """The carrier for who wrote over each channel, where it is the same for every number."""
        if any(channel.settings.prefixes for channel in self.channels.values()):
            return {}
        return {name: self._chosen(name, "") for name in self.channels}

    def _chosen(self, wanted: str, number: str) -> str:
        from gateway.sending.routing import choose

        able = choose(self.channels.values(), number, wanted)
        return able.name if able else ""

    def _is_receipt(self, received: Received) -> bool:
        """Take in an inbound that is a receipt of the national platform; False for a citizen's."""
        from gateway.platform_sms import receipt

        return receipt(self, received)

    @cached_property
    def follower(self) -> Follower:
        """What looks after the conversations that wait."""
        from gateway.following import Follower

        zone = self.settings.gateway.timezone
        return Follower(self.store, self.library, self.texts, self.phones, self.channels, self._carrier, zone)

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

    @cached_property
    def syncer(self) -> Syncer:
        """What brings the national platform up to date; it remembers failures from one attempt to the next."""
        from reports.sync import open_syncer

        gateway, url = self.settings.gateway, self.settings.national.url
        if not url:
            raise SettingsError(f"{FILE}: [national] url is empty. Write the platform's address there to send to it.")
        return open_syncer(
            self.store,
            url=url,
            gateway=gateway.id,
            region=gateway.region,
            signing=self.settings.keys.signing,
            texts=self.texts,
            clock=self.clock,
            timezone=gateway.timezone,
        )

    def channel_settings(self, name: str) -> ChannelSettings:
        """Return one channel's settings as its adapter takes them; paths are the project's."""
        from gateway.channels.base import Settings as ChannelSettings

        given = self.settings.channels[name]
        known = {field: getattr(given, field) for field in ChannelSettings.__struct_fields__ if field != "name"}
        if given.database:
            known["database"] = str(self.directory.absolute() / given.database)
        if given.tls_ca:
            known["tls_ca"] = str(self.directory.absolute() / given.tls_ca)
        if given.profile.endswith((".yaml", ".yml")):
            known["profile"] = str(self.directory.absolute() / given.profile)
        if given.dialect.endswith((".yaml", ".yml")):
            known["dialect"] = str(self.directory.absolute() / given.dialect)
        if given.type == "smpp" and not given.database:
            known["database"] = str(self.directory.absolute() / "data" / f"smpp-{name}.db")
        return ChannelSettings(name=name, **known)

    def channel(self, name: str) -> Channel:
        """Return one channel; an unknown name is refused with the nearest known."""
        if name not in self.channels:
            raise SettingsError(f"{FILE}: there is no channel {name!r}. {did_you_mean(name, list(self.channels))}")
        return self.channels[name]

    def flow_id(self, name: str) -> str:
        """Return the id of a flow being served; an unknown one is refused with the nearest known."""
        served = [flow.id for flow in self.files.sound()]
        if name not in served:
            raise AwalError(f"{self.directory / 'flows'}: there is no flow {name!r}. {did_you_mean(name, served)}")
        return name

    @property
    def timezone(self) -> ZoneInfo:
        """The civil time of reports and schedules."""
        return ZoneInfo(self.settings.gateway.timezone)

    @property
    def running(self) -> bool:
        """Tell whether a gateway serves this project now, in whatever process."""
        from gateway.control import is_running

        return is_running(self.directory)

    def clock(self) -> int:
        """Return now, in milliseconds of the Unix epoch."""
        return self.watch.now()

    def keep_time(self, still: Callable[[], AbstractContextManager[None]] = nullcontext) -> Clock:
        """Return the clock on this project's store, from now on that of all its parts; `still` as for `Clock`."""
        if not isinstance(self.watch, Clock):
            gateway = self.settings.gateway
            watch = Clock(self.store, gateway.timezone, still=still, battery=gateway.battery_clock)
            watch.begin(keep=not self.readonly)
            self.watch = watch
        return self.watch

    def note(self, kind: str, detail: str) -> None:
        """Keep something an operator should be able to read later."""
        self.store.log_event(kind, detail, self.clock())

    def phone(self, text: str) -> str:
        """Return a number as written by an operator in E.164; raises AwalError when it is none."""
        from gateway.phones import normalise

        number = normalise(text)
        if number is None:
            raise AwalError("This is no phone number. Write it with its country code, such as +212600000000.")
        return number

    def reload_flows(self) -> None:
        """Serve the flow files as they are now, if any of them has changed.

        Every path of a changed flow is walked before it is served. Those of the start are served at once, and walked at
        the second look, so that a start is not slowed down.
        """
        changed = self.files.refresh()
        if (changed or self._looked) and self.files.walk():
            changed = True
        self._looked = True
        if changed:
            self.library.serve(self.files.sound(), self.clock())
            log.event("flows reloaded", flows=",".join(self.library.flows))

    def close(self) -> None:
        """Close the store if it was opened."""
        self.closed = True
        store: Store | None = self.__dict__.pop("store", None)
        if store is not None:
            store.close()
