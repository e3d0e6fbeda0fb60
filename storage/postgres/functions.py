"""What runs inside the server, so that one inbound costs one round trip. Released ones are never edited.

Each takes the citizen's lock first. What follows sees all that the holder before committed, so that checks made here
still hold when the writes come, and nothing has to be undone. Locks are always taken in this order: citizen, session,
message id, key of a message, pair of languages.
"""

from __future__ import annotations

# What conversations add to the counts kept ahead, or take away again: one and the same SELECT, with its sign. Whoever
# calls it has locked these conversations' rows; lock 5 keeps two callers from meeting in the counts.
COUNT_AHEAD_1 = """
CREATE FUNCTION count_ahead(whose text[], walks text[], sign bigint) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(5, 0);
    INSERT INTO rolled_answers AS t (period, flow, flow_hash, step, value, place, count)
    SELECT CASE wide WHEN 10 THEN a.day ELSE '~' || left(a.day, 7) END, a.flow, a.flow_hash, a.step,
        CASE WHEN a.free THEN '' WHEN a.kind = 'list' THEN k.key ELSE a.value END, c.place,
        sign * count(DISTINCT a.seq)
    FROM unnest(whose, walks) AS w (citizen, id)
    JOIN conversations c ON c.citizen = w.citizen AND c.id = w.id
    JOIN answers a ON a.citizen = w.citizen AND a.conversation = w.id
    CROSS JOIN LATERAL json_array_elements_text(
        CASE WHEN a.kind = 'list' AND NOT a.free THEN a.value::json ELSE '[0]'::json END) AS k (key)
    CROSS JOIN (VALUES (10), (7)) AS span (wide)
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (period, flow, flow_hash, step, value, place) DO UPDATE SET count = t.count + excluded.count;

    INSERT INTO rolled_walks AS t (period, flow, flow_hash, place, language, bearer, begun, completed)
    SELECT CASE wide WHEN 10 THEN c.day ELSE '~' || left(c.day, 7) END, c.flow, c.flow_hash, c.place, c.language,
        c.bearer, sign * count(*), sign * count(*) FILTER (WHERE c.completed_at > 0)
    FROM unnest(whose, walks) AS w (citizen, id)
    JOIN conversations c ON c.citizen = w.citizen AND c.id = w.id
    CROSS JOIN (VALUES (10), (7)) AS span (wide)
    WHERE c.flow <> ''
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
    ON CONFLICT (period, flow, flow_hash, place, language, bearer) DO UPDATE
        SET begun = t.begun + excluded.begun, completed = t.completed + excluded.completed;

    INSERT INTO rolled_days AS t (day, conversations, walks, open, answers)
    SELECT day, sign * sum(conversation), sign * sum(walk), sign * sum(active), sign * sum(answer) FROM (
        SELECT c.day, 1 AS conversation, (c.flow <> '')::int AS walk,
            (c.flow <> '' AND c.status = 'active')::int AS active, 0 AS answer
        FROM unnest(whose, walks) AS w (citizen, id) JOIN conversations c ON c.citizen = w.citizen AND c.id = w.id
        UNION ALL
        SELECT a.day, 0, 0, 0, 1
        FROM unnest(whose, walks) AS w (citizen, id)
        JOIN answers a ON a.citizen = w.citizen AND a.conversation = w.id
    ) AS all_rows
    GROUP BY day ORDER BY day
    ON CONFLICT (day) DO UPDATE
        SET conversations = t.conversations + excluded.conversations, walks = t.walks + excluded.walks,
            open = t.open + excluded.open, answers = t.answers + excluded.answers;

    UPDATE conversations c SET rolled = sign > 0
        FROM unnest(whose, walks) AS w (citizen, id) WHERE c.citizen = w.citizen AND c.id = w.id;
    IF sign < 0 THEN
        DELETE FROM rolled_answers WHERE count = 0;
        DELETE FROM rolled_walks WHERE begun = 0;
        DELETE FROM rolled_days WHERE conversations = 0 AND answers = 0;
    END IF;
END $$;
"""

