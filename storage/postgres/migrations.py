"""The tables, as numbered steps. Append only: a step that was ever released is never edited.

What is kept by citizen is partitioned by the pseudonym; what must be unique whoever it comes from, by its own key.
Any number of gateways may start at once: one of them applies what is missing, in one transaction, and the others wait.
"""

from __future__ import annotations

from collections.abc import Callable

PARTITIONS = 16
TEXT = 'text COLLATE "C" NOT NULL'
"""Compared byte by byte, as SQLite does: the order of a list is not the server's language's."""


def partitioned(name: str, columns: str, by: str) -> str:
    """Return the statements of a table in sixteen parts by the hash of a column."""
    parts = (
        f"CREATE TABLE {name}_p{at:02} PARTITION OF {name} FOR VALUES WITH (MODULUS {PARTITIONS}, REMAINDER {at});"
        for at in range(PARTITIONS)
    )
    return f"CREATE TABLE {name} ({columns}) PARTITION BY HASH ({by});\n" + "\n".join(parts)


def first_tables() -> str:
    """Make the tables of the first release."""
    return "\n".join((SEQUENCES, *(partitioned(*one) for one in BY_HASH), INDEXES, REST))


SEQUENCES = "\n".join(
    f"CREATE SEQUENCE {name}_seq;" for name in ("inbound", "conversations", "answers", "outbox", "events", "syncs")
)

CITIZENS = f"""
    pseudonym {TEXT},
    language {TEXT},
    consented_at bigint NOT NULL,
    place {TEXT},
    stopped_at bigint NOT NULL,
    PRIMARY KEY (pseudonym)
"""

SESSIONS = f"""
    channel {TEXT},
    session {TEXT},
    citizen {TEXT},
    service {TEXT},
    path {TEXT},
    reply bytea NOT NULL,
    conversation {TEXT},
    opened_at bigint NOT NULL,
    closed boolean NOT NULL,
    PRIMARY KEY (channel, session)
"""

# What makes an inbound unique for good, and its reply; its words are in `messages`. `citizen` is empty once forgotten.
INBOUND = f"""
    channel {TEXT},
    external_id {TEXT},
    citizen {TEXT},
    reply bytea NOT NULL,
    seq bigint NOT NULL,
    PRIMARY KEY (channel, external_id)
"""

CONVERSATIONS = f"""
    seq bigint NOT NULL DEFAULT nextval('conversations_seq'),
    id {TEXT},
    citizen {TEXT},
    flow {TEXT},
    version bigint NOT NULL,
    flow_hash {TEXT},
    language {TEXT},
    bearer {TEXT},
    channel {TEXT},
    place {TEXT},
    status {TEXT},
    revision bigint NOT NULL,
    state {TEXT},
    day {TEXT},
    started_at bigint NOT NULL,
    completed_at bigint NOT NULL,
    updated_at bigint NOT NULL,
    rolled boolean NOT NULL DEFAULT false,
    PRIMARY KEY (citizen, id)
"""

ANSWERS = f"""
    seq bigint NOT NULL DEFAULT nextval('answers_seq'),
    id {TEXT},
    citizen {TEXT},
    conversation {TEXT},
    flow {TEXT},
    flow_version bigint NOT NULL,
    flow_hash {TEXT},
    step {TEXT},
    kind {TEXT} CHECK (kind IN ('text', 'integer', 'decimal', 'list')),
    value {TEXT},
    raw {TEXT},
    language {TEXT},
    bearer {TEXT},
    channel {TEXT},
    answered_at bigint NOT NULL,
    day {TEXT},
    free boolean NOT NULL,
    PRIMARY KEY (citizen, conversation, step),
    FOREIGN KEY (citizen, conversation) REFERENCES conversations (citizen, id)
"""

OUTBOX = f"""
    seq bigint NOT NULL DEFAULT nextval('outbox_seq'),
    id {TEXT},
    citizen {TEXT},
    channel {TEXT},
    recipient bytea NOT NULL,
    text {TEXT},
    encoding {TEXT},
    segments bigint NOT NULL,
    state {TEXT} CHECK (state IN ('queued', 'sending', 'accepted', 'delivered', 'failed', 'dead')),
    attempts bigint NOT NULL DEFAULT 0,
    created_at bigint NOT NULL,
    next_at bigint NOT NULL DEFAULT 0,
    changed_at bigint NOT NULL,
    fence bigint NOT NULL DEFAULT 0,
    provider_id {TEXT} DEFAULT '',
    last_error {TEXT} DEFAULT '',
    in_reply_to {TEXT},
    dedupe_key {TEXT},
    not_after bigint,
    kind {TEXT},
    unasked boolean NOT NULL,
    ground {TEXT},
    conversation {TEXT},
    lost bigint NOT NULL DEFAULT 0,
    batch {TEXT} DEFAULT '',
    rank bigint NOT NULL DEFAULT 0,
    hour {TEXT} DEFAULT '',
    claimed_at bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (citizen, id)
"""

