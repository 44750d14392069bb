-- Relay's inbox, for the database of a consumer: which events it has handled.
--
-- Postgres 13 or newer; run it as the role that shall own the table, which needs CREATE on the database. A handler runs
--
--   INSERT INTO {{.Inbox}}.event (consumer, event_id) VALUES ('billing', '<the header id>') ON CONFLICT DO NOTHING
--
-- first thing in its transaction. No row inserted: the event was handled before, and there is nothing to do. Rows may be
-- deleted once Kafka no longer keeps their events:
--
--   DELETE FROM {{.Inbox}}.event WHERE handled_at < now() - interval '14 days'

CREATE SCHEMA {{.Inbox}};

CREATE TABLE {{.Inbox}}.event (
    consumer   text NOT NULL,
    event_id   uuid NOT NULL,
    handled_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (consumer, event_id)
);

-- Small, and enough to find old rows, which lie together.
CREATE INDEX event_handled_at ON {{.Inbox}}.event USING brin (handled_at);

COMMENT ON TABLE {{.Inbox}}.event IS 'Relay inbox, version 1: events that were handled, by consumer';
{{if .AppRole}}
GRANT USAGE ON SCHEMA {{.Inbox}} TO {{.AppRole}};
GRANT SELECT, INSERT, DELETE ON {{.Inbox}}.event TO {{.AppRole}};
{{end}}
