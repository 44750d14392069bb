-- $1: the schema's name
SELECT json_build_object(
    'quoted', quote_ident($1),
    'exists', EXISTS (SELECT FROM pg_namespace WHERE nspname = $1),
    'domains', (
        SELECT json_agg(json_build_object(
            'name', typname, 'base', format_type(typbasetype, typtypmod), 'notNull', typnotnull,
            'collation', (SELECT collname FROM pg_collation WHERE oid = typcollation),
            'constraints', (
                SELECT json_agg(json_build_object('name', conname, 'definition', pg_get_constraintdef(oid)))
                FROM pg_constraint WHERE contypid = t.oid AND contype = 'c')))
        FROM pg_type t JOIN pg_namespace n ON n.oid = typnamespace
        WHERE nspname = $1 AND typtype = 'd'),
    'functions', (
        SELECT json_agg(json_build_object(
            'name', proname, 'identity', pg_get_function_identity_arguments(p.oid),
            'arguments', pg_get_function_arguments(p.oid), 'result', pg_get_function_result(p.oid), 'source', prosrc))
        FROM pg_proc p JOIN pg_namespace n ON n.oid = pronamespace
        WHERE nspname = $1),
    'tables', (
        SELECT json_agg(json_build_object(
            'name', relname, 'kind', relkind, 'unlogged', relpersistence = 'u', 'rowSecurity', relrowsecurity,
            'key', coalesce(pg_get_partkeydef(c.oid), ''),
            'parent', coalesce((SELECT inhparent::regclass::text FROM pg_inherits WHERE inhrelid = c.oid LIMIT 1), ''),
            'bound', coalesce(pg_get_expr(relpartbound, c.oid), ''),
            'columns', (
                SELECT json_agg(json_build_object(
                    'name', attname, 'type', format_type(atttypid, atttypmod), 'notNull', attnotnull,
                    'default', coalesce(pg_get_expr(adbin, adrelid), '')) ORDER BY attnum)
                FROM pg_attribute LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
                WHERE attrelid = c.oid AND attnum > 0 AND NOT attisdropped),
            'checks', (
                SELECT json_agg(json_build_object('name', conname, 'definition', pg_get_constraintdef(oid)))
                FROM pg_constraint WHERE conrelid = c.oid AND contype IN ('c', 'p', 'u')),
            'indexDefs', (SELECT json_agg(pg_get_indexdef(indexrelid)) FROM pg_index WHERE indrelid = c.oid)))
        FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace
        WHERE nspname = $1 AND relkind IN ('r', 'p')))