BY_HASH = (
    ("citizens", CITIZENS, "pseudonym"),
    ("sessions", SESSIONS, "session"),
    ("inbound", INBOUND, "external_id"),
    ("conversations", CONVERSATIONS, "citizen"),
    ("answers", ANSWERS, "citizen"),
    ("outbox", OUTBOX, "citizen"),
)
"""Table, columns, and the column whose hash chooses the part."""

INDEXES = """
CREATE INDEX sessions_citizen ON sessions (citizen);
CREATE INDEX inbound_citizen ON inbound (citizen) WHERE citizen <> '';
CREATE INDEX conversations_open ON conversations (citizen) WHERE status = 'active';
CREATE INDEX conversations_fresh ON conversations (seq) WHERE NOT rolled;
CREATE INDEX outbox_id ON outbox (id);
CREATE INDEX outbox_due ON outbox (channel, unasked, seq) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_turn ON outbox (citizen, channel, seq) WHERE state IN ('queued', 'sending');
CREATE INDEX outbox_batch ON outbox (batch) WHERE state = 'sending';
CREATE INDEX outbox_provider ON outbox (channel, provider_id) WHERE provider_id <> '';
CREATE INDEX outbox_state ON outbox (state);
CREATE INDEX outbox_sealed ON outbox (changed_at)
    WHERE state IN ('accepted', 'failed', 'dead') AND recipient <> ''::bytea;
"""

REST = f"""
CREATE TABLE messages ( -- the words of an inbound, by the month they came in
    seq bigint NOT NULL,
    id {TEXT},
    channel {TEXT},
    external_id {TEXT},
    citizen {TEXT},
    bearer {TEXT},
    text {TEXT},
    received_at bigint NOT NULL,
    session {TEXT},
    sent_at bigint,
    conversation {TEXT}
) PARTITION BY RANGE (received_at);
CREATE INDEX messages_citizen ON messages (citizen);

CREATE TABLE rolled_answers ( -- counts kept ahead; the period is a day, or a month as ~2026-11
    period {TEXT},
    flow {TEXT},
    flow_hash {TEXT},
    step {TEXT},
    value {TEXT},
    place {TEXT},
    count bigint NOT NULL,
    PRIMARY KEY (period, flow, flow_hash, step, value, place)
);
CREATE INDEX rolled_answers_none ON rolled_answers (period) WHERE count = 0;

CREATE TABLE rolled_walks (
    period {TEXT},
    flow {TEXT},
    flow_hash {TEXT},
    place {TEXT},
    language {TEXT},
    bearer {TEXT},
    begun bigint NOT NULL,
    completed bigint NOT NULL,
    PRIMARY KEY (period, flow, flow_hash, place, language, bearer)
);
CREATE INDEX rolled_walks_none ON rolled_walks (period) WHERE begun = 0;

CREATE TABLE rolled_days (
    day {TEXT} PRIMARY KEY,
    conversations bigint NOT NULL,
    walks bigint NOT NULL,
    open bigint NOT NULL,
    answers bigint NOT NULL
);

CREATE TABLE spend (
    channel {TEXT}, hour {TEXT}, segments bigint NOT NULL, short boolean NOT NULL, PRIMARY KEY (channel, hour)
);

CREATE TABLE outbox_keys (dedupe_key {TEXT} PRIMARY KEY, citizen {TEXT});
CREATE INDEX outbox_keys_citizen ON outbox_keys (citizen);

CREATE TABLE early_receipts (
    channel {TEXT},
    provider_id {TEXT},
    state {TEXT},
    detail {TEXT},
    at bigint NOT NULL,
    PRIMARY KEY (channel, provider_id)
);

CREATE TABLE flows (
    hash {TEXT} PRIMARY KEY, flow {TEXT}, version bigint NOT NULL, data bytea NOT NULL, kept_at bigint NOT NULL
);

CREATE TABLE snapshots (
    flow_hash {TEXT},
    period {TEXT},
    epoch bigint NOT NULL,
    seq bigint NOT NULL,
    digest {TEXT},
    acked boolean NOT NULL,
    PRIMARY KEY (flow_hash, period)
);

CREATE TABLE syncs (
    seq bigint PRIMARY KEY DEFAULT nextval('syncs_seq'),
    at bigint NOT NULL,
    carrier {TEXT},
    ok boolean NOT NULL,
    detail {TEXT}
);

CREATE TABLE slots (job {TEXT}, slot {TEXT}, claimed_at bigint NOT NULL, PRIMARY KEY (job, slot));

CREATE TABLE events (
    seq bigint PRIMARY KEY DEFAULT nextval('events_seq'),
    at bigint NOT NULL,
    kind {TEXT},
    detail {TEXT},
    citizen {TEXT}
);
CREATE INDEX events_citizen ON events (citizen) WHERE citizen <> '';

-- One row per pair and lot of citizens: they all count, and must not wait for each other.
CREATE TABLE fallbacks (pair {TEXT}, lot int NOT NULL, served bigint NOT NULL, PRIMARY KEY (pair, lot));
CREATE TABLE settings (key {TEXT} PRIMARY KEY, value {TEXT});
CREATE TABLE counters (name {TEXT} PRIMARY KEY, value bigint NOT NULL);
INSERT INTO counters VALUES ('epoch', 1), ('snapshots', 0), ('checks', 0);
"""  # noqa: S608 - constants only


