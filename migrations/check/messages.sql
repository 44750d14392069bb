-- $1: the application's role; empty: it is not looked at
SELECT coalesce(json_agg(json_build_object(
    'name', oid::regprocedure::text,
    'public', has_function_privilege('public', oid, 'EXECUTE'),
    'app', $1 = '' OR coalesce((SELECT has_function_privilege(r.oid, p.oid, 'EXECUTE') FROM pg_roles r WHERE rolname = $1), false))
    ORDER BY oid), '[]')
FROM pg_proc p WHERE proname = 'pg_logical_emit_message' AND pronamespace = 'pg_catalog'::regnamespace
