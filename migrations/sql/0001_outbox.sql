-- Relay's outbox: the table that an application writes events to, in the transaction that makes them true.
--
-- Postgres 13 or newer. One transaction, no extension, no superuser: run it as the role that shall own the outbox, which
-- needs CREATE on the database. It locks nothing that is there. A published file never changes; later versions add files.
--
--   psql -1 -v ON_ERROR_STOP=1 -f -
--
-- What it cannot do, because it takes a superuser (on a cloud, its administrator), once per cluster:
--
--   CREATE ROLE relay LOGIN REPLICATION PASSWORD '...';   -- the role that Relay connects as
--   ALTER SYSTEM SET wal_level = 'logical';               -- and restart

CREATE SCHEMA {{.Schema}};

-- The table refuses what cannot be published, so that a mistake fails where it is made, in the application's transaction,
-- and does not stop the relay. The rules of names are domains: a domain's error names the domain and does not print the
-- row, payload included, into the server's log. Bounded repetition ({1,200}) in a regular expression would cost 40 us.

-- Becomes part of a topic's name: Kafka's characters, room for the rest of the name, not one of Kafka's own.
CREATE DOMAIN {{.Schema}}.aggregate_type AS text COLLATE "C" NOT NULL
    CONSTRAINT aggregate_type_1_to_200_letters_digits_dot_underscore_hyphen
    CHECK (VALUE ~ '^[a-zA-Z0-9._-]+$' AND octet_length(VALUE) <= 200 AND VALUE !~ '^(__|\.\.?$)');

-- Becomes the record's key.
CREATE DOMAIN {{.Schema}}.aggregate_id AS text COLLATE "C" NOT NULL
    CONSTRAINT aggregate_id_1_to_1024_bytes
    CHECK (octet_length(VALUE) BETWEEN 1 AND 1024);

-- Becomes a header.
CREATE DOMAIN {{.Schema}}.event_type AS text COLLATE "C" NOT NULL
    CONSTRAINT event_type_1_to_255_bytes_no_control_characters
    CHECK (octet_length(VALUE) BETWEEN 1 AND 255 AND VALUE !~ '[\x01-\x1f\x7f]');

-- A topic's whole name: Kafka's rule, without the names that are Kafka's or Relay's own.
CREATE DOMAIN {{.Schema}}.topic AS text COLLATE "C"
    CONSTRAINT topic_1_to_249_letters_digits_dot_underscore_hyphen_unreserved
    CHECK (VALUE ~ '^[a-zA-Z0-9._-]+$' AND octet_length(VALUE) <= 249
        AND VALUE !~ '^(__|\.\.?$|relay\.(checkpoints|parked)(\.|$))');

-- The rules of a row that are not those of a name. A function costs 4 us; the same as an expression of the constraint
-- 28 us, because every statement parses it again; and a constraint that is merely false prints the row.
--
-- What passes fits into a record of Kafka's default message.max.bytes (1048588). Kafka's default for how far a timestamp
-- may be ahead (message.timestamp.after.max.ms) is an hour.
CREATE FUNCTION {{.Schema}}.can_be_published(
    id uuid, payload json, payload_bytes bytea, headers jsonb, occurred_at timestamptz
) RETURNS boolean
    LANGUAGE plpgsql AS $function$
DECLARE
    problem text := CASE
        WHEN id IS NULL
            THEN 'id is NULL'
        WHEN payload IS NOT NULL AND payload_bytes IS NOT NULL
            THEN 'payload and payload_bytes are both set'
        WHEN octet_length(payload::text) > 1000000 OR octet_length(payload_bytes) > 1000000
            THEN 'the payload has more than 1000000 bytes'
        WHEN jsonb_typeof(headers) <> 'object'
            THEN 'headers are not an object'
        WHEN octet_length(headers::text) > 32768
            THEN 'headers have more than 32768 bytes'
        WHEN headers @? '$.keyvalue() ? (@.key like_regex "^relay-" flag "i" || @.key == "id" || @.key == "type")'
            THEN 'the names of headers that Relay writes are id, type and all that begin with relay-'
        WHEN NOT occurred_at BETWEEN '1970-01-01 00:00:00+00' AND now() + interval '1 hour'
            THEN 'occurred_at is before 1970 or more than an hour ahead'
    END;
BEGIN
    IF problem IS NULL THEN
        RETURN true;
    END IF;
    RAISE EXCEPTION 'outbox event refused: %', problem USING ERRCODE = 'check_violation';
END
$function$;

-- Time-ordered ids (RFC 9562, version 7). Postgres 18 has them built in.
DO $do$
BEGIN
    IF current_setting('server_version_num')::int >= 180000 THEN
        CREATE FUNCTION {{.Schema}}.uuid_v7() RETURNS uuid
            LANGUAGE sql VOLATILE PARALLEL SAFE
            AS 'SELECT pg_catalog.uuidv7()';
    ELSE
        -- A random uuid (version 4) with the milliseconds since 1970 in its first 48 bits, and 4 made 7 by two bits.
        CREATE FUNCTION {{.Schema}}.uuid_v7() RETURNS uuid
            LANGUAGE sql VOLATILE PARALLEL SAFE
            AS $function$
                SELECT encode(set_bit(set_bit(overlay(
                    uuid_send(gen_random_uuid())
                    PLACING substring(int8send((extract(epoch FROM clock_timestamp()) * 1000)::bigint) FROM 3)
                    FROM 1 FOR 6), 52, 1), 53, 1), 'hex')::uuid
            $function$;
    END IF;
END
$do$;

