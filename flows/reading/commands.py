"""Commands: words a citizen may send on any question. Only a whole message is one (rule 21)."""

from __future__ import annotations

from locales.folding import fold, spaced
from locales.tags import LATIN, script_language

WORDS: dict[str, tuple[str, ...]] = {
    "STOP": ("stop", "arrêt", "arrêter", "توقف", "قف", "إلغاء", "إيقاف", "أوقف", "ⵙⴱⴷⴷ", "sbdd"),
    "START": ("start", "unstop", "démarrer", "commencer", "ابدأ", "ⵙⵙⵏⵜⵉ", "ssnti"),
    "HELP": ("aide", "help", "مساعدة", "ⵜⵉⵡⵉⵙⵉ", "tiwisi"),
    "LANGUAGE": (
        *("langue", "langues", "language", "changer de langue", "changer la langue"),
        *("لغة", "اللغة", "تغيير اللغة", "ⵜⵓⵜⵍⴰⵢⵜ", "tutlayt"),
    ),
    "BACK": ("retour", "back", "précédent", "رجوع", "الرجوع", "السابق", "ⴰⵖⵓⵍ", "aɣul"),
    "RESTART": (
        *("recommencer", "restart", "من جديد", "ابدأ من جديد", "البدء من جديد", "البداية من جديد"),
        *("إعادة", "إعادة البدء", "أعد", "ⴰⵔⵎ ⴷⴰⵖ", "arm daɣ"),
    ),
    "DELETE": (
        *("supprimer", "effacer", "delete", "delete my data"),
        *(f"{verb} mes données" for verb in ("supprimer", "supprimez", "effacer", "effacez")),
        *("حذف", "مسح", "احذف", "امسح"),
        *(f"{verb} {what}" for verb in ("حذف", "مسح", "احذف", "امسح") for what in ("بياناتي", "معطياتي")),
        *("ⴽⴽⵙ", "kks", "ⴽⴽⵙ ⵉⵙⴼⴽⴰ ⵉⵏⵓ", "kks isfka inu", "kkes isefka inu"),
    ),
    "MYDATA": (
        *("mes données", "mesdonnées", "my data", "mydata", "بياناتي", "معطياتي"),
        *("ⵉⵙⴼⴽⴰ ⵉⵏⵓ", "isfka inu", "isefka inu"),
    ),
}
"""Each command's words in French, Arabic, English and Amazigh (both scripts); a native review of zgh is due.

None may be the name of a place: المساعدة is a commune, so help is مساعدة without its article.
"""

AMAZIGH = (
    *("sbdd", "ssnti", "tiwisi", "tutlayt", "aɣul", "arm daɣ"),
    *("kks", "kks isfka inu", "kkes isefka inu", "isfka inu", "isefka inu"),
)
ENGLISH = (
    *("stop", "start", "unstop", "help", "language", "back", "restart"),
    *("delete", "delete my data", "my data", "mydata"),
)
"""Words in Latin letters that do not tell French: English is everybody's, as on any phone."""

_BY_WORD = {spaced(fold(word)): name for name, words in WORDS.items() for word in words}
_LONGEST = max(map(len, _BY_WORD))


def command(raw: str) -> str | None:
    """Return the command that the whole message is, else None.

    >>> command(" « Arrêt ! » "), command("stop la pollution")
    ('STOP', None)
    """
    if raw.isdigit():
        return None
    text = spaced(fold(raw))
    return _BY_WORD.get(text) if len(text) <= _LONGEST else None


_AMAZIGH, _ENGLISH = (frozenset(spaced(fold(word)) for word in words) for words in (AMAZIGH, ENGLISH))


def command_language(raw: str) -> str:
    """Return the language that the word of a command tells; empty where it is everybody's, or no command.

    >>> command_language("توقف"), command_language("aide"), command_language("STOP")
    ('ar', 'fr', '')
    """
    text = spaced(fold(raw))
    if text not in _BY_WORD or text in _ENGLISH:
        return ""
    return script_language(raw) or (LATIN if text in _AMAZIGH else "fr")
