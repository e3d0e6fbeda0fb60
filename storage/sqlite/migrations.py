"""The tables, as numbered steps. Append only: a step that was ever released is never edited.

sqlite-utils applies what is missing, each step in a transaction with the record of it. This module is imported only
when a database is behind (see `schema`), because sqlite-utils takes longer to import than the gateway to start.
"""

from __future__ import annotations

import json

from sqlite_utils import Database, Migrations

migrations = Migrations("awal")


@migrations(name="0001_first_tables")
def first_tables(db: Database) -> None:
    """Make the tables of the first release."""
    db.executescript(CITIZENS)
    db.executescript(OUTBOX)
    db.executescript(REST)


CITIZENS = """
CREATE TABLE citizens (
    pseudonym TEXT PRIMARY KEY,
    language TEXT NOT NULL,
    consented_at INTEGER NOT NULL,
    place TEXT NOT NULL,
    stopped_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE sessions (
    channel TEXT NOT NULL,
    session TEXT NOT NULL,
    citizen TEXT NOT NULL,
    service TEXT NOT NULL,
    path TEXT NOT NULL,
    reply BLOB NOT NULL,
    conversation TEXT NOT NULL,
    opened_at INTEGER NOT NULL,
    closed INTEGER NOT NULL,
    PRIMARY KEY (channel, session)
) STRICT, WITHOUT ROWID;
CREATE INDEX sessions_citizen ON sessions (citizen);

CREATE TABLE inbound (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    channel TEXT NOT NULL,
    external_id TEXT NOT NULL,
    citizen TEXT NOT NULL, -- empty once the citizen was forgotten
    bearer TEXT NOT NULL,
    text TEXT NOT NULL,
    received_at INTEGER NOT NULL,
    session TEXT NOT NULL,
    sent_at INTEGER,
    conversation TEXT NOT NULL,
    reply BLOB NOT NULL,
    UNIQUE (channel, external_id)
) STRICT;
CREATE INDEX inbound_citizen ON inbound (citizen, conversation);

CREATE TABLE conversations (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    citizen TEXT NOT NULL,
    flow TEXT NOT NULL,
    version INTEGER NOT NULL,
    flow_hash TEXT NOT NULL,
    language TEXT NOT NULL,
    bearer TEXT NOT NULL, -- where it began
    channel TEXT NOT NULL, -- where it began
    place TEXT NOT NULL,
    status TEXT NOT NULL,
    revision INTEGER NOT NULL,
    state TEXT NOT NULL, -- the whole flows.types.Conversation, JSON
    day TEXT NOT NULL, -- the civil day it began
    started_at INTEGER NOT NULL,
    completed_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL
) STRICT;
CREATE INDEX conversations_open ON conversations (citizen) WHERE status = 'active';
CREATE INDEX conversations_citizen ON conversations (citizen);
CREATE INDEX conversations_day ON conversations (day);

CREATE TABLE answers (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL,
    conversation TEXT NOT NULL REFERENCES conversations (id),
    flow TEXT NOT NULL,
    flow_version INTEGER NOT NULL,
    flow_hash TEXT NOT NULL,
    step TEXT NOT NULL,
    kind TEXT NOT NULL CHECK (kind IN ('text', 'integer', 'decimal', 'list')),
    value TEXT NOT NULL,
    raw TEXT NOT NULL,
    language TEXT NOT NULL,
    bearer TEXT NOT NULL,
    channel TEXT NOT NULL,
    answered_at INTEGER NOT NULL,
    day TEXT NOT NULL,
    UNIQUE (conversation, step)
) STRICT;
CREATE INDEX answers_day ON answers (day);
"""

OUTBOX = """
CREATE TABLE outbox (
    seq INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    citizen TEXT NOT NULL,
    channel TEXT NOT NULL,
    recipient BLOB NOT NULL, -- sealed; empty once the message is settled
    text TEXT NOT NULL,
    encoding TEXT NOT NULL,
    segments INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('queued', 'sending', 'accepted', 'delivered', 'failed', 'dead')),
    attempts INTEGER NOT NULL DEFAULT 0,
    created_at INTEGER NOT NULL,
    next_at INTEGER NOT NULL DEFAULT 0, -- when queued: not before; when sending: the end of the lease
    changed_at INTEGER NOT NULL,
    fence INTEGER NOT NULL DEFAULT 0,
    provider_id TEXT NOT NULL DEFAULT '',
    last_error TEXT NOT NULL DEFAULT '',
    in_reply_to TEXT NOT NULL,
    dedupe_key TEXT NOT NULL,
    not_after INTEGER
) STRICT;
CREATE UNIQUE INDEX outbox_dedupe ON outbox (dedupe_key) WHERE dedupe_key <> '';
CREATE INDEX outbox_waiting ON outbox (channel, seq) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_turn ON outbox (citizen, channel, seq) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_provider ON outbox (channel, provider_id) WHERE provider_id <> '';
CREATE INDEX outbox_citizen ON outbox (citizen);
CREATE INDEX outbox_state ON outbox (state);
CREATE INDEX outbox_sealed ON outbox (changed_at)
    WHERE state IN ('accepted', 'failed', 'dead') AND recipient <> x'';

CREATE TABLE early_receipts (
    channel TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    state TEXT NOT NULL,
    detail TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (channel, provider_id)
) STRICT, WITHOUT ROWID;
"""

