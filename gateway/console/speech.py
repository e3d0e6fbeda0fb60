"""In which language the console speaks to this visitor, and how it writes moments and figures."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

from flask import g, request, session, url_for

from gateway.console.access import here
from gateway.console.words import LANGUAGES, Say, carrier_name, say
from locales.formats import date_short, number

COUNTED = {
    "sent": "sync_sent",
    "already held": "sync_already_held",
    "refused": "sync_refused",
    "waiting": "sync_waiting",
}
"""What `reports.sync` counts, and the console's word for it."""

NO_BREAK = "\u00a0"


def language() -> str:
    """Return the visitor's language: asked by `?lang=`, remembered from then on; French otherwise."""
    if "lang" not in g:
        asked = request.args.get("lang", "")
        if asked in LANGUAGES:
            session["language"] = asked
        kept = session.get("language", "")
        g.lang = kept if kept in LANGUAGES else next(iter(LANGUAGES))
    return str(g.lang)


def words() -> Say:
    """Return the console's words in the visitor's language."""
    return say(language())


def languages() -> list[tuple[str, str, str]]:
    """Return each language of the console: tag, own name, and the address of this page in it."""
    again = request.method == "GET" and request.endpoint not in (None, "console.login_once")
    values: dict[str, Any] = {**(request.view_args or {}), **request.args.to_dict()} if again else {}
    page = request.endpoint if again and request.endpoint else "console.home"
    return [(tag, name, url_for(page, **{**values, "lang": tag})) for tag, name in LANGUAGES.items()]


def moment(at: int) -> str:
    """Return a moment (milliseconds UTC) in the gateway's civil time."""
    when = datetime.fromtimestamp(at / 1000, here().timezone)
    return f"{date_short(when.date())} {when:%H:%M}"


def count(value: int | None) -> str:
    """Return a count with its thousands apart; an unknown one is a dash."""
    return "–" if value is None else f"{value:,}".replace(",", NO_BREAK)


def amount(value: float, places: int = 2) -> str:
    """Return an amount as the language of the page writes it: thousands apart, and money with two decimals."""
    whole, _, rest = number(value, language(), places).partition(",")
    return count(int(whole)) + (f",{rest}" if rest else "")


def signed(cost: str) -> str:
    """Return what a campaign was signed for, in the visitor's words: `12 SMS, 6,00 MAD`."""
    told = cost.removesuffix(" at most").replace("segments", "SMS")
    return re.sub(r"\d+\.\d+", lambda one: amount(float(one[0]), len(one[0].partition(".")[2])), told)


def carrier(name: str) -> str:
    """Return how a synchronisation travelled, in the visitor's language."""
    return carrier_name(words(), name)


def synced(detail: str) -> str:
    """Return what a synchronisation told, its counts in the visitor's language; faults stay as they were written."""
    speak = words()
    counted = re.sub(rf"(\d+) ({'|'.join(COUNTED)})\b", lambda one: speak(COUNTED[one[2]], count=one[1]), detail)
    return counted.replace("nothing to send", speak("sync_nothing"))
