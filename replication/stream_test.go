package replication_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestRowsOfCommittedTransactionsInOrder(t *testing.T) {
	onVersions(t, versions, func(t *testing.T, f *fixture) {
		r := f.start(t)
		f.exec(t, "INSERT INTO outbox.event VALUES (1, 'a'), (2, NULL), (3, '')", "INSERT INTO outbox.event VALUES (4, 'ü')")
		first, rows := r.withRows(t)
		if diff := cmp.Diff([]string{"insert outbox.event id=1 payload=a", "insert outbox.event id=2 payload=NULL", "insert outbox.event id=3 payload="}, rows); diff != "" {
			t.Error(diff)
		}
		second, rows := r.withRows(t)
		if diff := cmp.Diff([]string{"insert outbox.event id=4 payload=ü"}, rows); diff != "" {
			t.Error(diff)
		}
		if first.EndLSN > second.CommitLSN || first.XID >= second.XID || first.CommitTime > second.CommitTime {
			t.Errorf("commits %+v and %+v", first, second)
		}
	})
}
