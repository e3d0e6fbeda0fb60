"""The choice of a language: its name in any language, or its number in a menu."""

from __future__ import annotations

from flows.reading.courtesy import without_thanks
from flows.reading.labels import form, labels_of
from flows.reading.options import read_choice
from flows.reading.spec import Reading, Spec, unclear

NAMES: dict[str, tuple[str, ...]] = {
    "fr": ("français", "french", "francais", "الفرنسية", "ⵜⴰⴼⵕⴰⵏⵚⵉⵚⵜ", "ⵜⴰⴼⵔⴰⵏⵙⵉⵙⵜ", "tafṛanṣiṣt", "fransawiya"),
    "ar": ("arabe", "arabic", "العربية", "ⵜⴰⵄⵕⴰⴱⵜ", "ⵜⴰⵄⵔⴰⴱⵜ", "taɛṛabt", "l3arbiya", "3arbiya"),
    "zgh": ("amazighe", "amazigh", "الأمازيغية", "ⵜⴰⵎⴰⵣⵉⵖⵜ", "tamazight"),
}
"""Each language's names. Amazigh is one language here: a menu decides between its scripts."""


def read_language(text: str, spec: Spec) -> Reading:
    """Read folded text as a language tag; a number counts only where a menu gave the languages numbers."""
    if spec.options:
        offered = {tag: (*labels, *_names(tag, spec)) for tag, labels in spec.options.items()}
        return read_choice(text, Spec(type="choice", options=offered))
    labels = labels_of(NAMES)
    found = labels.named(form(without_thanks(text)))
    return Reading(value=labels.keys[next(iter(found))]) if len(found) == 1 else unclear("not-an-option")


def _names(tag: str, spec: Spec) -> tuple[str, ...]:
    """Return the names a tag answers to; Latin Amazigh takes those of Amazigh where it is the only one offered."""
    if tag in NAMES:
        return NAMES[tag]
    language = tag.partition("-")[0]
    return NAMES.get(language, ()) if language not in spec.options else ()
