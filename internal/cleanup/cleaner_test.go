package cleanup

import (
	"strings"
	"testing"
	"time"
)

func TestFreesWhatIsOld(t *testing.T) {
	t.Parallel()
	for _, major := range []int{13, 17, 18} {
		r := setup(t, major)
		young := time.Now().Add(-time.Hour)
		r.exec(t, insert(1000, r.day)+";"+insert(3, r.day.AddDate(0, 0, 3))+";"+insert(5, young))
		r.round(t)
		if n := r.count(t, r.partition()); n != 0 {
			t.Errorf("%d: %d old rows are left\n%s", major, n, r.log)
		}
		if n := r.count(t, "outbox.event"); n != 8 {
			t.Errorf("%d: %d rows are left, want the 8 young ones", major, n)
		}
		v := r.cfg.Status.View().Outbox
		next := v.NextTruncate()
		due := r.day.Truncate(day).AddDate(0, 0, 4+3)
		if next == nil || !next.NextTruncate.Equal(due) || next.Name != "outbox.event_"+weekdayOf(r.day.AddDate(0, 0, 3)).String() || !next.Oldest.Equal(r.day.AddDate(0, 0, 3)) {
			t.Errorf("%d: next %+v, want %s", major, next, due)
		}
		if log := r.log.String(); !strings.Contains(log, "INFO outbox weekday to be truncated next partition="+next.Name+" at="+stamp(due)) {
			t.Errorf("%d: log\n%s", major, log)
		}
		if freed := r.view(); len(v.Partitions) != 7 || freed.Oldest != nil || freed.NextTruncate != nil || freed.Kept != nil {
			t.Errorf("%d: status %+v", major, v)
		}
		if log := r.log.String(); !strings.Contains(log, "INFO outbox weekday truncated partition="+r.partition()+" rows=1000 bytes=") {
			t.Errorf("%d: log\n%s", major, log)
		}
	}
}

// TestRowsThatStay writes rows with a created_at of somebody's choice.
func TestRowsThatStay(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	since := r.day.Add(-time.Hour)
	r.cfg.Since = since
	for _, tt := range []struct {
		name, created, detail string
		want                  reason
	}{
		{"young", time.Now().Add(-time.Hour).UTC().Format(time.RFC3339), "was created at", keptYoung},
		{"from the future", time.Now().Add(time.Hour).UTC().Format(time.RFC3339), "has not come yet", keptFuture},
		{"from the end of time", "infinity", "9999-12-31", keptFuture},
		{"before the relay", since.Add(-time.Microsecond).Format(time.RFC3339Nano), "TRUNCATE ONLY " + r.partition(), keptBefore},
		{"before time", "-infinity", "may not be in Kafka", keptBefore},
	} {
		for _, first := range []bool{true, false} { // where the row lies
			r.exec(t, "TRUNCATE outbox.event")
			statements := []string{insertAs(1, tt.created, r.weekday()), insert(10, r.day)}
			if !first {
				statements[0], statements[1] = statements[1], statements[0]
			}
			r.exec(t, strings.Join(statements, ";"))
			t.Log(tt.name)
			r.wantKept(t, 11, tt.want, tt.detail)
		}
	}
	r.exec(t, "DELETE FROM outbox.event WHERE created_at < '"+since.Format(time.RFC3339)+"'")
	r.wantFreed(t)
}

// TestRolledBackRows: pages without a row are freed too.
func TestRolledBackRows(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, "BEGIN;"+insert(1000, r.day)+"; ROLLBACK")
	r.wantFreed(t)
	var bytes int64
	if err := r.db.QueryRow(t.Context(), "SELECT pg_relation_size('"+r.partition()+"')").Scan(&bytes); err != nil || bytes != 0 {
		t.Errorf("%d bytes are left: %v", bytes, err)
	}
}

// TestNothingIsTriedWithoutNeed: an empty weekday, and one that was tried a moment ago, is not read again.
func TestNothingIsTriedWithoutNeed(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insertAs(1, "infinity", r.weekday()))
	scans := 0
	r.at(stageScans, func() { scans++ })
	for range 3 {
		r.round(t)
	}
	if scans != 1 {
		t.Errorf("%d scans", scans)
	}
	if n := strings.Count(r.log.String(), "outbox weekday kept"); n != 1 {
		t.Errorf("said %d times", n)
	}
}

