/** Advisory locks of one database: their first key ("tutt" in ASCII), and the second by purpose. */
export const LOCK_SPACE = 0x74_75_74_74;
export const LOCKS = { journal: 1, migrations: 2 } as const;

/** The channel on which nodes tell each other of what they wrote. */
export const CHANNEL = "tutti_changes";

/** SQLSTATE of a batch that holds events which do not fit what is there; the detail is a JSON array of the rows' numbers, from 1. */
export const REFUSED = "TU001";

/**
 * The journal as functions in the database: one call writes a batch in one round trip, and hashes it as the SQLite journal does.
 *
 * The lock is taken first and held until the commit is on disk and visible, so batches of all nodes happen one after the other. That gives
 * three things at once: a run's chain cannot fork, positions become visible in their order (a reader never skips one that commits late),
 * and every statement after the lock sees all that was written before. The statements stand in PL/pgSQL because each has a snapshot of its
 * own there; in one plain statement the snapshot would be older than the lock.
 */
export const JOURNAL_FUNCTIONS = `
CREATE FUNCTION tutti.append(node text, ids text[], runs int[], seqs int[], statuses text[], marks text[], extras text[], bodies text[], changes text[])
RETURNS void LANGUAGE plpgsql
-- The statements below are lookups by key; on a young table without statistics the planner would rather scan.
SET enable_seqscan = off
AS $$
DECLARE
  nums bigint[]; heads int[]; hashes text[]; parked boolean[];
  refused int[] := '{}'; broken boolean[] := array_fill(false, ARRAY[cardinality(ids)]);
  first_position bigint; this int; extra jsonb;
BEGIN
  PERFORM pg_advisory_xact_lock(${LOCK_SPACE}, ${LOCKS.journal});
  SELECT array_agg(r.num ORDER BY i.nth), array_agg(coalesce(last.seq, 0) ORDER BY i.nth),
         array_agg(coalesce(last.hash, repeat('0', 64)) ORDER BY i.nth), array_agg(coalesce(r.parked, false) ORDER BY i.nth)
    INTO nums, heads, hashes, parked
    FROM unnest(ids) WITH ORDINALITY AS i(id, nth)
    LEFT JOIN tutti.runs r ON r.id = i.id
    LEFT JOIN LATERAL (SELECT e.seq, e.hash FROM tutti.events e WHERE e.run = r.num ORDER BY e.seq DESC LIMIT 1) last ON true;
  first_position := nextval('tutti.positions');
  FOR n IN 1..cardinality(runs) LOOP
    this := runs[n];
    CONTINUE WHEN broken[this];
    extra := extras[n]::jsonb;
    IF marks[n] = 'park' THEN
      parked[this] := nums[this] IS NOT NULL AND tutti.park(nums[this], extra);
    ELSIF seqs[n] = heads[this] + 1 THEN
      heads[this] := seqs[n];
      hashes[this] := encode(sha256(convert_to(hashes[this] || E'\\n' || bodies[n], 'UTF8')), 'hex');
      IF nums[this] IS NULL THEN
        nums[this] := tutti.begin_run(ids[this], extra);
      END IF;
      INSERT INTO tutti.events (position, run, seq, body, hash, topic)
        VALUES (first_position + n, nums[this], heads[this], bodies[n], hashes[this], extra ->> 'topic');
      IF marks[n] = 'wait' THEN
        PERFORM tutti.wait(nums[this], extra);
      ELSIF marks[n] = 'woken' THEN
        DELETE FROM tutti.waits w WHERE w.run = nums[this] AND w.key = extra ->> 'key';
      END IF;
      IF statuses[n] <> '' THEN
        UPDATE tutti.runs r SET status = statuses[n], ended_at = extra ->> 'endedAt', events = heads[this], head = hashes[this], parked = false
          WHERE r.num = nums[this];
        IF extra ? 'endedAt' THEN
          PERFORM tutti.end_run(nums[this], ids[this], extra ->> 'nextRunId');
        END IF;
      ELSIF parked[this] THEN
        UPDATE tutti.runs r SET parked = false WHERE r.num = nums[this];
      END IF;
      parked[this] := false;
    ELSIF seqs[n] > heads[this] OR marks[n] <> 'recorded' AND NOT EXISTS (
      SELECT FROM tutti.events e WHERE e.run = nums[this] AND e.seq = seqs[n] AND e.body = bodies[n]
    ) THEN
      refused := refused || n;
      broken[this] := true;
    END IF;
  END LOOP;
  IF cardinality(refused) > 0 THEN
    RAISE EXCEPTION 'events do not fit their runs' USING ERRCODE = '${REFUSED}', DETAIL = array_to_json(refused)::text;
  END IF;
  PERFORM setval('tutti.positions', first_position + cardinality(runs));
  -- Whoever hears only a part of it looks for the rest from the position before; the last part says that all is told.
  PERFORM pg_notify('${CHANNEL}', format('["%s",%s,%s]', node, first_position + CASE WHEN c.nth = cardinality(changes) THEN cardinality(runs) ELSE 0 END, c.part))
    FROM unnest(changes) WITH ORDINALITY AS c(part, nth);
END $$;

CREATE FUNCTION tutti.begin_run(id text, extra jsonb) RETURNS bigint LANGUAGE plpgsql AS $$
DECLARE number_of_run bigint;
BEGIN
  INSERT INTO tutti.runs (id, workflow, version, status, started_at, parent_id, principal_id, events, head)
    VALUES (id, extra ->> 'workflow', extra ->> 'version', 'running', extra ->> 'startedAt', extra ->> 'parentId', extra ->> 'principalId', 0, '')
    RETURNING num INTO number_of_run;
  IF extra ? 'deadline' THEN
    PERFORM tutti.wait(number_of_run, extra -> 'deadline');
  END IF;
  RETURN number_of_run;
END $$;

CREATE FUNCTION tutti.wait(number_of_run bigint, extra jsonb) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO tutti.waits (run, key, kind, name, since, until, approval)
    VALUES (number_of_run, extra ->> 'key', extra ->> 'kind', extra ->> 'name', extra ->> 'since', extra ->> 'until', extra ->> 'approval')
    ON CONFLICT (run, key) DO UPDATE SET kind = excluded.kind, name = excluded.name, since = excluded.since, until = excluded.until, approval = excluded.approval;
END $$;

-- What a run waits for is replaced; it is not parked when a run that it waits for has ended already.
CREATE FUNCTION tutti.park(number_of_run bigint, extra jsonb) RETURNS boolean LANGUAGE plpgsql AS $$
DECLARE item jsonb;
BEGIN
  DELETE FROM tutti.waits w WHERE w.run = number_of_run AND w.key <> '' AND w.key NOT IN (SELECT i ->> 'key' FROM jsonb_array_elements(extra) AS i);
  FOR item IN SELECT i FROM jsonb_array_elements(extra) AS i LOOP
    IF NOT EXISTS (SELECT FROM tutti.waits w WHERE w.run = number_of_run AND w.key = item ->> 'key') THEN
      PERFORM tutti.wait(number_of_run, item);
    END IF;
  END LOOP;
  IF EXISTS (
    SELECT FROM jsonb_array_elements(extra) AS i JOIN tutti.runs r ON r.id = i ->> 'name'
    WHERE i ->> 'kind' = 'workflow' AND r.ended_at IS NOT NULL
  ) THEN
    RETURN false;
  END IF;
  UPDATE tutti.runs r SET parked = true, status = 'waiting' WHERE r.num = number_of_run;
  RETURN true;
END $$;

-- It waits for nothing any more; those that wait for it are needed in memory, or wait for the run that goes on in its place.
CREATE FUNCTION tutti.end_run(number_of_run bigint, run_id text, next_run_id text) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  DELETE FROM tutti.waits w WHERE w.run = number_of_run;
  IF next_run_id IS NOT NULL THEN
    UPDATE tutti.waits w SET name = next_run_id WHERE w.kind = 'workflow' AND w.name = run_id;
  ELSE
    UPDATE tutti.runs r SET parked = false
      WHERE r.parked AND r.num IN (SELECT w.run FROM tutti.waits w WHERE w.kind = 'workflow' AND w.name = run_id);
  END IF;
END $$;
`;
