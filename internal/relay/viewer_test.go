package relay

import (
	"errors"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"
)

// TestViewerCannotWrite: the server refuses whatever a look might try to write.
func TestViewerCannotWrite(t *testing.T) {
	r := sharedRig(t)
	v, err := View(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	conn, err := v.Postgres(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	_, err = conn.Exec(t.Context(), "INSERT INTO public.outbox VALUES ('1', 'a', 'b', 'c')")
	const readOnly = "25006"
	if pg, ok := errors.AsType[*pgconn.PgError](err); !ok || pg.Code != readOnly {
		t.Errorf("writing gives %v", err)
	}
}

// TestViewerBesideARelayAtWork: what the relay publishes during a look is no sign that the database has lost commits.
func TestViewerBesideARelayAtWork(t *testing.T) {
	r := sharedRig(t)
	r.init(t)
	d := r.run(t)
	v, err := View(r.cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(v.Close)
	v.reach(t.Context())
	in := Inspection{Place: v.place(), Configured: true, SlotName: r.cfg.Source.Slot}
	v.lookAtPostgres(t.Context(), &in)
	before := in.WALEnd
	r.insert(t, "order", "1", "{}")
	r.published(t, d, 1)
	v.judge(t.Context(), &in)
	if in.Postgres != nil || in.Kafka != nil || in.Refusal != nil {
		t.Errorf("Postgres %v, Kafka %v, refusal %v", in.Postgres, in.Kafka, in.Refusal)
	}
	if in.Checkpoint.ResumeLSN <= before || in.WALEnd < in.Checkpoint.ResumeLSN {
		t.Errorf("the WAL ended at %s and then at %s, the checkpoint is at %s", before, in.WALEnd, in.Checkpoint.ResumeLSN)
	}
}
