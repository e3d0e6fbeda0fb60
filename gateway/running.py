"""The parts of a serving process: application, sender and scheduler, started together and closed in order."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import log
from gateway.channels.live import LiveChannel
from gateway.control import Control
from gateway.jobs import ask_campaigns, count_ahead, jobs, watch_disk
from gateway.lane import Lane
from gateway.project import Project
from gateway.scheduler import Scheduler
from gateway.sender import Sender
from gateway.settings import Settings
from storage.errors import StoreLocked

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from gateway.front import Front

PATIENCE = 3.0
"""Seconds to wait for a former process of ours that is still closing the store."""


class Running:
    """A gateway at work, from its making until `close`. Raises AwalError when it cannot work.

    Making it gives `application`, which answers at once; `begin` loads and starts the rest.
    """

    def __init__(self, directory: Path, settings: Settings, address: str = "") -> None:
        self.project = project = Project(directory, settings=settings)
        project.address = address
        wait_for_store(project)
        watch = project.keep_time(lambda: self.sender.still())
        self.sender = Sender(
            project.store,
            project.channels,
            project.phones,
            project.clock,
            timezone=settings.gateway.timezone,
            rules=settings.sending,
            known=lambda: watch.known,
        )
        project.grown = self.sender.notify
        chores: list[Callable[[], None]] = [
            project.reload_flows,
            watch.look,
            partial(count_ahead, project),
            partial(watch_disk, project),
            partial(ask_campaigns, project),
        ]
        self.scheduler = Scheduler(
            project.store, jobs(project), project.clock, chores=chores, known=lambda: watch.known
        )
        for channel in project.channels.values():
            channel.clock_known = lambda: watch.known
        project.leads = lambda: self.scheduler.leader
        self._turn = threading.Lock()
        self._control: Control | None = None

    @cached_property
    def lane(self) -> Lane:
        """The webhook lane; it brings the engine in, which the first page need not wait for."""
        project = self.project
        return Lane(project.channels, project.conversations, note=project.note, took=project.latency.add)

    @cached_property
    def pages(self) -> WSGIApplication:
        """The Flask application, for all that is no webhook."""
        from gateway.app import create_app

        return create_app(self.project)

    @cached_property
    def application(self) -> WSGIApplication:
        """Everything as one WSGI application, for servers that give each request a thread."""
        return front(lambda environ, start: self.lane(environ, start), self.pages)

    @cached_property
    def front(self) -> Front:
        """Everything for granian, whose one event loop waits for nobody."""
        from gateway.front import Front

        return Front(lambda: self.lane, self.pages, self.project.settings.gateway.threads)

    def begin(self) -> None:
        """Warm the lane, and start what listens to commands, sends and schedules."""
        with self._turn:
            if self.project.closed:
                return
            _ = self.lane
            self._control = Control(self.project)
            for channel in self._live():
                channel.start(self.project.conversations)
            self.sender.start()
            self.scheduler.start()

    def _live(self) -> list[LiveChannel]:
        """Return the channels that fetch or hold a link open."""
        return [channel for channel in self.project.channels.values() if isinstance(channel, LiveChannel)]

    def close(self) -> None:
        """Stop what sends and schedules, then close the store."""
        with self._turn:
            if self._control:
                self._control.close()
            self.scheduler.stop()
            self.sender.stop()
            for channel in self._live():
                channel.close()
            if "front" in self.__dict__:
                self.front.close()
            self.project.close()
        log.event("stopped")


def front(lane: WSGIApplication, flask: WSGIApplication) -> WSGIApplication:
    """Return one application: `/in/…` goes to the webhook lane, all else to Flask."""

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        chosen = lane if environ.get("PATH_INFO", "").startswith("/in/") else flask
        return chosen(environ, start_response)

    return application


def wait_for_store(project: Project) -> None:
    """Open the store; one that is held by another process is tried again for a moment."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            project.store.counts()
        except StoreLocked:
            if time.monotonic() > until:
                raise
            time.sleep(0.1)
        else:
            return