def keep_one_inbound() -> str:
    """Make the functions that keep or forget in one round trip."""
    from storage.postgres.functions import ACCEPT_1, COUNT_AHEAD_1, FORGET_1, QUEUE_1, THAW_1

    return COUNT_AHEAD_1 + THAW_1 + FORGET_1 + QUEUE_1 + ACCEPT_1


def totals_ahead() -> str:
    """Count citizens and messages ahead, so that the totals of a metric do not cost by what was ever kept."""
    from storage.postgres.functions import ACCEPT_3, FORGET_3, ROLL_TOTALS_3, UNCOUNT_3

    return TOTALS + UNCOUNT_3 + FORGET_3 + ACCEPT_3 + ROLL_TOTALS_3


# `rolled` may be empty: a gateway of the release before goes on keeping citizens during the upgrade.
TOTALS = """
ALTER TABLE citizens ADD COLUMN rolled boolean;
CREATE INDEX citizens_fresh ON citizens (pseudonym) WHERE rolled IS NOT TRUE;
CREATE INDEX messages_seq ON messages (seq);
INSERT INTO counters
    VALUES ('citizens', 0), ('inbound', 0), ('steps', 0), ('inbound-upto', 0), ('noted', 0), ('noted-at', 0);
"""


def own_words() -> str:
    """Find the newest answers in the citizens' own words without reading all the others."""
    return "CREATE INDEX answers_free ON answers (flow, answered_at) WHERE free;"


def lock_before_looking() -> str:
    """Wait for who is counting a conversation ahead before it is changed or forgotten."""
    from storage.postgres.functions import THAW_5

    return THAW_5


def consents_and_persons() -> str:
    """Keep the proof of what citizens want, and whose turn it is on a shared phone."""
    from storage.postgres.functions import ACCEPT_6, FORGET_6, QUEUE_6

    return CONSENTS + FORGET_6 + QUEUE_6 + ACCEPT_6


CONSENTS = f"""
CREATE SEQUENCE consents_seq;
CREATE TABLE consents (
    seq bigint PRIMARY KEY DEFAULT nextval('consents_seq'),
    citizen {TEXT},
    at bigint NOT NULL,
    act {TEXT} CHECK (act IN ('agreed', 'started', 'stopped', 'imported')),
    channel {TEXT},
    words {TEXT},
    proof {TEXT},
    language {TEXT},
    place {TEXT},
    number bytea NOT NULL
);
CREATE INDEX consents_citizen ON consents (citizen);

-- Whom no import brings back.
CREATE TABLE erased (citizen {TEXT} PRIMARY KEY);

ALTER TABLE sessions ADD COLUMN person {TEXT} DEFAULT '';
CREATE INDEX sessions_person ON sessions (person) WHERE person <> '';
"""


def hold_the_undated() -> str:
    """Hold what is kept while the clock is not known."""
    return UNDATED


UNDATED = f"""
CREATE TABLE undated ( -- one time without a clock; its rows have `unknown NUMBER` for a day
    number bigint PRIMARY KEY,
    boot {TEXT},
    base bigint NOT NULL,
    since bigint NOT NULL,
    until bigint NOT NULL,
    shift bigint
);
CREATE INDEX conversations_undated ON conversations (day) WHERE day > 'u';
CREATE INDEX answers_undated ON answers (day) WHERE day > 'u';
CREATE INDEX conversations_seq_newest ON conversations (seq);
CREATE INDEX outbox_seq_newest ON outbox (seq);
"""


def campaigns() -> str:
    """Keep campaigns, who was drawn and asked, and where citizens who wrote can be written to."""
    return CAMPAIGNS


