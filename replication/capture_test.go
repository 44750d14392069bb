package replication

import (
	"bytes"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

// captures is set to record the files of testdata again, from real servers:
//
//	go test ./replication -run TestCapture -captures
var captures = flag.Bool("captures", false, "record testdata again")

var captured = []int{13, 17, 18}

func captureFile(major int, suffix string) string {
	return filepath.Join("testdata", fmt.Sprintf("pg%d.%s", major, suffix))
}

func readCapture(t testing.TB, major int) []byte {
	t.Helper()
	stream, err := os.ReadFile(captureFile(major, "stream"))
	if err != nil {
		t.Fatal(err)
	}
	return stream
}

// story is what happens in a capture: all kinds of messages that a walsender sends.
func story(major int) []string {
	statements := []string{
		"INSERT INTO outbox.event VALUES (1, 'first', 'new', '{}'), (2, NULL, 'new', NULL), (3, '', 'seen', '{a,NULL}')",
		"BEGIN; INSERT INTO outbox.event VALUES (4, 'kept'); SAVEPOINT s; INSERT INTO outbox.event VALUES (5, 'taken back'); ROLLBACK TO s; COMMIT",
		"BEGIN; INSERT INTO outbox.event VALUES (6, 'before'); ALTER TABLE outbox.event ADD COLUMN extra jsonb; INSERT INTO outbox.event VALUES (7, 'after', NULL, NULL, '{\"a\": 1.0}'); COMMIT",
		"INSERT INTO elsewhere VALUES (1)",
		"INSERT INTO outbox.root VALUES (8, 1), (9, 2)",
		"INSERT INTO outbox.kept VALUES (10, repeat('ü', 1500), 'a')",
		"UPDATE outbox.kept SET note = 'b'",
		"UPDATE outbox.kept SET id = 11",
		"DELETE FROM outbox.kept",
		"TRUNCATE outbox.kept, outbox.event",
	}
	if major >= 14 {
		statements = append(statements,
			"BEGIN; SELECT pg_logical_emit_message(true, 'relay', 'in a transaction'); INSERT INTO outbox.event VALUES (12, 'between'); SELECT pg_logical_emit_message(true, 'relay', ''); COMMIT",
			"BEGIN; SELECT pg_logical_emit_message(false, 'relay', 'rolled back'); ROLLBACK")
	}
	return append(statements, "INSERT INTO outbox.event VALUES (99, 'end')")
}

func record(t *testing.T, major int) []byte {
	t.Helper()
	pg := devstacktest.Postgres(t, major)
	pg.Exec(t,
		"CREATE SCHEMA outbox", "CREATE DOMAIN outbox.name AS text", "CREATE TYPE outbox.state AS ENUM ('new', 'seen')",
		"CREATE TABLE outbox.event (id int, payload outbox.name, state outbox.state, tags text[])",
		"CREATE TABLE outbox.root (id int, day int) PARTITION BY LIST (day)",
		"CREATE TABLE outbox.one PARTITION OF outbox.root FOR VALUES IN (1)", "CREATE TABLE outbox.rest PARTITION OF outbox.root DEFAULT",
		"CREATE TABLE outbox.kept (id int PRIMARY KEY, payload text, note text)", "ALTER TABLE outbox.kept ALTER payload SET STORAGE EXTERNAL",
		"CREATE TABLE elsewhere (id int)",
		"CREATE PUBLICATION pub FOR TABLE outbox.event, outbox.root, outbox.kept WITH (publish_via_partition_root = true)",
	)
	config := Config{ConnString: pg.URL(pg.Role(t, "LOGIN REPLICATION")), Slot: pg.Database, Publication: "pub", Messages: major >= 14}
	conn, err := Connect(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.CreateSlot(t.Context(), config.Slot, false); err != nil {
		t.Fatal(err)
	}
	stream, err := conn.Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer stream.Close()
	recorded := bytes.NewBuffer(bytes.Clone(stream.frames.buf[stream.frames.r:stream.frames.w]))
	stream.frames.src = io.TeeReader(stream.frames.src, recorded)
	pg.Exec(t, story(major)...)
	for last := false; ; {
		m, err := stream.Next()
		if err != nil {
			t.Fatal(err)
		}
		last = last || m.Kind == Insert && string(m.Values[0]) == "99"
		if last && m.Kind == Keepalive && stream.frames.r == stream.frames.w {
			return recorded.Bytes()
		}
	}
}

// TestCapture decodes what real servers sent and compares it with the story as it was told then.
func TestCapture(t *testing.T) {
	for _, major := range captured {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			if *captures {
				if err := os.WriteFile(captureFile(major, "stream"), record(t, major), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			stream := readCapture(t, major)
			got := tell(t, bytes.NewReader(stream))
			if *captures {
				if err := os.WriteFile(captureFile(major, "txt"), []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(captureFile(major, "txt"))
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Error(diff)
			}
			// However the bytes arrive, the story is the same.
			if one := tell(t, iotest.OneByteReader(bytes.NewReader(stream))); one != got {
				t.Errorf("byte by byte: %s", cmp.Diff(got, one))
			}
		})
	}
}

func tell(t *testing.T, src io.Reader) string {
	t.Helper()
	s := replay(src)
	var b strings.Builder
	for {
		m, err := s.Next()
		if errors.Is(err, io.EOF) {
			return b.String()
		}
		if err != nil {
			t.Fatal(err)
		}
		b.WriteString(transcript(m))
		b.WriteByte('\n')
	}
}