-- No primary key and no index: a relay that reads the write-ahead log needs none.
--
-- A ring of seven partitions, one for each weekday in UTC: nothing has to be made at midnight, and Relay frees a day that
-- is older than it shall keep with TRUNCATE.
CREATE TABLE {{.Schema}}.event (
    id                uuid DEFAULT {{.Schema}}.uuid_v7(),
    aggregate_type    {{.Schema}}.aggregate_type,
    aggregate_id      {{.Schema}}.aggregate_id,
    event_type        {{.Schema}}.event_type,
    payload           json,        -- bytes survive: 12.30 stays 12.30; jsonb costs twice as much
    payload_bytes     bytea,       -- for other encodings; payload and this NULL: a tombstone
    headers           jsonb,
    topic             {{.Schema}}.topic,
    aggregate_version bigint,
    occurred_at       timestamptz, -- becomes the record's timestamp; NULL: the time of the commit
    created_at        timestamptz NOT NULL DEFAULT now(),
    weekday           smallint NOT NULL DEFAULT extract(isodow FROM now() AT TIME ZONE 'UTC'),
    CONSTRAINT event_can_be_published
        CHECK ({{.Schema}}.can_be_published(id, payload, payload_bytes, headers, occurred_at))
) PARTITION BY LIST (weekday);

CREATE TABLE {{.Schema}}.event_mon PARTITION OF {{.Schema}}.event FOR VALUES IN (1);
CREATE TABLE {{.Schema}}.event_tue PARTITION OF {{.Schema}}.event FOR VALUES IN (2);
CREATE TABLE {{.Schema}}.event_wed PARTITION OF {{.Schema}}.event FOR VALUES IN (3);
CREATE TABLE {{.Schema}}.event_thu PARTITION OF {{.Schema}}.event FOR VALUES IN (4);
CREATE TABLE {{.Schema}}.event_fri PARTITION OF {{.Schema}}.event FOR VALUES IN (5);
CREATE TABLE {{.Schema}}.event_sat PARTITION OF {{.Schema}}.event FOR VALUES IN (6);
CREATE TABLE {{.Schema}}.event_sun PARTITION OF {{.Schema}}.event FOR VALUES IN (7);

-- Rows are never updated and go by TRUNCATE: a vacuum after so many inserts would be wasted reading and writing.
ALTER TABLE {{.Schema}}.event_mon SET (autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE {{.Schema}}.event_tue SET (autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE {{.Schema}}.event_wed SET (autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE {{.Schema}}.event_thu SET (autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE {{.Schema}}.event_fri SET (autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE {{.Schema}}.event_sat SET (autovacuum_vacuum_insert_threshold = -1);
ALTER TABLE {{.Schema}}.event_sun SET (autovacuum_vacuum_insert_threshold = -1);

COMMENT ON TABLE {{.Schema}}.event IS 'Relay outbox, version 1: rows are published to Kafka when their transaction commits';

-- The way in for every language. It runs with the caller's rights and gives the event's id back. A W3C trace context set
-- with SET LOCAL outbox.traceparent = '00-...' becomes a header, unless the headers bring one along.
CREATE FUNCTION {{.Schema}}.emit(
    aggregate_type    text,
    aggregate_id      text,
    event_type        text,
    payload           json        DEFAULT NULL,
    headers           jsonb       DEFAULT NULL,
    topic             text        DEFAULT NULL,
    payload_bytes     bytea       DEFAULT NULL,
    aggregate_version bigint      DEFAULT NULL,
    occurred_at       timestamptz DEFAULT NULL,
    id                uuid        DEFAULT NULL
) RETURNS uuid
    LANGUAGE plpgsql AS $function$
#variable_conflict use_variable
DECLARE
    event_id    uuid := coalesce(id, {{.Schema}}.uuid_v7());
    traceparent text := nullif(current_setting('outbox.traceparent', true), '');
BEGIN
    IF traceparent IS NOT NULL THEN
        headers := jsonb_build_object('traceparent', traceparent) || coalesce(headers, '{}');
    END IF;
    INSERT INTO {{.Schema}}.event (id, aggregate_type, aggregate_id, event_type, payload, payload_bytes,
        headers, topic, aggregate_version, occurred_at)
    VALUES (event_id, aggregate_type, aggregate_id, event_type, payload, payload_bytes,
        headers, topic, aggregate_version, occurred_at);
    RETURN event_id;
END
$function$;
{{if .AppRole}}
-- The application writes and does not read. What the ring rests on, created_at and weekday, is not its to set.
GRANT USAGE ON SCHEMA {{.Schema}} TO {{.AppRole}};
GRANT INSERT (id, aggregate_type, aggregate_id, event_type, payload, payload_bytes, headers, topic, aggregate_version,
    occurred_at) ON {{.Schema}}.event TO {{.AppRole}};
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA {{.Schema}} TO {{.AppRole}};
{{end}}{{if .RelayRole}}
-- Relay publishes from the write-ahead log, which needs no right on the table. It reads the table to audit and repair,
-- and frees its partitions.
GRANT USAGE ON SCHEMA {{.Schema}} TO {{.RelayRole}};
GRANT SELECT ON {{.Schema}}.event TO {{.RelayRole}};
GRANT SELECT, TRUNCATE ON {{.Schema}}.event_mon, {{.Schema}}.event_tue, {{.Schema}}.event_wed, {{.Schema}}.event_thu,
    {{.Schema}}.event_fri, {{.Schema}}.event_sat, {{.Schema}}.event_sun TO {{.RelayRole}};
{{end}}
-- Inserts only: deleting old rows must not reach Kafka. Partitions come out under the table's own name.
CREATE PUBLICATION {{.Publication}} FOR TABLE {{.Schema}}.event
    WITH (publish = 'insert', publish_via_partition_root = true);
