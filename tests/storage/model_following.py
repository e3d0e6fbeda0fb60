"""What the stores' state machine does about conversations that wait: looks, reminders, lost sessions, late replies."""

from __future__ import annotations

from hypothesis import strategies as st
from hypothesis.stateful import rule
from msgspec.structs import replace
from store_changes import change, conversation, message

from storage.following import Awaited, Follow
from storage.store import Session

citizens = st.sampled_from(["amina", "badr", "chama"])
moments = st.integers(0, 30)
ages = st.integers(0, 5)
sessions = st.sampled_from(["s1", "s2"])
beginnings = st.sampled_from(["active", "active", "refused"])


class Waiting:
    """Rules for a machine with `both`, `keep`, `name` and `conversations`; `found` is what looks showed."""

    found: list[Awaited]

    def shown(self) -> list[Awaited]:
        self.found = getattr(self, "found", [])
        return self.found

    @rule(
        citizen=citizens, status=st.sampled_from(["active", "active", "refused"]), due_at=moments, closing=st.booleans()
    )
    def begin_to_wait(self, citizen: str, status: str, due_at: int, closing: bool) -> None:
        current = self.both("dialogue", "at", "", citizen).current
        state = conversation(self.name("c"), "water", status)
        self.conversations.append(state.id)
        closes = current.state.id if current and closing else ""
        waits = {"recipient": b"sealed", "due_at": due_at}
        session = Session("at", "s1", citizen, "*123#", conversation=state.id, opened_at=due_at)
        self.keep(change(self.name("x"), state, citizen, closes=closes, session=session, **waits))

    @rule(citizen=citizens, session=sessions, age=ages, opened_at=moments, closed=st.booleans())
    def dial_again(self, citizen: str, session: str, age: int, opened_at: int, closed: bool) -> None:
        known = (self.conversations[-1 - age :] or [""])[0]
        dialled = Session("at", session, citizen, "*124#", conversation=known, opened_at=opened_at, closed=closed)
        self.keep(change(self.name("x"), None, citizen, session=dialled))

    @rule(now=moments, limit=st.integers(1, 3))
    def look(self, now: int, limit: int) -> None:
        found = self.both("awaited", now, limit)
        self.shown().extend(found)
        assert all(0 < one.due_at <= now and one.state.status == "active" for one in found)

    @rule(age=ages, now=moments, due_at=moments, asked=st.integers(0, 2), says=st.booleans(), ends=st.booleans())
    def follow(self, age: int, now: int, due_at: int, asked: int, says: bool, ends: bool) -> None:
        if not self.shown():
            return
        before = self.shown()[-1 - age :][0]
        said = {"kind": "reminder", "ground": "wrote", "conversation": before.state.id}
        told = replace(message(self.name("m"), before.citizen, **said), created_at=4_000_000_000_000 * (now % 2))
        step = Follow(
            before=before,
            now=now,
            due_at=due_at,
            asked=asked,
            outbound=told if says and not ends else None,
            ends=replace(before.state, status="partial") if ends else None,
        )
        if self.both("follow", step) and (ends or due_at != before.due_at):
            assert not self.both("follow", step), "a look is done once"

    @rule(session=sessions, now=moments, due_at=st.integers(1, 30))
    def lose(self, session: str, now: int, due_at: int) -> None:
        self.both("lost", "at", session, now, due_at)

    @rule(citizen=citizens, due_at=moments)
    def come_late(self, citizen: str, due_at: int) -> None:
        late = self.both("late", citizen)
        if late is not None:
            state = replace(late.state, status="active")
            waits = {"recipient": b"again", "due_at": due_at, "reopens": True}
            self.keep(change(self.name("x"), state, citizen, base=late.revision, **waits))

    @rule(age=ages, citizen=citizens)
    def come_too_late(self, age: int, citizen: str) -> None:
        """Somebody saw it closed, and another was begun meanwhile."""
        closed = [one for one in self.shown() if one.citizen == citizen][-1 - age :][:1]
        if closed:
            state = replace(closed[0].state, status="active")
            self.keep(change(self.name("x"), state, citizen, base=closed[0].revision + 1, due_at=5, reopens=True))

    @rule(citizen=citizens, since=st.sampled_from([0, 1_000, 1_001]))
    def call(self, citizen: str, since: int) -> None:
        self.keep(change(f"call:{self.name('x')}", None, citizen))
        self.both("wishes", citizen, since)
