package status

import (
	"context"
	"testing"
	"testing/synctest"
	"time"
)

// TestHistoryOfAnHour: samples are of their interval, and only the last hour is kept.
func TestHistoryOfAnHour(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := New("payments")
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		go tr.Watch(ctx)
		tr.SlotSeen(Slot{Flush: 100, WALEnd: 700, SafeBytes: 400})
		for i := range 400 {
			time.Sleep(5 * time.Second)
			tr.Committed(Commit{Events: 10 * i, Duration: time.Duration(i+1) * time.Millisecond, CommitTime: time.Now().Add(-time.Duration(i) * time.Second).UnixMicro()})
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		got := tr.History()
		if len(got) != 360 {
			t.Fatalf("%d samples", len(got))
		}
		for n, i := range []int{40, 399} {
			s := got[[]int{0, 359}[n]]
			want := Sample{
				At: s.At, Lag: time.Duration(i) * time.Second, EventsPerSecond: float64(i), TransactionRate: 0.1,
				CommitP50: time.Duration(i+1) * time.Millisecond, CommitP99: time.Duration(i+1) * time.Millisecond, Retained: 600, Limit: 1000,
			}
			if s != want {
				t.Errorf("sample %d is %+v, want %+v", i, s, want)
			}
		}
		if age := time.Since(got[0].At); age != 3590*time.Second {
			t.Errorf("the oldest sample is %s old", age)
		}
		if v := tr.View().Recent; v.Seconds != 60 || v.EventsPerSecond != 396.5 || v.Transactions < 0.09 || v.CommitP50 == nil {
			t.Errorf("recent %+v", v)
		}
	})
}

// TestQuietInterval has no commits and no rate, but the lag of what waits.
func TestQuietInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := New("payments")
		tr.Committed(Commit{Events: 1, Duration: time.Second})
		tr.Sample()
		tr.Received(1, time.Now().UnixMicro())
		tr.Pending(1, 1)
		time.Sleep(10 * time.Second)
		tr.Sample()
		if s := tr.History()[1]; s.Lag != 10*time.Second || s.EventsPerSecond != 0 || s.CommitP50 != 0 || s.Limit != 0 {
			t.Errorf("sample %+v", s)
		}
	})
}

func TestQuantiles(t *testing.T) {
	var d durations
	if _, _, ok := d.quantiles(0); ok {
		t.Error("quantiles of nothing")
	}
	for i := range 1000 {
		d.add(time.Duration(1000 - i))
	}
	if p50, p99, ok := d.quantiles(900); !ok || p50 != 50 || p99 != 99 {
		t.Errorf("of the last 100: %d, %d, %v", p50, p99, ok)
	}
	if p50, p99, ok := d.quantiles(0); !ok || p50 != 256 || p99 != 506 {
		t.Errorf("of the newest that are kept: %d, %d, %v", p50, p99, ok)
	}
}

func TestTopicsAreBounded(t *testing.T) {
	tr := New("payments")
	for i := range keptTopics + 5 {
		tr.Written(func(yield func(string, int32, int)) {
			yield(string(rune('a'+i%26))+time.Duration(i).String(), 0, 1)
			yield(string(rune('a'+i%26))+time.Duration(i).String(), 1, 2)
		})
	}
	topics := tr.View().Topics
	if len(topics) != keptTopics || topics[0].Events != 3 || topics[0].Partitions != 2 {
		t.Errorf("%d topics, the first %+v", len(topics), topics[0])
	}
}
