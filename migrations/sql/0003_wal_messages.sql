-- Only for outboxes that publish WAL messages (outbox.wal_messages in Relay's configuration).
--
-- Every role may call pg_logical_emit_message until EXECUTE is revoked from PUBLIC, and Relay publishes what carries its
-- prefix. Functions of pg_catalog belong to the cluster's superuser: run this as one (on a cloud, as its administrator).
-- It concerns this database only. Other tools that emit messages here need the same GRANT.
DO $do$
DECLARE
    emit       regprocedure;
    emit_owner oid;
BEGIN
    FOR emit, emit_owner IN
        SELECT oid, proowner FROM pg_proc
        WHERE proname = 'pg_logical_emit_message' AND pronamespace = 'pg_catalog'::regnamespace
    LOOP
        IF pg_has_role(emit_owner, 'USAGE') THEN
            EXECUTE format('REVOKE EXECUTE ON FUNCTION pg_catalog.%s FROM PUBLIC', emit);{{if .AppRole}}
            EXECUTE format('GRANT EXECUTE ON FUNCTION pg_catalog.%s TO {{.AppRole}}', emit);{{end}}
        ELSE
            RAISE WARNING 'role % may not revoke EXECUTE on % from PUBLIC; nothing was changed', current_user, emit
                USING HINT = format('As a superuser: REVOKE EXECUTE ON FUNCTION pg_catalog.%s FROM PUBLIC;', emit);
        END IF;
    END LOOP;
END
$do$;
