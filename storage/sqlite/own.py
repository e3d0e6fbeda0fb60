"""Which inbounds are a citizen's: those of their conversations, and those that belong to none.

An index by citizen would cost a page of disk for every inbound, since pseudonyms lie anywhere; conversations of one
time lie side by side. An inbound of a conversation is always its citizen's.
"""

from __future__ import annotations

INBOUNDS = """
SELECT seq FROM inbound WHERE conversation IN (SELECT id FROM conversations WHERE citizen = :citizen)
UNION ALL SELECT seq FROM inbound WHERE citizen = :citizen AND citizen <> '' AND conversation = ''
"""
"""The numbers of all inbounds of `:citizen`."""