CAMPAIGNS = f"""
CREATE TABLE reached (
    citizen {TEXT} PRIMARY KEY,
    number bytea NOT NULL,
    channel {TEXT},
    at bigint NOT NULL
);
CREATE INDEX reached_at ON reached (at);

CREATE TABLE campaigns (
    name {TEXT} PRIMARY KEY,
    state {TEXT} CHECK (state IN ('waiting', 'running', 'paused', 'stopped', 'done')),
    data {TEXT},
    revision bigint NOT NULL,
    changed_at bigint NOT NULL
);

CREATE TABLE campaign_members (
    campaign {TEXT},
    round bigint NOT NULL,
    citizen {TEXT},
    rank bigint NOT NULL,
    wave bigint NOT NULL DEFAULT -1,
    state {TEXT} DEFAULT 'drawn' CHECK (state IN ('drawn', 'asked', 'skipped')),
    reason {TEXT} DEFAULT '',
    message {TEXT} DEFAULT '',
    conversation {TEXT} DEFAULT '',
    asked_at bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (campaign, round, citizen)
);
CREATE INDEX campaign_members_turn ON campaign_members (campaign, round, state, rank);
CREATE INDEX campaign_members_citizen ON campaign_members (citizen);
CREATE INDEX campaign_members_asked ON campaign_members (asked_at) WHERE state = 'asked';

-- Called beside `accept`, in its statement, for whoever begins a conversation.
CREATE FUNCTION reach(who text, where_to bytea, by_channel text, now bigint) RETURNS void LANGUAGE sql AS $$
    INSERT INTO reached AS t VALUES (who, where_to, by_channel, now)
    ON CONFLICT (citizen) DO UPDATE SET number = excluded.number, channel = excluded.channel, at = excluded.at
$$;

-- Who says stop is not written to again, and who is forgotten was never asked.
CREATE FUNCTION unreach() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM reached WHERE citizen = OLD.pseudonym;
        DELETE FROM campaign_members WHERE citizen = OLD.pseudonym;
        RETURN OLD;
    END IF;
    DELETE FROM reached WHERE citizen = NEW.pseudonym;
    RETURN NEW;
END $$;
CREATE TRIGGER reached_stop AFTER UPDATE OF stopped_at ON citizens FOR EACH ROW
    WHEN (NEW.stopped_at > 0) EXECUTE FUNCTION unreach();
CREATE TRIGGER reached_forget AFTER DELETE ON citizens FOR EACH ROW EXECUTE FUNCTION unreach();
"""  # noqa: S608 - constants only


def conversations_that_wait() -> str:
    """Let open conversations be looked after; those of before are, as soon as a gateway runs."""
    from storage.postgres.functions import ACCEPT_9, COUNT_AHEAD_9

    return WAITING + COUNT_AHEAD_9 + ACCEPT_9


WAITING = """
ALTER TABLE conversations
    ADD COLUMN recipient bytea NOT NULL DEFAULT '',
    ADD COLUMN due_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN lost_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN asked_at bigint NOT NULL DEFAULT 0,
    ADD COLUMN asked bigint NOT NULL DEFAULT 0;
CREATE INDEX conversations_due ON conversations (due_at) WHERE due_at > 0;
UPDATE conversations SET due_at = 1 WHERE status = 'active';

ALTER TABLE rolled_walks ADD COLUMN partial bigint NOT NULL DEFAULT 0, ADD COLUMN open bigint NOT NULL DEFAULT 0;
INSERT INTO rolled_walks AS t (period, flow, flow_hash, place, language, bearer, begun, completed, partial, open)
SELECT CASE wide WHEN 10 THEN c.day ELSE '~' || left(c.day, 7) END, c.flow, c.flow_hash, c.place, c.language,
    c.bearer, 0, 0, count(*) FILTER (WHERE c.status <> 'active' AND c.completed_at = 0 AND EXISTS (
        SELECT 1 FROM answers a WHERE a.citizen = c.citizen AND a.conversation = c.id)),
    count(*) FILTER (WHERE c.status = 'active')
FROM conversations c CROSS JOIN (VALUES (10), (7)) AS span (wide) WHERE c.rolled AND c.flow <> ''
GROUP BY 1, 2, 3, 4, 5, 6
ON CONFLICT (period, flow, flow_hash, place, language, bearer) DO UPDATE
    SET partial = excluded.partial, open = excluded.open;
"""


MIGRATIONS: tuple[Callable[[], str], ...] = (
    first_tables,
    keep_one_inbound,
    totals_ahead,
    own_words,
    lock_before_looking,
    consents_and_persons,
    hold_the_undated,
    campaigns,
    conversations_that_wait,
)
"""Each returns the statements of one step; its place in the list is its number."""
