"""Rules about personal data: what law 09-08 wants declared before it is asked."""

from __future__ import annotations

from collections.abc import Iterator

from flows.check.rule import Finding, Subject, rule
from flows.load.legal import FORM
from flows.model import Ask

PERSONAL_TYPES = ("text", "phone")
"""Question types whose answers are personal whatever is asked: people write names, numbers and troubles there."""


@rule("F801", "no-legal-ground", "A personal question (or a `text`, or `phone`) in a flow without `legal`.", "warning")
def no_legal_ground(subject: Subject) -> Iterator[Finding]:
    """Find the first personal question of a flow that does not say what allows it."""
    if subject.flow.legal is not None or "#legal" in subject.lines:
        return
    for ask in subject.flow.questions:
        if ask.personal == "yes" or (ask.type in PERSONAL_TYPES and not ask.personal):
            message = f"the question '{ask.id}' is personal, and the flow does not say what allows it to be asked"
            yield Finding(_line(subject, ask), message, FORM)
            return


@rule("F802", "no-authorisation", "A sensitive question in a flow without the number of its authorisation.")
def no_authorisation(subject: Subject) -> Iterator[Finding]:
    """Find the questions on politics, religion, unions, health or identity that nobody authorised."""
    legal = subject.flow.legal
    if legal is not None and legal.ground == "authorisation" and legal.number:
        return
    for ask in subject.flow.questions:
        if ask.personal not in ("", "yes"):
            message = f"the question '{ask.id}' is sensitive ({ask.personal}) and needs an authorisation"
            remedy = 'Write legal: {ground: authorisation, number: "A-123/2026"} once the CNDP has given it'
            yield Finding(_line(subject, ask), message, remedy)


@rule("F803", "consent-not-asked", "The legal ground is consent, but the flow does not ask for it.")
def consent_not_asked(subject: Subject) -> Iterator[Finding]:
    """Find the flows that rest on a consent that nobody gives."""
    legal = subject.flow.legal
    if legal is not None and legal.ground == "consent" and not subject.flow.consent:
        message = "the legal ground is consent, and `consent: no` never asks for it"
        yield Finding(subject.line("#legal"), message, "Write consent: yes, or name an authorisation")


def _line(subject: Subject, ask: Ask) -> int:
    return subject.line(f"{ask.id}#personal", ask.id)
