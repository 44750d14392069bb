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
