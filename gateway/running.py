"""A serving process: what must be there to answer, and after it what receives, sends and schedules.

The port answers as soon as the store is open; the engine, the adapters, the sender and the console are loaded after
that, so that a gateway that comes back from a crash is heard at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterable
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING

from gateway import log
from gateway.project import Project
from gateway.settings import Settings
from gateway.vitals import vitals
from storage.errors import StoreLocked

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from gateway.front import Front
    from gateway.lane import Lane
    from gateway.works import Works

PATIENCE = 3.0
"""Seconds to wait for a former process of ours that is still closing the store."""


class Running:
    """A gateway at work, from its making until `close`. Raises AwalError when it cannot work.

    Once made it answers; `begin` loads and starts the rest.
    """

    def __init__(self, directory: Path, settings: Settings, address: str = "") -> None:
        self.project = project = Project(directory, settings=settings)
        project.address = address
        settings.keys.raw("cookie")  # the console, made with the first page, is not where a missing key is found out
        wait_for_store(project)
        project.keep_time(self._still)
        self._turn = threading.Lock()
        self._making = threading.RLock()
        self._lane: Lane | None = None
        self._console: WSGIApplication | None = None
        self._front: Front | None = None
        self._works: Works | None = None

    def _still(self) -> AbstractContextManager[None]:
        """Pause whoever sends."""
        return self._works.sender.still() if self._works else nullcontext()

    @property
    def lane(self) -> Lane:
        """The webhook lane; it brings the engine and the adapters in."""
        if self._lane is None:
            from gateway.lane import Lane

            with self._making:
                project = self.project
                for channel in project.channels.values():
                    channel.clock_known = lambda: project.watch.known
                made = Lane(project.channels, project.conversations, note=project.note, took=project.latency.add)
                self._lane = self._lane or made
        return self._lane

    @property
    def console(self) -> WSGIApplication:
        """The Flask application; it is made with the first page that somebody asks for."""
        if self._console is None:
            from gateway.app import create_app

            with self._making:
                self._console = self._console or create_app(self.project)
        return self._console

    @property
    def pages(self) -> WSGIApplication:
        """All that is no webhook."""
        return vitals(self.project, lambda environ, start: self.console(environ, start))

    @property
    def application(self) -> WSGIApplication:
        """Everything as one WSGI application, for servers that give each request a thread."""
        return front(lambda environ, start: self.lane(environ, start), self.pages)

    @property
    def front(self) -> Front:
        """Everything for granian, whose one event loop waits for nobody."""
        from gateway.front import Front

        self._front = Front(lambda: self.lane, self.pages, self.project.settings.gateway.threads)
        return self._front

    def begin(self) -> None:
        """Warm the lane, and start what listens to commands, sends and schedules."""
        from gateway.works import Works

        with self._turn:
            if not self.project.closed:
                _ = self.lane
                self._works = Works(self.project)
                self._works.start()

    def close(self) -> None:
        """Stop what sends and schedules, then close the store."""
        with self._turn:
            if self._works:
                self._works.close()
            if self._front:
                self._front.close()
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
