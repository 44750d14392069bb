package cleanup

import (
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	now := time.Date(2026, 11, 25, 10, 0, 0, 0, time.UTC)
	ago := func(d time.Duration) time.Time { return now.Add(-d) }
	p := policy{keep: 72 * time.Hour, since: ago(100 * time.Hour)}
	for _, tt := range []struct {
		name  string
		rows  rows
		want  reason // "": may go
		again time.Time
	}{
		{name: "no rows", rows: rows{}},
		{name: "all old", rows: rows{count: 2, oldest: ago(99 * time.Hour), youngest: ago(73 * time.Hour)}},
		{name: "just old enough", rows: rows{count: 1, oldest: ago(72 * time.Hour), youngest: ago(72 * time.Hour)}},
		{name: "a young one", rows: rows{count: 2, oldest: ago(99 * time.Hour), youngest: ago(72*time.Hour - time.Microsecond)}, want: keptYoung, again: now.Add(time.Microsecond)},
		{name: "one to come", rows: rows{count: 2, oldest: ago(99 * time.Hour), youngest: now.Add(time.Hour)}, want: keptFuture, again: now.Add(73 * time.Hour)},
		{name: "one from the first moment", rows: rows{count: 1, oldest: p.since, youngest: p.since}},
		{name: "one from before", rows: rows{count: 2, oldest: p.since.Add(-time.Microsecond), youngest: ago(73 * time.Hour)}, want: keptBefore},
		{name: "from before and young", rows: rows{count: 2, oldest: ago(200 * time.Hour), youngest: now}, want: keptBefore},
	} {
		why := p.judge(tt.rows, "outbox.event_mon", now)
		if why == nil {
			why = &kept{}
		}
		if why.reason != tt.want || !why.again.Equal(tt.again) {
			t.Errorf("%s: kept %+v, want %q until %s", tt.name, why, tt.want, tt.again)
		}
	}
	long := policy{keep: 144 * time.Hour}
	if why := long.judge(rows{count: 1, oldest: ago(143 * time.Hour), youngest: ago(143 * time.Hour)}, "p", now); why != nil {
		t.Errorf("kept %+v after the longest time", why)
	}
}

func TestBackoff(t *testing.T) {
	var d time.Duration
	for _, want := range []time.Duration{time.Minute, 2 * time.Minute, 4 * time.Minute} {
		if d = backoff(d, time.Minute); d != want {
			t.Errorf("backoff %s, want %s", d, want)
		}
	}
	if d = backoff(time.Hour, time.Minute); d != 32*time.Minute {
		t.Errorf("longest backoff %s", d)
	}
}

func TestBoundWeekday(t *testing.T) {
	for bound, want := range map[string]weekday{
		"FOR VALUES IN ('1')": 1, "FOR VALUES IN (7)": 7, "FOR VALUES IN ('8')": 0, "FOR VALUES IN ('1', '2')": 0, "FOR VALUES IN (NULL)": 0,
		"DEFAULT": 0, "FOR VALUES FROM ('1') TO ('2')": 0, "": 0,
	} {
		if got := boundWeekday(bound); got != want {
			t.Errorf("%q is %d, want %d", bound, got, want)
		}
	}
}
