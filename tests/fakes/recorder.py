"""What stands behind the webhook lane in its tests: it keeps what it is given."""

from __future__ import annotations

import threading
from collections.abc import Callable

from gateway.channels.base import Channel, Ended, Receipt, Received
from storage.turns import Soon


class Recorder:
    """Stands for the conversations: keeps what it is given, or fails as a broken store would."""

    def __init__(self, failure: Exception | None = None, screen: str = "Salam", apology: str = "Désolé.") -> None:
        self.taken: list[Received | Receipt | Ended] = []
        self.failure = failure
        self.screen = screen
        self.sorry = apology

    def keep(self, event: Received | Receipt | Ended) -> None:
        if self.failure:
            raise self.failure
        self.taken.append(event)

    def take(self, channel: Channel, received: Received) -> bytes:
        self.keep(received)
        return channel.render_ussd(self.screen, ends=False) if received.bearer == "ussd" else b""

    def hands_over(self, received: Received) -> bool:
        return received.bearer == "ussd"

    def hand_over(
        self, channel: Channel, received: Received, told: Callable[[bytes | Exception], None], _: Soon | None = None
    ) -> None:
        """Take it in another thread, as the store's writer does."""

        def work() -> None:
            outcome: bytes | Exception
            try:
                outcome = self.take(channel, received)
            except Exception as error:
                outcome = error
            told(outcome)

        threading.Thread(target=work).start()

    def receipt(self, channel: Channel, receipt: Receipt) -> None:
        self.keep(receipt)

    def ended(self, channel: Channel, ended: Ended) -> None:
        self.keep(ended)

    def again(self, received: Received) -> str:
        return "Rappelez."

    def apology(self, received: Received) -> str:
        return self.sorry
