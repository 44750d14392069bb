package status_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

func TestReady(t *testing.T) {
	event := func(tr *status.Tracker) {
		tr.Received(100, time.Now().UnixMicro())
		tr.Pending(1, 50)
	}
	commit := func(tr *status.Tracker) {
		tr.Committed(status.Commit{Events: 1, Bytes: 40, CommitTime: time.Now().UnixMicro()})
		tr.Pending(-1, -50)
	}
	streaming := func(tr *status.Tracker) { tr.SetState(status.Streaming, "", 0) }
	tests := []struct {
		name   string
		do     func(*status.Tracker)
		want   bool
		reason string
	}{
		{"new", func(*status.Tracker) {}, false, ""},
		{"streaming and idle", streaming, true, ""},
		{"idle for a day", func(tr *status.Tracker) { streaming(tr); event(tr); commit(tr); time.Sleep(24 * time.Hour) }, true, ""},
		{"first event after a day", func(tr *status.Tracker) { streaming(tr); event(tr); commit(tr); time.Sleep(24 * time.Hour); event(tr) }, true, ""},
		{"waits for 29 s", func(tr *status.Tracker) { streaming(tr); event(tr); time.Sleep(29 * time.Second) }, true, ""},
		{"waits for 30 s", func(tr *status.Tracker) { streaming(tr); event(tr); event(tr); time.Sleep(30 * time.Second) }, false, "2 events wait and the checkpoint has not moved for 30s"},
		{"more come while the first waits", func(tr *status.Tracker) {
			streaming(tr)
			for range 4 {
				event(tr)
				time.Sleep(10 * time.Second)
			}
		}, false, "4 events wait and the checkpoint has not moved for 40s"},
		{"waits, and another was committed", func(tr *status.Tracker) {
			streaming(tr)
			event(tr)
			event(tr)
			time.Sleep(20 * time.Second)
			commit(tr)
			time.Sleep(20 * time.Second)
		}, true, ""},
		{"checkpoint alone moves", func(tr *status.Tracker) {
			streaming(tr)
			event(tr)
			time.Sleep(29 * time.Second)
			tr.Committed(status.Commit{})
			time.Sleep(29 * time.Second)
		}, true, ""},
		{"session ended while events waited", func(tr *status.Tracker) {
			streaming(tr)
			tr.SessionStarted()
			event(tr)
			time.Sleep(time.Minute)
			tr.SessionEnded("kafka_doubt")
		}, true, ""},
		{"behind within the limit", func(tr *status.Tracker) { streaming(tr); event(tr); time.Sleep(10 * time.Second) }, true, ""},
		{"behind the limit", func(tr *status.Tracker) {
			streaming(tr)
			tr.Received(1, time.Now().Add(-11*time.Second).UnixMicro())
			tr.Pending(1, 1)
		}, false, "11s behind, more than server.ready_max_lag (10s)"},
		{"standby without a partner", func(tr *status.Tracker) { tr.SetState(status.Standby, "", 0) }, false, "no other relay was seen to hold the slot within 5s"},
		{"standby with one", func(tr *status.Tracker) {
			tr.SetState(status.Standby, "slot is active for PID 12", 0)
			tr.SlotHeldElsewhere()
			time.Sleep(5 * time.Second)
		}, true, "slot is active for PID 12"},
		{"standby whose partner was seen too long ago", func(tr *status.Tracker) {
			tr.SetState(status.Standby, "", 0)
			tr.SlotHeldElsewhere()
			time.Sleep(5*time.Second + 1)
		}, false, "no other relay was seen to hold the slot within 5s"},
		{"refused", func(tr *status.Tracker) { tr.SetState(status.Refused, "slot is ahead", fault.SlotAhead) }, false, "slot is ahead"},
		{"halted", func(tr *status.Tracker) { tr.SetState(status.Halted, "no route", fault.Unpublishable) }, false, "no route"},
		{"unreachable", func(tr *status.Tracker) { tr.SetState(status.Unreachable, "Kafka", fault.KafkaUnreachable) }, false, "Kafka"},
		{"stopping", func(tr *status.Tracker) { tr.SetState(status.Stopping, "", 0) }, false, ""},
		{"paused", func(tr *status.Tracker) { streaming(tr); tr.Paused("alice") }, false, "paused by alice"},
		{"paused before it streams", func(tr *status.Tracker) { tr.Paused("alice"); streaming(tr) }, false, "paused by alice"},
		{"paused and refused", func(tr *status.Tracker) {
			tr.Paused("alice")
			tr.SetState(status.Refused, "slot is ahead", fault.SlotAhead)
		}, false, "slot is ahead"},
		{"paused for long with events, then resumed", func(tr *status.Tracker) {
			streaming(tr)
			event(tr)
			tr.Paused("alice")
			time.Sleep(time.Hour)
			tr.Resumed()
		}, true, ""},
		{"resumed, and nothing moves", func(tr *status.Tracker) {
			streaming(tr)
			event(tr)
			tr.Paused("alice")
			time.Sleep(time.Hour)
			tr.Resumed()
			time.Sleep(30 * time.Second)
		}, false, "1 events wait and the checkpoint has not moved for 30s"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				maxLag := time.Duration(0)
				if strings.HasPrefix(tt.name, "behind") {
					maxLag = 10 * time.Second
				}
				tr := status.New("payments", status.WithReadyMaxLag(maxLag))
				tt.do(tr)
				got := tr.Ready()
				if got.Ready != tt.want || got.Reason != tt.reason {
					t.Errorf("ready %v, reason %q; want %v, %q", got.Ready, got.Reason, tt.want, tt.reason)
				}
				if code := get(tr, "/readyz").Code; (code == http.StatusOK) != tt.want {
					t.Errorf("/readyz answers %d", code)
				}
			})
		})
	}
}

func TestReadyzNamesTheReason(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tr := status.New("payments")
		tr.SetState(status.Refused, "slot is ahead of the checkpoint", fault.SlotAhead)
		since := time.Now()
		time.Sleep(time.Minute)
		tr.SetState(status.Refused, "slot is far ahead of the checkpoint", fault.SlotAhead)
		answer := get(tr, "/readyz")
		var got map[string]any
		if err := json.Unmarshal(answer.Body.Bytes(), &got); err != nil {
			t.Fatal(err)
		}
		want := map[string]any{
			"ready": false, "state": "refused", "reason": "slot is far ahead of the checkpoint",
			"since": since.UTC().Format(time.RFC3339Nano), "code": "RLY1003",
		}
		if diff := cmp.Diff(want, got); diff != "" || answer.Code != http.StatusServiceUnavailable {
			t.Errorf("answer %d (-want +got):\n%s", answer.Code, diff)
		}
	})
}

func get(tr *status.Tracker, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	tr.Handler().ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}