# Locks these conversations of one citizen, and takes those that were counted ahead out of the counts.
THAW_1 = """
CREATE FUNCTION thaw(who text, walks text[]) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    rolled_ids text[];
BEGIN
    SELECT array_agg(id) INTO rolled_ids FROM (
        SELECT id, rolled FROM conversations WHERE citizen = who AND (walks IS NULL OR id = ANY (walks))
        ORDER BY id FOR UPDATE
    ) AS locked WHERE rolled;
    IF rolled_ids IS NOT NULL THEN
        PERFORM count_ahead(array_fill(who, ARRAY[cardinality(rolled_ids)]), rolled_ids, -1);
    END IF;
END $$;
"""

FORGET_1 = """
CREATE FUNCTION forget(who text, last_channel text, last_reply bytea) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    gone bigint := 0;
    more bigint;
BEGIN
    IF who = '' THEN
        RETURN 0;
    END IF;
    PERFORM pg_advisory_xact_lock(1, hashtext(who));
    PERFORM thaw(who, NULL);
    DELETE FROM answers WHERE citizen = who;
    GET DIAGNOSTICS more = ROW_COUNT; gone := gone + more;
    DELETE FROM conversations WHERE citizen = who;
    GET DIAGNOSTICS more = ROW_COUNT; gone := gone + more;
    DELETE FROM sessions WHERE citizen = who;
    GET DIAGNOSTICS more = ROW_COUNT; gone := gone + more;
    DELETE FROM outbox_keys WHERE citizen = who;
    DELETE FROM outbox WHERE citizen = who;
    GET DIAGNOSTICS more = ROW_COUNT; gone := gone + more;
    DELETE FROM events WHERE citizen = who;
    GET DIAGNOSTICS more = ROW_COUNT; gone := gone + more;
    DELETE FROM citizens WHERE pseudonym = who;
    GET DIAGNOSTICS more = ROW_COUNT; gone := gone + more;
    -- The provider's message id stays, so that a late repeat is still no new message. It hears the last word about the
    -- citizen: what their data said before is gone.
    DELETE FROM messages WHERE citizen = who;
    UPDATE inbound SET citizen = '', reply = CASE channel WHEN last_channel THEN last_reply ELSE ''::bytea END
        WHERE citizen = who AND citizen <> '';
    GET DIAGNOSTICS more = ROW_COUNT; gone := gone + more;
    RETURN gone;
END $$;
"""

# Known keys are left out, and so are citizens who want no message that does not answer their own.
QUEUE_1 = """
CREATE FUNCTION queue(messages jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    one outbox;
    stopped bigint;
    new bigint := 0;
BEGIN
    FOR one IN SELECT * FROM jsonb_populate_recordset(NULL::outbox, messages) LOOP
        IF one.kind NOT IN ('question', 'reply') THEN
            SELECT stopped_at INTO stopped FROM citizens WHERE pseudonym = one.citizen;
            CONTINUE WHEN CASE WHEN FOUND THEN stopped > 0 ELSE one.ground = 'wrote' END;
        END IF;
        IF one.dedupe_key <> '' THEN
            INSERT INTO outbox_keys VALUES (one.dedupe_key, one.citizen) ON CONFLICT DO NOTHING;
            CONTINUE WHEN NOT FOUND;
        END IF;
        INSERT INTO outbox (id, citizen, channel, recipient, text, encoding, segments, state, created_at, changed_at,
            in_reply_to, dedupe_key, not_after, kind, unasked, ground, conversation)
        VALUES (one.id, one.citizen, one.channel, one.recipient, one.text, one.encoding, one.segments, 'queued',
            one.created_at, one.created_at, one.in_reply_to, one.dedupe_key, one.not_after, one.kind, one.unasked,
            one.ground, one.conversation);
        new := new + 1;
    END LOOP;
    RETURN new;
END $$;
"""

