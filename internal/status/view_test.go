package status

import (
	"encoding/json"
	"flag"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
)

var update = flag.Bool("update", false, "write the golden files")

// TestStatusDocument keeps the fields of v1: one that is gone or renamed shows as a difference.
func TestStatusDocument(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := busy()
		tr.SessionEnded("kafka_doubt")
		tr.SessionStarted()
		tr.SetState(Starting, "Kafka did not answer", 0)
		w := httptest.NewRecorder()
		tr.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/status", nil))
		var document map[string]any
		if err := json.Unmarshal(w.Body.Bytes(), &document); err != nil {
			t.Fatal(err)
		}
		document["pid"] = 0
		got, err := json.MarshalIndent(document, "", "  ")
		if err != nil {
			t.Fatal(err)
		}
		const golden = "testdata/status.json"
		if *update {
			if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(golden)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
			t.Errorf("/status (-want +got):\n%s", diff)
		}
	})
}

// TestViewIsDecodable: a Go client gets the very View that the handler wrote, with a code and without.
func TestViewIsDecodable(t *testing.T) {
	for _, code := range []fault.Code{0, fault.SlotAhead} {
		tr := New("payments", WithBuild("1.2.3", "relay-0"))
		tr.SetState(Refused, "the slot is ahead", code)
		tr.SlotSeen(Slot{Flush: 1000, WALEnd: 1600, WALStatus: "reserved", SafeBytes: 5000})
		tr.SessionStarted()
		tr.SessionEnded("refused")
		w := httptest.NewRecorder()
		tr.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/status", nil))
		decoder := json.NewDecoder(w.Body)
		decoder.DisallowUnknownFields()
		var got View
		if err := decoder.Decode(&got); err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(tr.View(), got); diff != "" {
			t.Errorf("decoded view (-want +got):\n%s", diff)
		}
	}
}

func TestHandler(t *testing.T) {
	tr := New("payments")
	for _, tt := range []struct {
		method, path string
		code         int
		contains     string
	}{
		{http.MethodGet, "/livez", http.StatusOK, "ok"},
		{http.MethodHead, "/livez", http.StatusOK, ""},
		{http.MethodGet, "/readyz", http.StatusServiceUnavailable, `"state": "starting"`},
		{http.MethodGet, "/metrics", http.StatusOK, `relay_state{relay="payments",state="starting"} 1`},
		{http.MethodGet, "/metrics", http.StatusOK, "go_goroutines"},
		{http.MethodGet, "/status", http.StatusOK, `"kind": "Status"`},
		{http.MethodPost, "/status", http.StatusMethodNotAllowed, ""},
		{http.MethodGet, "/debug/pprof/", http.StatusNotFound, ""},
	} {
		w := httptest.NewRecorder()
		tr.Handler().ServeHTTP(w, httptest.NewRequest(tt.method, tt.path, nil))
		if w.Code != tt.code || !strings.Contains(w.Body.String(), tt.contains) {
			t.Errorf("%s %s answers %d %q, want %d with %q", tt.method, tt.path, w.Code, w.Body.String(), tt.code, tt.contains)
		}
	}
}

func TestOnlyTheLastSessionsAreKept(t *testing.T) {
	tr := New("payments")
	for range recentSessions + 3 {
		tr.SessionStarted()
		tr.SessionEnded("kafka_doubt")
	}
	v := tr.View().Sessions
	if len(v.Recent) != recentSessions || v.Started != recentSessions+3 || v.Ended["kafka_doubt"] != recentSessions+3 {
		t.Errorf("sessions %+v", v)
	}
}

// TestConcurrentUse is for the race detector: a session writes, three readers read.
func TestConcurrentUse(t *testing.T) {
	tr := New("payments")
	var wg sync.WaitGroup
	for _, f := range []func(){
		func() {
			tr.Received(1, 1)
			tr.Pending(1, 1)
			tr.Skipped(1)
			tr.Ignored("update")
		},
		func() { tr.Committed(Commit{Events: 1}); tr.Pending(-1, -1); tr.Acknowledged(1) },
		func() {
			tr.SessionStarted()
			tr.SetState(Streaming, "", 0)
			tr.Recovered(time.Second)
			tr.SessionEnded("stopped")
		},
		func() {
			tr.SlotSeen(Slot{})
			tr.SlotHeldElsewhere()
			tr.Fenced(1)
			tr.CheckpointRead(Checkpoint{}, time.Now())
		},
		func() { tr.View(); tr.State() },
		func() {
			if _, err := tr.metrics.Gather(); err != nil {
				t.Error(err)
			}
		},
	} {
		wg.Go(func() {
			for range 50 {
				f()
			}
		})
	}
	wg.Wait()
}

func BenchmarkReceived(b *testing.B) {
	tr := New("payments")
	b.ReportAllocs()
	for b.Loop() {
		tr.Received(1, 1)
		tr.Pending(1, 100)
		tr.Pending(-1, -100)
	}
}
