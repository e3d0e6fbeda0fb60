"""How a simulated citizen behaves: chooses a language, answers, mistypes, hesitates, loses the session."""

from __future__ import annotations

import random
import re
from collections.abc import Callable, Sequence

from msgspec import Struct

from flows.model import Ask, Step
from flows.texts import Place
from flows.types import Conversation

ODD = ("???", "لا أعرف", "peut-être", "bonjour", "99999", "نعم ولا", "3afak", "…")
SAYINGS = {
    "fr": (
        "Il faut plus de personnel",
        "La route est coupée en hiver",
        "Merci de réparer la pompe",
        "L'eau arrive tard",
    ),
    "ar": ("نحتاج إلى طبيب", "الطريق مقطوعة في الشتاء", "المرجو إصلاح المضخة", "شكرا على المجهودات"),
    "zgh": ("ⴰⵎⴰⵏ", "ⵜⴰⵎⵓⴽⵔⵉⵙⵜ", "nrid aman", "chokran"),
}
NUMBERED = re.compile(r"^(\d+) ", re.MULTILINE)
MOST_REPLIES = 60
"""A citizen who is still asked after so many replies gives up: something is wrong with the flow."""


class Temper(Struct, frozen=True):
    """How likely a citizen is to do something odd, from 0 to 1."""

    odd: float = 0.06
    drop: float = 0.05
    repeat: float = 0.05


class Mind:
    """One citizen: knows the language, a place, and how content they are. Answers whatever is on the screen."""

    def __init__(self, rng: random.Random, language: str, place: Place, names: Sequence[str]) -> None:
        self.rng = rng
        self.language = language
        self.place = place
        self.names = names
        # People of one place share their troubles: a place's number decides what most of its citizens feel.
        self.content = random.Random(place.code).uniform(0.15, 0.85)  # noqa: S311

    def answer(self, screen: str, step: Step | None, state: Conversation | None) -> str:
        """Return a sensible reply to the step that is open, or else to the screen."""
        if state is not None and state.phase == "language":
            return self._language_key(screen)
        if state is not None and state.phase in ("consent", "resume"):
            return "1" if self.rng.random() < 0.97 else "2"
        if isinstance(step, Ask):
            return self._question(step, screen)
        return self._menu(screen)

    def odd(self) -> str:
        """Return something nobody asked for."""
        return self.rng.choice(ODD)

    def _language_key(self, screen: str) -> str:
        name = {"fr": "Français", "ar": "العربية", "zgh": "Tamazight"}.get(self.language, "Français")
        for line in screen.splitlines():
            if line.endswith(name):
                return line.split()[0]
        return "1"

    def _question(self, ask: Ask, screen: str) -> str:
        answers: dict[str, Callable[[], str]] = {
            "yes_no": self._yes_no,
            "rating": lambda: str(self._mark(len(ask.options) or int(ask.max or 5))),
            "nps": lambda: str(self._mark(11) - 1),
            "integer": lambda: str(self._number(ask)),
            "decimal": lambda: f"{self._number(ask)},5",
            "text": lambda: self.rng.choice(SAYINGS.get(self.language, SAYINGS["fr"])),
            "date": lambda: f"{self.rng.randint(1, 28)}/{self.rng.randint(1, 12)}/2025",
            "phone": lambda: f"06{self.rng.randint(10**7, 10**8 - 1)}",
            "place": lambda: self.rng.choice(self.names),
        }
        return answers.get(ask.type, lambda: self._menu(screen, choices=ask.type == "choices"))()

    def _yes_no(self) -> str:
        yes = self.rng.random() < self.content
        words = {"fr": ("oui", "non"), "ar": ("نعم", "لا"), "zgh": ("ih", "uhu")}.get(self.language, ("oui", "non"))
        number = ("1", "2")[not yes]
        return number if self.rng.random() < 0.7 else words[not yes]

    def _mark(self, most: int) -> int:
        """Return a mark from 1 to `most` around how content the citizen is."""
        wish = self.rng.gauss(self.content, 0.22) * most + 0.5
        return max(1, min(most, round(wish)))

    def _number(self, ask: Ask) -> int:
        low = int(ask.min) if ask.min is not None else 1
        high = int(ask.max) if ask.max is not None else low + 50
        return min(high, low + int(self.rng.expovariate(4 / max(1, high - low))))

    def _menu(self, screen: str, *, choices: bool = False) -> str:
        keys: list[str] = [key for key in NUMBERED.findall(screen) if not key.startswith("0")]
        if not keys:
            return "0"
        if choices and len(keys) > 1:
            return " ".join(sorted(self.rng.sample(keys, min(2, len(keys)))))
        # The first options are the likelier ones, as in life.
        weights = [1 / (at + 1) for at in range(len(keys))]
        return self.rng.choices(keys, weights)[0]