ACCEPT_1 = """
CREATE FUNCTION accept(change jsonb, OUT outcome text, OUT told bytea) LANGUAGE plpgsql AS $$
DECLARE
    i messages := jsonb_populate_record(NULL::messages, change->'inbound');
    c citizens := jsonb_populate_record(NULL::citizens, change->'citizen');
    v conversations := jsonb_populate_record(NULL::conversations, change->'conversation');
    s sessions := jsonb_populate_record(NULL::sessions, change->'session');
    said bytea := (change->>'reply')::bytea;
    base bigint := (change->>'base')::bigint;
    closes text := change->>'closes';
    erases boolean := change ? 'erase';
    owner text;
BEGIN
    PERFORM pg_advisory_xact_lock(1, hashtext(c.pseudonym));

    -- Was it taken before?
    SELECT t.citizen, t.reply INTO owner, told FROM inbound t
        WHERE t.channel = i.channel AND t.external_id = i.external_id;
    IF FOUND THEN
        outcome := CASE WHEN owner IN ('', i.citizen) THEN 'repeat' ELSE 'conflict' END;
        RETURN;
    END IF;

    -- Did somebody else move first?
    outcome := 'conflict';
    IF NOT erases THEN
        IF s.session IS NOT NULL THEN
            PERFORM pg_advisory_xact_lock(2, hashtext(s.channel || ' ' || s.session));
            PERFORM 1 FROM sessions t WHERE t.channel = s.channel AND t.session = s.session AND t.citizen <> s.citizen;
            IF FOUND THEN RETURN; END IF;
        END IF;
        IF closes <> '' THEN
            PERFORM 1 FROM conversations t
                WHERE t.citizen = c.pseudonym AND t.id = closes AND t.status = 'active' AND t.id IS DISTINCT FROM v.id;
            IF NOT FOUND THEN RETURN; END IF;
        END IF;
        IF base > 0 THEN
            PERFORM 1 FROM conversations t WHERE t.citizen = c.pseudonym AND t.id = v.id AND t.revision = base;
            IF NOT FOUND THEN RETURN; END IF;
        ELSIF v.id IS NOT NULL THEN
            PERFORM 1 FROM conversations t WHERE t.citizen = c.pseudonym
                AND ((t.status = 'active' AND t.flow = v.flow AND t.id <> closes) OR t.id = v.id);
            IF FOUND THEN RETURN; END IF;
        END IF;
    END IF;

    -- The inbound itself. Another citizen may be keeping the same id at this very moment.
    i.seq := nextval('inbound_seq');
    INSERT INTO inbound AS t (channel, external_id, citizen, reply, seq)
        VALUES (i.channel, i.external_id, CASE WHEN erases THEN '' ELSE i.citizen END, said, i.seq)
        ON CONFLICT DO NOTHING;
    IF NOT FOUND THEN RETURN; END IF;
    outcome := 'taken';

    IF erases THEN
        PERFORM forget(i.citizen, i.channel, said);
    ELSE
        INSERT INTO messages SELECT (i).*;
        INSERT INTO citizens AS t SELECT (c).* ON CONFLICT (pseudonym) DO UPDATE
            SET language = excluded.language, consented_at = excluded.consented_at, place = excluded.place,
                stopped_at = excluded.stopped_at
            WHERE (t.language, t.consented_at, t.place, t.stopped_at)
                <> (excluded.language, excluded.consented_at, excluded.place, excluded.stopped_at);
        IF change ? 'touches' THEN
            -- What these conversations added to the counts kept ahead goes before they change.
            PERFORM thaw(c.pseudonym, ARRAY(SELECT jsonb_array_elements_text(change->'touches')));
        END IF;
        IF closes <> '' THEN
            -- A state that is active does not say so: it is the default.
            UPDATE conversations SET status = 'expired', state = left(state, -1) || ',"status":"expired"}',
                revision = revision + 1, updated_at = i.received_at
                WHERE citizen = c.pseudonym AND id = closes;
        END IF;
        IF base > 0 THEN
            UPDATE conversations SET flow = v.flow, version = v.version, flow_hash = v.flow_hash,
                language = v.language, place = v.place, status = v.status, revision = revision + 1, state = v.state,
                completed_at = v.completed_at, updated_at = v.updated_at
                WHERE citizen = c.pseudonym AND id = v.id;
        ELSIF v.id IS NOT NULL THEN
            v.seq := nextval('conversations_seq');
            INSERT INTO conversations SELECT (v).*;
        END IF;
        IF change ? 'forgets' THEN
            DELETE FROM answers WHERE citizen = c.pseudonym AND conversation = v.id;
        END IF;
        IF change ? 'withdrawn' THEN
            DELETE FROM answers WHERE citizen = c.pseudonym AND conversation = v.id
                AND step IN (SELECT jsonb_array_elements_text(change->'withdrawn'));
        END IF;
        IF s.session IS NOT NULL THEN
            INSERT INTO sessions SELECT (s).* ON CONFLICT (channel, session) DO UPDATE
                SET service = excluded.service, path = excluded.path, reply = excluded.reply,
                    conversation = excluded.conversation, opened_at = excluded.opened_at, closed = excluded.closed;
        END IF;
        IF change ? 'answers' THEN
            INSERT INTO answers AS t (id, citizen, conversation, flow, flow_version, flow_hash, step, kind, value, raw,
                language, bearer, channel, answered_at, day, free)
            SELECT a.id, c.pseudonym, a.conversation, a.flow, a.flow_version, a.flow_hash, a.step, a.kind, a.value,
                a.raw, a.language, a.bearer, a.channel, a.answered_at, a.day, a.free
                FROM jsonb_populate_recordset(NULL::answers, change->'answers') a
            ON CONFLICT (citizen, conversation, step) DO UPDATE
                SET seq = excluded.seq, id = excluded.id, flow = excluded.flow, flow_version = excluded.flow_version,
                    flow_hash = excluded.flow_hash, kind = excluded.kind, value = excluded.value, raw = excluded.raw,
                    language = excluded.language, bearer = excluded.bearer, channel = excluded.channel,
                    answered_at = excluded.answered_at, day = excluded.day, free = excluded.free;
        END IF;
        IF change ? 'ended' THEN
            UPDATE outbox SET not_after = least(not_after, (change->>'until')::bigint)
                WHERE citizen = c.pseudonym AND kind = 'question' AND state IN ('queued', 'sending')
                AND conversation IN (SELECT jsonb_array_elements_text(change->'ended'));
        END IF;
        IF c.stopped_at > 0 THEN
            UPDATE outbox SET state = 'dead', last_error = change->>'stopped', recipient = '',
                changed_at = i.received_at
                WHERE citizen = c.pseudonym AND kind <> 'reply' AND state = 'queued';
        END IF;
    END IF;

    IF change ? 'outbound' THEN
        PERFORM queue(change->'outbound');
    END IF;
    IF change ? 'fallbacks' THEN
        INSERT INTO fallbacks AS t (pair, lot, served)
            SELECT key, hashtext(c.pseudonym) & 15, value::bigint FROM jsonb_each_text(change->'fallbacks') ORDER BY key
            ON CONFLICT (pair, lot) DO UPDATE SET served = t.served + excluded.served;
    END IF;
    IF change ? 'events' THEN
        INSERT INTO events (at, kind, detail, citizen)
            SELECT i.received_at, e.value->>0, e.value->>1, CASE WHEN erases THEN '' ELSE c.pseudonym END
            FROM jsonb_array_elements(change->'events') WITH ORDINALITY AS e (value, at) ORDER BY e.at;
    END IF;
END $$;
"""