REST = """
CREATE TABLE flows (
    hash TEXT PRIMARY KEY,
    flow TEXT NOT NULL,
    version INTEGER NOT NULL,
    data BLOB NOT NULL,
    kept_at INTEGER NOT NULL
) STRICT;

CREATE TABLE snapshots (
    flow_hash TEXT NOT NULL,
    period TEXT NOT NULL,
    epoch INTEGER NOT NULL,
    seq INTEGER NOT NULL,
    digest TEXT NOT NULL,
    acked INTEGER NOT NULL,
    PRIMARY KEY (flow_hash, period)
) STRICT, WITHOUT ROWID;

CREATE TABLE syncs (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    carrier TEXT NOT NULL,
    ok INTEGER NOT NULL,
    detail TEXT NOT NULL
) STRICT;

CREATE TABLE slots (
    job TEXT NOT NULL,
    slot TEXT NOT NULL,
    claimed_at INTEGER NOT NULL,
    PRIMARY KEY (job, slot)
) STRICT, WITHOUT ROWID;

CREATE TABLE events (
    seq INTEGER PRIMARY KEY,
    at INTEGER NOT NULL,
    kind TEXT NOT NULL,
    detail TEXT NOT NULL,
    citizen TEXT NOT NULL
) STRICT;
CREATE INDEX events_citizen ON events (citizen) WHERE citizen <> '';

CREATE TABLE fallbacks (pair TEXT PRIMARY KEY, served INTEGER NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE settings (key TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE counters (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('epoch', 1), ('snapshots', 0), ('checks', 0);
"""


@migrations(name="0002_counts_ahead")
def counts_ahead(db: Database) -> None:
    """Make room for counts kept ahead (`rolling`); until they are, every figure is made from the rows as before."""
    db.executescript(ROLLED)
    for flow_hash, data in db.execute("SELECT hash, data FROM flows").fetchall():
        steps = [(flow_hash, step) for step in _free_steps(data)]
        db.conn.executemany("UPDATE answers SET free = 1 WHERE flow_hash = ? AND step = ?", steps)


def _free_steps(data: bytes) -> list[str]:
    """Return the questions of a kept flow that are answered in the citizen's own words."""
    try:
        steps = json.loads(data).get("steps", [])
    except ValueError:
        return []
    return [step["id"] for step in steps if step.get("type") in ("text", "phone", "date")]


# The indexes by day go: no figure scans days any more.
ROLLED = """
DROP INDEX answers_day;
DROP INDEX conversations_day;
ALTER TABLE answers ADD COLUMN free INTEGER NOT NULL DEFAULT 0; -- 1: the citizen's own words, tallied without them
ALTER TABLE conversations ADD COLUMN rolled INTEGER NOT NULL DEFAULT 0; -- 1: in the counts below
ALTER TABLE citizens ADD COLUMN rolled INTEGER NOT NULL DEFAULT 0;
CREATE INDEX conversations_fresh ON conversations (seq) WHERE rolled = 0;
CREATE INDEX citizens_fresh ON citizens (pseudonym) WHERE rolled = 0;

CREATE TABLE rolled_answers (
    period TEXT NOT NULL, -- a day, or a month as ~2026-11
    flow TEXT NOT NULL,
    flow_hash TEXT NOT NULL,
    step TEXT NOT NULL,
    value TEXT NOT NULL,
    place TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (period, flow, flow_hash, step, value, place)
) STRICT, WITHOUT ROWID;
CREATE INDEX rolled_answers_none ON rolled_answers (period) WHERE count = 0;

CREATE TABLE rolled_walks (
    period TEXT NOT NULL,
    flow TEXT NOT NULL,
    flow_hash TEXT NOT NULL,
    place TEXT NOT NULL,
    language TEXT NOT NULL,
    bearer TEXT NOT NULL,
    begun INTEGER NOT NULL,
    completed INTEGER NOT NULL,
    PRIMARY KEY (period, flow, flow_hash, place, language, bearer)
) STRICT, WITHOUT ROWID;
CREATE INDEX rolled_walks_none ON rolled_walks (period) WHERE begun = 0;

CREATE TABLE rolled_days (
    day TEXT PRIMARY KEY,
    conversations INTEGER NOT NULL,
    walks INTEGER NOT NULL, -- the conversations that reached a flow
    open INTEGER NOT NULL,
    answers INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

INSERT INTO counters VALUES ('citizens', 0), ('inbound', 0), ('steps', 0), ('inbound-upto', 0);
"""


