-- $1: the publication, $2 and $3: schema and name of a table. Row filters and column lists came with Postgres 15: taken
-- from the row as JSON, a column that does not exist is NULL.
SELECT json_build_object(
    'exists', p.oid IS NOT NULL,
    'insert', pubinsert, 'update', pubupdate, 'delete', pubdelete, 'truncate', pubtruncate, 'viaRoot', pubviaroot,
    'published', puballtables OR r.oid IS NOT NULL OR EXISTS (
        SELECT FROM pg_publication_tables WHERE pubname = $1 AND schemaname = $2 AND tablename = $3),
    'filtered', coalesce(to_jsonb(r) ->> 'prqual', '') <> '',
    'unlisted', (
        SELECT json_agg(attname) FROM pg_attribute
        WHERE attrelid = t.oid AND attnum > 0 AND NOT attisdropped
            AND jsonb_typeof(to_jsonb(r) -> 'prattrs') = 'array' AND NOT to_jsonb(r) -> 'prattrs' @> to_jsonb(attnum)))
FROM (SELECT) one
LEFT JOIN pg_publication p ON pubname = $1
LEFT JOIN (SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace WHERE nspname = $2 AND relname = $3) t ON true
LEFT JOIN pg_publication_rel r ON prpubid = p.oid AND prrelid = t.oid