# What was released, with one line more each: a released text is never edited, but it can be replaced.
ACCEPT_3 = ACCEPT_1.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
    "    i.seq := nextval(",
    "    PERFORM pg_current_xact_id(); -- before the number: see roll_totals\n    i.seq := nextval(",
)
FORGET_3 = FORGET_1.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
    "    DELETE FROM citizens", "    PERFORM uncount(who);\n    DELETE FROM citizens"
)

# Takes a citizen who is about to be forgotten out of the totals kept ahead.
UNCOUNT_3 = """
CREATE FUNCTION uncount(who text) RETURNS void LANGUAGE plpgsql AS $$
DECLARE
    upto bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(5, 0);
    SELECT value INTO upto FROM counters WHERE name = 'inbound-upto';
    UPDATE counters c SET value = c.value - t.gone FROM (
        SELECT 'citizens' AS name, count(*) AS gone FROM citizens WHERE pseudonym = who AND rolled
        UNION ALL SELECT 'inbound', count(*) FROM messages WHERE citizen = who AND seq <= upto
        UNION ALL SELECT 'steps', count(*) FROM messages WHERE citizen = who AND seq <= upto AND conversation <> ''
    ) AS t WHERE c.name = t.name AND t.gone <> 0;
END $$;
"""

# Counts up to `most` messages and citizens ahead; it must come first in its transaction.
#
# A message of an earlier number may still appear after one of a later number was seen. So the newest number is noted,
# and what is not above it is counted only once every transaction has ended that may have drawn it. Each of those has
# an older transaction number than the one drawn here after the note was read, as `accept` draws its own before the
# message's. Whoever waits for lock 5 may hold rows, but nothing here waits for a row.
ROLL_TOTALS_3 = """
CREATE FUNCTION roll_totals(most bigint) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE
    upto bigint;
    noted bigint;
    noted_at bigint;
    newest bigint;
    told bigint;
    moved bigint;
    rows bigint := 0;
    known bigint;
BEGIN
    PERFORM pg_advisory_xact_lock(5, 0);
    SELECT max(value) FILTER (WHERE name = 'inbound-upto'), max(value) FILTER (WHERE name = 'noted'),
        max(value) FILTER (WHERE name = 'noted-at') INTO upto, noted, noted_at FROM counters;
    IF noted > upto AND noted_at <= pg_snapshot_xmin(pg_current_snapshot())::text::bigint THEN
        rows := least(noted - upto, most);
        SELECT count(*), count(*) FILTER (WHERE conversation <> '') INTO told, moved
            FROM messages WHERE seq > upto AND seq <= upto + rows;
        UPDATE counters SET value = value + CASE name WHEN 'inbound' THEN told WHEN 'steps' THEN moved ELSE rows END
            WHERE name IN ('inbound', 'steps', 'inbound-upto');
    ELSIF (noted <= upto OR noted_at >= pg_snapshot_xmax(pg_current_snapshot())::text::bigint)
        -- A note whose transaction is still to come was made on another server, and restored here.
        AND pg_current_xact_id_if_assigned() IS NULL
    THEN
        SELECT CASE WHEN is_called THEN last_value ELSE 0 END INTO newest FROM inbound_seq;
        IF newest > upto THEN
            noted_at := pg_current_xact_id()::text::bigint;
            UPDATE counters SET value = CASE name WHEN 'noted' THEN newest ELSE noted_at END
                WHERE name IN ('noted', 'noted-at');
        END IF;
    END IF;

    WITH taken AS (
        SELECT pseudonym FROM citizens WHERE rolled IS NOT TRUE LIMIT most FOR UPDATE SKIP LOCKED
    )
    UPDATE citizens c SET rolled = true FROM taken WHERE c.pseudonym = taken.pseudonym;
    GET DIAGNOSTICS known = ROW_COUNT;
    IF known > 0 THEN
        UPDATE counters SET value = value + known WHERE name = 'citizens';
    END IF;
    RETURN rows + known;
END $$;
"""

