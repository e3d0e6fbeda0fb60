"""What works beside the answering: commands, links that fetch, the sender, the scheduled jobs and the chores."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial

from gateway.channels.live import LiveChannel
from gateway.control import Control
from gateway.jobs import ask_campaigns, count_ahead, follow_up, jobs, watch_disk
from gateway.project import Project
from gateway.scheduler import Scheduler
from gateway.sender import Sender

GARBAGE = 5_000
"""New objects after which the newest are looked through for garbage; few of a request's are, all others go at once."""


class Works:
    """The parts of one gateway, started together and closed in order."""

    def __init__(self, project: Project) -> None:
        self.project = project
        watch = project.keep_time()
        self.sender = Sender(
            project.store,
            project.channels,
            project.phones,
            project.clock,
            timezone=project.settings.gateway.timezone,
            rules=project.settings.sending,
            known=lambda: watch.known,
        )
        project.grown = self.sender.notify
        chores: list[Callable[[], None]] = [
            project.reload_flows,
            watch.look,
            partial(count_ahead, project),
            partial(watch_disk, project),
            partial(ask_campaigns, project),
            partial(follow_up, project),
        ]
        self.scheduler = Scheduler(
            project.store, jobs(project), project.clock, chores=chores, known=lambda: watch.known
        )
        project.leads = lambda: self.scheduler.leader
        self.live = [channel for channel in project.channels.values() if isinstance(channel, LiveChannel)]
        self._control: Control | None = None

    def start(self) -> None:
        """Listen to commands, open the links, send and schedule."""
        gc.collect()
        gc.freeze()  # flows, words and places stay for good: nobody waits while they are looked through for garbage
        gc.set_threshold(GARBAGE)
        self._control = Control(self.project)
        for channel in self.live:
            channel.start(self.project.conversations)
        self.sender.start()
        self.scheduler.start()

    def close(self) -> None:
        """Stop all of it, and let the links go."""
        if self._control:
            self._control.close()
        self.scheduler.stop()
        self.sender.stop()
        for channel in self.live:
            channel.close()
