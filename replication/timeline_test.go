package replication_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/replication"
)

// TestTimelineHistory makes a standby of a server, which nobody feeds, and promotes it, twice.
func TestTimelineHistory(t *testing.T) {
	for _, major := range []int{13, 17, 18} {
		t.Run(fmt.Sprint(major), func(t *testing.T) {
			server, f := own(t, devstack.PostgresOptions{Major: major})
			var want []replication.TimelineSwitch
			for timeline := uint32(2); timeline <= 3; timeline++ {
				if err := server.Stop(t.Context(), devstack.Fast); err != nil {
					t.Fatal(err)
				}
				signal := filepath.Join(server.DataDir, "standby.signal")
				if err := errors.Join(os.WriteFile(signal, nil, 0o666), os.Chmod(signal, 0o666)); err != nil { // for another user's server
					t.Fatal(err)
				}
				if err := server.Start(t.Context()); err != nil {
					t.Fatal(err)
				}
				conn := f.connect(t)
				before, err := conn.Identify(t.Context())
				if err != nil || !before.InRecovery || before.Timeline != timeline-1 {
					t.Fatalf("a standby says %+v, %v", before, err)
				}
				f.pg.Exec(t, "SELECT pg_promote()") // and waits for it
				after, err := conn.Identify(t.Context())
				if err != nil || after.InRecovery || after.Timeline != timeline || after.SystemID != before.SystemID {
					t.Errorf("promoted it says %+v, %v", after, err)
				}
				got, err := conn.TimelineHistory(t.Context(), timeline)
				if err != nil {
					t.Fatal(err)
				}
				if len(got) != len(want)+1 || !slices.Equal(got[:len(want)], want) || got[len(want)].Timeline != timeline-1 || got[len(want)].SwitchLSN < before.FlushLSN {
					t.Errorf("history of timeline %d, left after %s: %v", timeline, before.FlushLSN, got)
				}
				want = got
			}
		})
	}
}