# A condition outside of what is locked is moved inside of it by the planner: what another transaction is just counting
# ahead would then be neither seen nor waited for. So all are locked first, and looked at as they then are.
THAW_5 = (
    THAW_1.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    .replace("array_agg(id) INTO", "array_agg(id) FILTER (WHERE rolled) INTO")
    .replace(") AS locked WHERE rolled;", ") AS locked;")
)

# Proofs come with the inbound that gave them; the person whose turn it is on a shared phone is kept with the session.
# A gateway of the release before says nothing of either.
ACCEPT_6 = (
    ACCEPT_3.replace("    owner text;\n", "    owner text;\n    proof consents;\n")
    .replace(
        "        IF s.session IS NOT NULL THEN\n            INSERT INTO sessions",
        "        IF s.session IS NOT NULL THEN\n            s.person := coalesce(s.person, '');\n"
        "            INSERT INTO sessions",
    )
    .replace("closed = excluded.closed;", "closed = excluded.closed, person = excluded.person;")
    .replace(
        "    IF change ? 'outbound' THEN",
        """    IF change ? 'consents' AND NOT erases THEN
        FOR proof IN SELECT * FROM jsonb_populate_recordset(NULL::consents, change->'consents') LOOP
            proof.seq := nextval('consents_seq');
            INSERT INTO consents SELECT (proof).*;
        END LOOP;
    END IF;
    IF change ? 'outbound' THEN""",
    )
)
FORGET_6 = FORGET_3.replace(
    "    PERFORM uncount(who);",
    """    DELETE FROM consents WHERE citizen = who;
    GET DIAGNOSTICS more = ROW_COUNT; gone := gone + more;
    DELETE FROM sessions WHERE person = who AND person <> '';
    GET DIAGNOSTICS more = ROW_COUNT; gone := gone + more;
    INSERT INTO erased VALUES (who) ON CONFLICT DO NOTHING;
    PERFORM uncount(who);""",
)

