"""A gateway that only runs one campaign, on a clock of its own, until it is killed: `campaign_killed.py FOLDER NOW`.

Everything the provider takes is on disk before it is acknowledged, and citizens reply to it: most to the end, some with
STOP, others never. Each look at the clock is one line on stdout.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from campaign_world import CASABLANCA, Campaigner

from gateway.campaigns.tick import tick
from gateway.channels.base import Sendable, Sent
from gateway.sender import Sender

DAY, NIGHT = 5, 60
"""Virtual minutes between two looks."""


def main(folder: Path, now: int) -> None:
    """Live look by look until the campaign is over."""
    on = Campaigner.again(folder, now)
    book = os.open(folder / "provider.log", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    fresh: list[Sendable] = []

    def send(message: Sendable) -> Sent:
        opens = "Pour refuser" in message.text
        line = f"{on.watch.at} {message.to} {message.segments} {'campaign' if opens else 'reply'}\n"
        os.write(book, line.encode())
        os.fsync(book)
        fresh.append(message)
        return Sent("accepted", provider_id=f"p-{message.id}")

    project = on.project
    project.channels["simulator"].send = send  # type: ignore[method-assign]
    sender = Sender(project.store, project.channels, project.phones, project.clock, jitter=lambda: 0.5)
    while on.status()["state"] == "running":
        project.follower.look(on.watch.at)
        tick(project)
        sender.run_once(on.watch.at)
        while fresh:
            reply(on, fresh.pop(0))
        told(f"{on.watch.at}")
        on.later(DAY if 8 <= CASABLANCA.at(on.watch.at).hour < 18 else NIGHT)
    told(f"over {on.watch.at}")
    on.close()


def told(line: str) -> None:
    """Tell whoever may kill this process how far it came."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def reply(on: Campaigner, message: Sendable) -> None:
    """Let the citizen who got a message do what they do."""
    number = int(message.to[-5:])
    if number % 10 == 3:
        if "Pour refuser" in message.text:
            on.world.sms("STOP", message.to)
    elif number % 10 < 8:
        text = message.text.partition("\n")[2] if "Pour refuser" in message.text else message.text
        answers = {"Avez-vous": "1", "Êtes-vous": str(1 + number % 5), "Quel": "1", "Votre": "Oujda"}
        answer = next((said for begin, said in answers.items() if text.startswith(begin)), "")
        if answer:
            on.world.sms(answer, message.to)


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
