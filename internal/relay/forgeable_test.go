package relay

import (
	"testing"

	"github.com/outbox-relay/relay/internal/status"
)

// TestForgeableMessagesAreWarnedOf: a relay that publishes WAL messages says when every role may write them, and is
// silent when only those may who were granted it.
func TestForgeableMessagesAreWarnedOf(t *testing.T) {
	r := sharedRig(t)
	r.cfg.Outbox.WALMessages, r.cfg.Source.Messages = "shop", true
	r.init(t)
	d := r.run(t)
	d.wantState(t, status.Streaming, 0)
	if !d.log.contains("FROM PUBLIC") {
		t.Error("no warning while every role may write messages")
	}
	if err := d.stop(); err != nil {
		t.Fatal(err)
	}
	r.exec(t, `DO $$ DECLARE f regprocedure; BEGIN
		FOR f IN SELECT oid FROM pg_proc WHERE proname = 'pg_logical_emit_message' LOOP
			EXECUTE format('REVOKE EXECUTE ON FUNCTION pg_catalog.%s FROM PUBLIC', f);
		END LOOP; END $$`)
	d = r.run(t)
	d.wantState(t, status.Streaming, 0)
	if d.log.contains("FROM PUBLIC") {
		t.Error("a warning when nobody may who was not granted it")
	}
}