@migrations(name="0003_limits_of_sending")
def limits_of_sending(db: Database) -> None:
    """Give messages a kind and their claims a batch, and count the segments sent by civil hour."""
    db.executescript(SENDING)


SENDING = """
ALTER TABLE outbox ADD COLUMN kind TEXT NOT NULL DEFAULT 'reply';
ALTER TABLE outbox ADD COLUMN unasked INTEGER NOT NULL DEFAULT 0; -- 1 for the kinds that nobody asked for
ALTER TABLE outbox ADD COLUMN ground TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN conversation TEXT NOT NULL DEFAULT '';
ALTER TABLE outbox ADD COLUMN lost INTEGER NOT NULL DEFAULT 0; -- times its sender died while it was on its way
ALTER TABLE outbox ADD COLUMN batch TEXT NOT NULL DEFAULT ''; -- the claim it was taken in
ALTER TABLE outbox ADD COLUMN rank INTEGER NOT NULL DEFAULT 0; -- when its batch sends it
ALTER TABLE outbox ADD COLUMN hour TEXT NOT NULL DEFAULT ''; -- where its segments were counted last
ALTER TABLE outbox ADD COLUMN claimed_at INTEGER NOT NULL DEFAULT 0;
DROP INDEX outbox_waiting;
CREATE INDEX outbox_due ON outbox (channel, unasked, seq) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_leased ON outbox (channel, next_at) WHERE state = 'sending';
CREATE INDEX outbox_batch ON outbox (batch) WHERE state = 'sending';
CREATE INDEX outbox_late ON outbox (channel, not_after) WHERE state IN ('queued', 'sending') AND not_after IS NOT NULL;

CREATE TABLE spend (
    channel TEXT NOT NULL,
    hour TEXT NOT NULL, -- civil: 2026-11-23T14
    segments INTEGER NOT NULL,
    short INTEGER NOT NULL DEFAULT 0, -- 1 when a message did not fit in a budget
    PRIMARY KEY (channel, hour)
) STRICT, WITHOUT ROWID;
"""


@migrations(name="0004_own_words")
def own_words(db: Database) -> None:
    """Find the newest answers in the citizens' own words without reading all the others."""
    db.executescript(OWN_WORDS)


OWN_WORDS = """
CREATE INDEX answers_free ON answers (flow, answered_at) WHERE free = 1;
"""


@migrations(name="0005_consents_and_persons")
def consents_and_persons(db: Database) -> None:
    """Keep the proof of what citizens want, and whose turn it is on a shared phone."""
    db.executescript(CONSENTS)


CONSENTS = """
CREATE TABLE consents (
    seq INTEGER PRIMARY KEY,
    citizen TEXT NOT NULL,
    at INTEGER NOT NULL,
    act TEXT NOT NULL CHECK (act IN ('agreed', 'started', 'stopped', 'imported')),
    channel TEXT NOT NULL,
    words TEXT NOT NULL,
    proof TEXT NOT NULL,
    language TEXT NOT NULL,
    place TEXT NOT NULL,
    number BLOB NOT NULL -- sealed; of imports only
) STRICT;
CREATE INDEX consents_citizen ON consents (citizen);

CREATE TABLE erased (citizen TEXT PRIMARY KEY) STRICT, WITHOUT ROWID; -- whom no import brings back

ALTER TABLE sessions ADD COLUMN person TEXT NOT NULL DEFAULT ''; -- who speaks on a shared phone
CREATE INDEX sessions_person ON sessions (person) WHERE person <> '';
"""


@migrations(name="0006_undated")
def undated(db: Database) -> None:
    """Hold what is kept while the clock is not known."""
    db.executescript(UNDATED)


UNDATED = """
CREATE TABLE undated ( -- one time without a clock; its rows have `unknown NUMBER` for a day
    number INTEGER PRIMARY KEY,
    boot TEXT NOT NULL,
    base INTEGER NOT NULL,
    since INTEGER NOT NULL,
    until INTEGER NOT NULL,
    shift INTEGER
) STRICT;
CREATE INDEX conversations_undated ON conversations (day) WHERE day > 'u';
CREATE INDEX answers_undated ON answers (day) WHERE day > 'u';
"""


