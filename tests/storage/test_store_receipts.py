"""The answers of some conversations, found by their ids."""

from __future__ import annotations

from store_changes import answer, change, conversation

from flows.receipt import receipt_number, receipt_test
from storage.store import Store


def fill(store: Store) -> None:
    for name in ("c1", "c2", "c3"):
        rows = [answer(step, conversation=name) for step in ("a", "b")] if name != "c3" else []
        store.accept(change(f"in-{name}", conversation(name, status="done"), answers=rows))


def test_only_the_answers_of_the_conversations_wanted_are_returned(store: Store) -> None:
    fill(store)
    seen: list[str] = []
    found = store.answers_of(lambda id: seen.append(id) or id == "c2")
    assert [(row.conversation, row.step) for row in found] == [("c2", "a"), ("c2", "b")]
    assert found == [row for row in store.answers() if row.conversation == "c2"], "whole rows, as they are streamed"
    assert sorted(seen) == ["c1", "c2"], "each that has answers, once"
    assert list(store.answers_of(lambda _: False)) == []
    assert len(store.answers_of(lambda _: True)) == 4


def test_a_receipt_number_finds_its_conversation_and_no_erased_one(store: Store) -> None:
    fill(store)
    found = store.answers_of(receipt_test(receipt_number("c1")))
    assert {row.conversation for row in found} == {"c1"}
    store.erase(found[0].citizen, 5)
    assert not [row for row in store.answers_of(receipt_test(receipt_number("c1"))) if row.conversation == "c1"]
