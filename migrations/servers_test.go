package migrations

import (
	"fmt"
	"testing"
)

// TestOnServers applies the SQL once on the oldest and the newest server, and where it takes another way, and looks at
// each of its promises there.
func TestOnServers(t *testing.T) {
	checks := []struct {
		name string
		test func(*testing.T, *database)
	}{
		{"shape", testOutboxShape},
		{"application", testApplicationWritesAndDoesNotRead},
		{"relay", testRelayReadsAndTruncates},
		{"refused", testRefusedRows},
		{"emit", testEmit},
		{"trace", testEmitPutsTheTraceIntoTheHeaders},
		{"uuid", testUUIDv7},
		{"midnight", testWeekdayTurnsAtMidnightUTC},
		{"inbox", testInbox},
		{"inbox progress", testInboxProgress}, // uses its schema
		{"messages", testWALMessagesAreForTheApplicationOnly},
	}
	for _, major := range []int{13, 15, 17, 18} {
		t.Run(fmt.Sprintf("postgres %d", major), func(t *testing.T) {
			db := migrated(t, major)
			for _, check := range checks {
				t.Run(check.name, func(t *testing.T) {
					mustExec(t, db.superuser(t), `DELETE FROM outbox.event`)
					check.test(t, db)
				})
			}
		})
	}
}
