-- Relay's inbox without a growing table, for the database of a consumer: how far it is in each partition. It belongs
-- beside 0002_inbox.sql, whose schema it uses; the two may be used side by side, by different consumers.
--
-- Postgres 13 or newer; run it as the role that owns the inbox. A header relay-seq is <relay>/<generation>/<seq>, and seq
-- only grows within a partition. A consumer that handles the records of a partition in their order runs
--
--   INSERT INTO {{.Inbox}}.progress AS p (consumer, topic, partition, relay, generation, seq)
--   VALUES ('billing', '<topic>', <partition>, '<relay>', <generation>, <seq>)
--   ON CONFLICT (consumer, topic, partition, relay, generation) DO UPDATE SET seq = excluded.seq, handled_at = now()
--   WHERE p.seq < excluded.seq
--
-- first thing in its transaction. No row inserted or updated: the event was handled before, and there is nothing to do.

-- A generation begins with relay init and relay adopt, which are rare. Each has a row of its own, so that nothing rests
-- on which of two is the later one: that would be a matter of the clocks of the machines they ran on.
CREATE TABLE {{.Inbox}}.progress (
    consumer   text NOT NULL,
    topic      text NOT NULL,
    partition  integer NOT NULL,
    relay      text NOT NULL,
    generation bigint NOT NULL,
    seq        bigint NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, topic, partition, relay, generation)
) WITH (fillfactor = 50); -- room for the next version of a row in the same page, so that no index entry is made for it

COMMENT ON TABLE {{.Inbox}}.progress IS 'Relay inbox, version 1: the last event that was handled, by consumer and partition';
{{if .AppRole}}
GRANT SELECT, INSERT, UPDATE (seq, handled_at), DELETE ON {{.Inbox}}.progress TO {{.AppRole}};
{{end}}
