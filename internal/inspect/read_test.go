package inspect

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

func TestTopicsOfTheRouting(t *testing.T) {
	cfg := outbox.Defaults()
	cfg.ReservedTopics = []string{"relay.checkpoints", "relay.parked"}
	cfg.Routing.Rules = []outbox.Rule{{Topic: "ledger"}, {Topic: "a.${x}-${y}.z"}}
	cp := &publisher.Checkpoint{Ends: []publisher.End{{Topic: "by-hand"}, {Topic: "__consumer_offsets"}}}
	match := matcher(cfg, cp)
	for name, want := range map[string]bool{
		"payment.events": true, "ledger": true, "ledger2": false, "a.1-2.z": true, "a.12.z": false, "by-hand": true, "other": false, ".events": false,
		"xevents": false, "__consumer_offsets": false, "relay.parked": false, "relay.parked.events": false, "relay.checkpoints.x.events": false,
	} {
		if match(name) != want {
			t.Errorf("%s: %v, want %v", name, !want, want)
		}
	}
	cfg = outbox.Defaults()
	cfg.Format, cfg.Routing.Topic = outbox.FormatDebezium, ""
	if match := matcher(cfg, nil); !match("outbox.event.payment") || match("payment.events") {
		t.Errorf("topics of %q", cfg.Debezium.RouteTopicReplacement)
	}
}

func TestEventsKeepTheOrderOfTheirPartition(t *testing.T) {
	generation := noon()
	of := func(relay string, seq uint64) *Origin { return &Origin{Relay: relay, Generation: generation, Seq: seq} }
	event := func(partition int32, offset int64, second int, o *Origin) Event {
		return Event{Topic: "t", Partition: partition, Offset: offset, Time: noon().Add(time.Duration(second) * time.Second), Relay: o}
	}
	places := func(events []Event) (all []string) {
		for _, e := range inOrder(events) {
			all = append(all, e.Place())
		}
		return all
	}
	one := []Event{event(0, 1, 9, of("a", 2)), event(0, 2, 1, of("a", 4)), event(1, 1, 5, of("a", 1)), event(1, 2, 5, of("a", 3))}
	if diff := cmp.Diff([]string{"t/1@1", "t/0@1", "t/1@2", "t/0@2"}, places(one)); diff != "" {
		t.Errorf("one relay: %s", diff)
	}
	// By time alone 0@2 would come before 0@1.
	mixed := []Event{event(0, 1, 5, of("a", 2)), event(0, 2, 1, nil), event(1, 1, 3, of("b", 1)), event(1, 2, 6, of("b", 3))}
	if diff := cmp.Diff([]string{"t/1@1", "t/0@1", "t/0@2", "t/1@2"}, places(mixed)); diff != "" {
		t.Errorf("several: %s", diff)
	}
	if got := inOrder(nil); len(got) != 0 {
		t.Errorf("nothing: %v", got)
	}
}

func TestEventAsDocument(t *testing.T) {
	position := outbox.Position{Timeline: 1, CommitLSN: 0x7A41C60, Index: 3}
	e := publisher.Event{
		Topic: "payment.events", Partition: 3, Offset: 99120, Time: noon(), Key: []byte("pay_1"), Value: []byte{0xFF, 0x00},
		Headers: []outbox.Header{
			{Key: []byte("id"), Value: []byte("0197")},
			{Key: []byte("type"), Value: nil},
			{Key: []byte("id"), Value: []byte("0198")},
			{Key: []byte(publisher.HeaderSeq), Value: []byte("payments/1700000000000/42")},
			{Key: []byte(publisher.HeaderPosition), Value: []byte(position.String())},
		},
	}
	got := describeEvent(&e, outbox.HeaderNames{ID: "id", Type: "type"}, true)
	if got.ID != "0198" || got.Type != "" || got.Relay == nil || got.Relay.Seq != 42 || got.Relay.CommitLSN != 0x7A41C60 || got.ValueBytes != 2 ||
		got.Value.String() != "base64:/wA=" || got.Key.String() != "pay_1" || got.Place() != "payment.events/3@99120" {
		t.Errorf("%+v", got)
	}
	e.Key, e.Value, e.Headers = nil, nil, nil
	text, err := json.Marshal(describeEvent(&e, outbox.HeaderNames{}, true))
	want := `{"topic":"payment.events","partition":3,"offset":99120,"time":"2026-11-24T12:00:00Z","key":null,"value_bytes":-1,"relay":null,"headers":[]}`
	if err != nil || string(text) != want {
		t.Errorf("a tombstone of somebody else is %s, %v", text, err)
	}
}

// TestPageStart: an insert position behind a page's header is reached when the page is.
func TestPageStart(t *testing.T) {
	const block, segment = 8192, 16 << 20
	for end, want := range map[outbox.LSN]outbox.LSN{
		0x1938: 0x1938, block: block, block + 24: block, block + 40: block + 40, block + 25: block + 25,
		segment: segment, segment + 40: segment, segment + 24: segment + 24, 3*segment + 5*block + 24: 3*segment + 5*block,
	} {
		if got := pageStart(end, block, segment); got != want {
			t.Errorf("%s: %s, want %s", end, got, want)
		}
	}
}

func TestWeekdaysOfTheRing(t *testing.T) {
	tuesday := noon()
	for from, want := range map[time.Duration][]int16{0: {1, 2, 3}, 24 * time.Hour: {7, 1, 2, 3}, 4 * 24 * time.Hour: {4, 5, 6, 7, 1, 2, 3}, 5 * 24 * time.Hour: nil} {
		if diff := cmp.Diff(want, weekdays(tuesday.Add(-from), tuesday)); diff != "" {
			t.Errorf("%s: %s", from, diff)
		}
	}
}

func TestDaemonAddress(t *testing.T) {
	for listen, want := range map[string]string{
		"127.0.0.1:9680": "127.0.0.1:9680", ":9680": "127.0.0.1:9680", "0.0.0.0:9680": "127.0.0.1:9680", "[::]:9680": "[::1]:9680", "relay-0:80": "relay-0:80",
		"": "", "127.0.0.1:0": "",
	} {
		got, why := daemonAddress(listen)
		if got != want || (why == "") != (want != "") {
			t.Errorf("%q: %q, %q, want %q", listen, got, why, want)
		}
	}
}

func TestAskDaemon(t *testing.T) {
	answer := func(text string) string {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte(text)) }))
		t.Cleanup(s.Close)
		return strings.TrimPrefix(s.URL, "http://")
	}
	tracker := status.New("payments")
	tracker.SetState(status.Refused, "the slot is ahead", fault.SlotAhead)
	real := httptest.NewServer(tracker.Handler())
	t.Cleanup(real.Close)
	view, err := askDaemon(t.Context(), strings.TrimPrefix(real.URL, "http://"), "payments")
	if err != nil || view.State != status.Refused || view.Code != fault.SlotAhead {
		t.Errorf("%+v, %v", view, err)
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	for name, c := range map[string]struct{ listen, says string }{
		"nobody":        {strings.TrimPrefix(gone.URL, "http://"), "refused"},
		"another relay": {answer(`{"kind":"Status","relay":"ledger"}`), `that of relay "ledger"`},
		"something":     {answer("<html>"), "no relay"},
		"another kind":  {answer(`{"kind":"Pod"}`), "no relay"},
		"endless":       {answer(`"` + strings.Repeat("x", maxStatus+10)), "no relay"},
	} {
		_, err := askDaemon(context.Background(), c.listen, "payments")
		if fault.Exit(err) != fault.ExitUnreachable || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
