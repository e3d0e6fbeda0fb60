"""Which language to speak with a citizen, from what is known before they are asked."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from locales.tags import same_language, script_language


def negotiate(
    offered: Sequence[str], remembered: str | None = None, keyword: str | None = None, script: str | None = None
) -> str | None:
    """Return the language to speak, or None when the citizen has to be asked.

    What the citizen chose once comes first, then the language that the keyword tells, then that of the script
    they write. One that is offered in another script only is taken in that script. A single offer needs no question.
    """
    for told in (remembered, keyword, script):
        if told and (tag := match(told, offered)):
            return tag
    return offered[0] if len(offered) == 1 else None


def match(tag: str, offered: Iterable[str]) -> str | None:
    """Return the offered tag that is `tag`, or the same language in another script."""
    kin = [one for one in offered if same_language(one, tag)]
    return tag if tag in kin else next(iter(kin), None)


def keyword_language(keyword: str, written_in: str) -> str:
    """Return the language that a flow's keyword tells, or an empty word when it tells none.

    Arabic and Tifinagh tell theirs. A Latin keyword is a word of the flow's own language where that is written in
    Latin letters: `EAU` in a French flow that also has `ماء` was chosen by who reads French. Digits tell nothing.
    """
    told = script_language(keyword)
    if told:
        return told
    latin = written_in == "fr" or written_in.endswith("-Latn")
    return written_in if latin and any(map(str.isalpha, keyword)) else ""
