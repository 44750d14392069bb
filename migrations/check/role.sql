-- $1: the role, $2: the privileges it needs, as JSON. What does not exist is not missed here.
WITH role AS (
    SELECT oid, rolcanlogin, rolreplication, rolsuper FROM pg_roles WHERE rolname = $1
), need AS (
    SELECT n ->> 'Kind' AS kind, n ->> 'Right' AS right_, split_part(n ->> 'Name', '.', 1) AS name,
        split_part(n ->> 'Name', '.', 2) AS col, s.oid AS schema, quote_ident(nspname) AS quoted, place
    FROM json_array_elements($2::json) WITH ORDINALITY AS needs (n, place) JOIN pg_namespace s ON nspname = n ->> 'Schema'
), object AS (
    SELECT kind, right_, place, quoted AS object, has_schema_privilege(role.oid, schema, right_) AS held
    FROM need, role WHERE kind = 'schema'
    UNION ALL
    SELECT kind, right_, place, quoted || '.' || relname, has_table_privilege(role.oid, c.oid, right_)
    FROM need JOIN pg_class c ON relnamespace = schema AND relname = name, role WHERE kind = 'table'
    UNION ALL
    SELECT kind, right_, place, quoted || '.' || relname || ' (' || attname || ')', has_column_privilege(role.oid, c.oid, attnum, right_)
    FROM need JOIN pg_class c ON relnamespace = schema AND relname = name
        JOIN pg_attribute ON attrelid = c.oid AND attname = col AND NOT attisdropped, role WHERE kind = 'column'
    UNION ALL
    SELECT kind, right_, place, p.oid::regprocedure::text, has_function_privilege(role.oid, p.oid, right_)
    FROM need JOIN pg_proc p ON pronamespace = schema AND proname = name, role WHERE kind = 'function'
), lacking AS (
    SELECT kind, right_, json_agg(object ORDER BY place) AS objects, min(place) AS place
    FROM object WHERE NOT held GROUP BY kind, right_
)
SELECT json_build_object(
    'exists', role.oid IS NOT NULL, 'quoted', quote_ident($1),
    'login', rolcanlogin, 'superuser', rolsuper,
    'replication', rolreplication OR EXISTS (
        SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication' AND pg_has_role(role.oid, g.oid, 'USAGE')),
    'lacks', (SELECT json_agg(json_build_object('kind', kind, 'right', right_, 'objects', objects) ORDER BY place) FROM lacking),
    'ring', (
        SELECT json_agg(attname ORDER BY attnum)
        FROM (SELECT DISTINCT schema, name FROM need WHERE kind = 'column') t
            JOIN pg_class c ON relnamespace = schema AND relname = name
            JOIN pg_attribute ON attrelid = c.oid AND attname IN ('created_at', 'weekday') AND NOT attisdropped
        WHERE NOT rolsuper AND NOT pg_has_role(role.oid, relowner, 'USAGE') AND has_column_privilege(role.oid, c.oid, attnum, 'INSERT')))
FROM (SELECT) one LEFT JOIN role ON true