// TestClockSteps: of the two clocks the one that is behind counts.
func TestClockSteps(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(1, r.day)+";"+insert(1, time.Now().AddDate(0, 0, -2)))
	back := func() time.Time { return time.Now().AddDate(0, 0, -3) }
	ahead := func() time.Time { return time.Now().AddDate(0, 0, 30) }
	r.cfg.Now = back
	r.restart(t)
	r.round(t)
	if n := r.count(t, "outbox.event"); n != 2 {
		t.Errorf("%d rows are left although our clock says that they are young", n)
	}
	r.cfg.Now = ahead
	r.wantFreed(t)
	if n := r.count(t, "outbox.event"); n != 1 {
		t.Errorf("%d rows are left, want the one that the database says is young", n)
	}
}

func TestMissingRight(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(1, r.day)+`; REVOKE ALL ON ALL TABLES IN SCHEMA outbox FROM `+r.relay+`; REVOKE USAGE ON SCHEMA outbox FROM `+r.relay)
	r.wantKept(t, 1, keptRight, "")
	_, grant, found := strings.Cut(r.log.String(), "lacks a right grant=")
	if grant, _, _ = strings.Cut(grant, "\n"); !found || !strings.HasPrefix(grant, "GRANT USAGE ON SCHEMA outbox TO") {
		t.Fatalf("no GRANT in the log:\n%s", r.log)
	}
	r.exec(t, grant)
	r.wantFreed(t)
}

// Rows that a policy hides look like none, but are there, and perhaps not in Kafka.
func TestRowSecurity(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.cfg.Since = r.day.Add(time.Hour)
	r.exec(t, insert(1, r.day)+`; ALTER TABLE `+r.partition()+` ENABLE ROW LEVEL SECURITY`)
	r.restart(t)
	if err := r.cleaner.round(t.Context()); err == nil || !strings.Contains(err.Error(), "row-level security") {
		t.Errorf("error is %v", err)
	}
	if n := r.count(t, r.partition()); n != 1 {
		t.Errorf("%d rows are left, want the one that the role may not see", n)
	}
}

func TestSwitchedOff(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	r.exec(t, insert(1, r.day))
	r.cfg.Enabled = false
	r.restart(t)
	r.round(t)
	if n, v := r.count(t, r.partition()), r.view(); n != 1 || v.Oldest == nil || v.Bytes == 0 || v.NextTruncate != nil {
		t.Errorf("%d rows, status %+v", n, v)
	}
}

func TestNoRing(t *testing.T) {
	t.Parallel()
	r := setup(t, 0)
	for name, sql := range map[string]string{
		"plain":             "CREATE TABLE outbox.other (weekday smallint, created_at timestamptz)",
		"by range":          "CREATE TABLE outbox.other (weekday smallint, created_at timestamptz) PARTITION BY RANGE (created_at)",
		"another column":    "CREATE TABLE outbox.other (kind smallint, weekday smallint, created_at timestamptz) PARTITION BY LIST (kind)",
		"no created_at":     "CREATE TABLE outbox.other (weekday smallint, created_at date) PARTITION BY LIST (weekday)",
		"no partitions":     "CREATE TABLE outbox.other (weekday smallint, created_at timestamptz) PARTITION BY LIST (weekday)",
		"a default as well": "CREATE TABLE outbox.other (LIKE outbox.event) PARTITION BY LIST (weekday); CREATE TABLE outbox.rest PARTITION OF outbox.other DEFAULT",
	} {
		r.exec(t, sql)
		if err := r.db.QueryRow(t.Context(), "SELECT 'outbox.other'::regclass::oid").Scan(&r.cfg.Table); err != nil {
			t.Fatal(err)
		}
		r.log.lines = nil
		r.restart(t)
		r.round(t)
		if !strings.Contains(r.log.String(), "WARN outbox clean-up is off") {
			t.Errorf("%s: log %q", name, r.log)
		}
		r.exec(t, "DROP TABLE outbox.other")
	}
}