@migrations(name="0007_campaigns")
def campaigns(db: Database) -> None:
    """Keep campaigns, who was drawn and asked, and where citizens who wrote can be written to."""
    db.executescript(CAMPAIGNS)


CAMPAIGNS = """
CREATE TABLE reached (
    citizen TEXT PRIMARY KEY,
    number BLOB NOT NULL, -- sealed
    channel TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX reached_at ON reached (at);

CREATE TABLE campaigns (
    name TEXT PRIMARY KEY,
    state TEXT NOT NULL CHECK (state IN ('waiting', 'running', 'paused', 'stopped', 'done')),
    data TEXT NOT NULL,
    revision INTEGER NOT NULL,
    changed_at INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE campaign_members (
    campaign TEXT NOT NULL,
    round INTEGER NOT NULL,
    citizen TEXT NOT NULL,
    rank INTEGER NOT NULL,
    wave INTEGER NOT NULL DEFAULT -1,
    state TEXT NOT NULL DEFAULT 'drawn' CHECK (state IN ('drawn', 'asked', 'skipped')),
    reason TEXT NOT NULL DEFAULT '',
    message TEXT NOT NULL DEFAULT '',
    conversation TEXT NOT NULL DEFAULT '',
    asked_at INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign, round, citizen)
) STRICT, WITHOUT ROWID;
CREATE INDEX campaign_members_turn ON campaign_members (campaign, round, state, rank);
CREATE INDEX campaign_members_citizen ON campaign_members (citizen);
CREATE INDEX campaign_members_asked ON campaign_members (asked_at) WHERE state = 'asked';

-- Who says stop is not written to again, and who is forgotten was never asked.
CREATE TRIGGER reached_stop AFTER UPDATE OF stopped_at ON citizens WHEN NEW.stopped_at > 0
BEGIN DELETE FROM reached WHERE citizen = NEW.pseudonym; END;
CREATE TRIGGER reached_forget AFTER DELETE ON citizens
BEGIN
    DELETE FROM reached WHERE citizen = OLD.pseudonym;
    DELETE FROM campaign_members WHERE citizen = OLD.pseudonym;
END;
"""


@migrations(name="0008_conversations_that_wait")
def conversations_that_wait(db: Database) -> None:
    """Let open conversations be looked after; those of before are, as soon as a gateway runs."""
    db.executescript(WAITING)


WAITING = """
ALTER TABLE conversations ADD COLUMN recipient BLOB NOT NULL DEFAULT x''; -- sealed; empty once it ended
ALTER TABLE conversations ADD COLUMN due_at INTEGER NOT NULL DEFAULT 0; -- when to look after it
ALTER TABLE conversations ADD COLUMN lost_at INTEGER NOT NULL DEFAULT 0; -- when its session was lost
ALTER TABLE conversations ADD COLUMN asked_at INTEGER NOT NULL DEFAULT 0; -- when its citizen was last reminded
ALTER TABLE conversations ADD COLUMN asked INTEGER NOT NULL DEFAULT 0; -- how many reminders there were
CREATE INDEX conversations_due ON conversations (due_at) WHERE due_at > 0;
UPDATE conversations SET due_at = 1 WHERE status = 'active';

ALTER TABLE rolled_walks ADD COLUMN partial INTEGER NOT NULL DEFAULT 0; -- ended with answers, and not completed
ALTER TABLE rolled_walks ADD COLUMN open INTEGER NOT NULL DEFAULT 0;
INSERT INTO rolled_walks (period, flow, flow_hash, place, language, bearer, begun, completed, partial, open)
SELECT CASE span.wide WHEN 10 THEN c.day ELSE '~' || substr(c.day, 1, 7) END, c.flow, c.flow_hash, c.place, c.language,
    c.bearer, 0, 0, SUM(c.status <> 'active' AND c.completed_at = 0
        AND EXISTS (SELECT 1 FROM answers a WHERE a.conversation = c.id)), SUM(c.status = 'active')
FROM conversations c CROSS JOIN (SELECT 10 AS wide UNION ALL SELECT 7) span WHERE c.rolled = 1 AND c.flow <> ''
GROUP BY 1, 2, 3, 4, 5, 6
ON CONFLICT DO UPDATE SET partial = excluded.partial, open = excluded.open;
"""


@migrations(name="0009_inbounds_by_conversation")
def inbounds_by_conversation(db: Database) -> None:
    """Find a citizen's inbounds by their conversations, which are written side by side: a page of disk less a step."""
    db.executescript(BY_CONVERSATION)


BY_CONVERSATION = """
DROP INDEX inbound_citizen;
CREATE INDEX inbound_conversation ON inbound (conversation);
CREATE INDEX inbound_alone ON inbound (citizen) WHERE conversation = '' AND citizen <> '';
"""