# What nobody asked for does not go to who was forgotten, and did not come back, either.
QUEUE_6 = QUEUE_1.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION").replace(
    "CASE WHEN FOUND THEN stopped > 0 ELSE one.ground = 'wrote' END;",
    "CASE WHEN FOUND THEN stopped > 0 ELSE one.ground = 'wrote'\n"
    "                OR one.unasked AND EXISTS (SELECT 1 FROM erased e WHERE e.citizen = one.citizen) END;",
)
# What became of the conversations that are counted ahead.
COUNT_AHEAD_9 = (
    COUNT_AHEAD_1.replace("CREATE FUNCTION", "CREATE OR REPLACE FUNCTION")
    .replace("begun, completed)\n    SELECT", "begun, completed, partial, open)\n    SELECT")
    .replace(
        "FILTER (WHERE c.completed_at > 0)\n",
        "FILTER (WHERE c.completed_at > 0),\n"
        "        sign * count(*) FILTER (WHERE c.status <> 'active' AND c.completed_at = 0 AND EXISTS (\n"
        "            SELECT 1 FROM answers a WHERE a.citizen = c.citizen AND a.conversation = c.id)),\n"
        "        sign * count(*) FILTER (WHERE c.status = 'active')\n",
    )
    .replace(
        "completed = t.completed + excluded.completed;",
        "completed = t.completed + excluded.completed,\n"
        "            partial = t.partial + excluded.partial, open = t.open + excluded.open;",
    )
)

# A gateway of the release before tells neither number nor moment.
ACCEPT_9 = (
    ACCEPT_6.replace(
        "    PERFORM pg_advisory_xact_lock(1, hashtext(c.pseudonym));\n",
        "    v.recipient := CASE WHEN v.status = 'active' THEN coalesce(v.recipient, '') ELSE '' END;\n"
        "    v.due_at := CASE WHEN v.status = 'active' THEN coalesce(v.due_at, 0) ELSE 0 END;\n"
        "    v.lost_at := 0;\n    v.asked_at := 0;\n    v.asked := 0;\n"
        "    PERFORM pg_advisory_xact_lock(1, hashtext(c.pseudonym));\n",
    )
    .replace(
        "            IF NOT FOUND THEN RETURN; END IF;\n        ELSIF v.id IS NOT NULL THEN\n",
        "            IF NOT FOUND THEN RETURN; END IF;\n"
        "            IF change ? 'reopens' THEN\n"
        "                PERFORM 1 FROM conversations t\n"
        "                    JOIN conversations n ON n.citizen = t.citizen AND n.seq > t.seq\n"
        "                    WHERE t.citizen = c.pseudonym AND t.id = v.id;\n"
        "                IF FOUND THEN RETURN; END IF;\n"
        "            END IF;\n"
        "        ELSIF v.id IS NOT NULL THEN\n",
    )
    .replace("updated_at = i.received_at\n", "updated_at = i.received_at, recipient = '', due_at = 0\n")
    .replace(
        "completed_at = v.completed_at, updated_at = v.updated_at\n",
        "completed_at = v.completed_at, updated_at = v.updated_at,\n"
        "                recipient = CASE WHEN v.status = 'active' AND v.due_at = 0 THEN recipient\n"
        "                    ELSE v.recipient END,\n"
        "                due_at = CASE WHEN v.status = 'active' AND v.due_at = 0 THEN due_at ELSE v.due_at END\n",
    )
)
