package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/goccy/go-yaml"
	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/inspect"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// wholeLag, wholeStatus and so on have every field set: a field that is lost shows as a difference of the golden files.
func wholeLag() inspect.Lag {
	return inspect.Lag{
		Relay: "payments", Bytes: 12698, ResumeLSN: 0x7A41C98, WALEnd: 0x7A44E32, Seconds: 0.1834, Events: ptr(int64(1904)),
		Basis: inspect.BasisTable, Note: "a note",
	}
}

func wholeStatus() inspect.Status {
	return inspect.Status{
		Relay: "payments", State: inspect.StateRefused, Reason: "slot is ahead of the checkpoint", Code: "RLY1003",
		NoDaemon:   "no daemon answers at 127.0.0.1:9680: connect: connection refused",
		Holder:     &inspect.Holder{PID: 4711, Address: "10.0.0.3", Since: ptr(noon().Add(-76 * time.Hour))},
		Checkpoint: payments(), Lag: ptr(wholeLag()),
		Kafka: &inspect.Kafka{
			ClusterID: "k1", Brokers: 3, CheckpointTopic: "relay.checkpoints.payments", ReplicationFactor: 3, Epoch: ptr(int16(18)), SessionBy: "1.0.0 on relay-0",
		},
		Outbox:   &inspect.Outbox{Table: "outbox.event", Bytes: 612 << 20, Oldest: ptr(noon().Add(-69 * time.Hour))},
		Parked:   &inspect.Parked{Events: 2, Held: 7, Oldest: ptr(noon().Add(-4 * time.Hour))},
		Warnings: []string{"first", "second"},
	}
}

// streamingStatus is that of a relay whose daemon answers.
func streamingStatus() inspect.Status {
	st := wholeStatus()
	st.State, st.Reason, st.Code, st.NoDaemon, st.Warnings = "streaming", "", "", "", []string{}
	st.Daemon = &status.View{
		APIVersion: "relay/v1", Kind: "Status", Relay: "payments", Version: "1.0.0", Host: "relay-0", PID: 1, Started: noon().Add(-77 * time.Hour),
		Readiness: status.Readiness{Ready: true, State: status.Streaming, Since: noon().Add(-76 * time.Hour)},
		Outbox: status.OutboxView{Partitions: []status.Partition{
			{Name: "outbox.event_mon", NextTruncate: ptr(noon().Add(138 * time.Minute))},
			{Name: "outbox.event_tue", Kept: &status.Kept{Reason: "locked", Detail: "it is locked by psql (pid 4711)"}},
		}},
	}
	return st
}

func wholeHistory() inspect.History {
	at := func(d time.Duration) time.Time { return noon().Add(-d) }
	return inspect.History{
		Relay: "payments", Topic: "relay.checkpoints.payments", Oldest: ptr(at(time.Hour)), Complete: true,
		Items: []inspect.HistoryEntry{
			{Offset: 12, Time: at(time.Second), Epoch: 7, What: inspect.EntryCheckpoint, Events: ptr(uint64(3)), Record: record(), ResumeLSN: ptr(outbox.LSN(0x7A41C98))},
			{Offset: 10, Time: at(time.Minute), Epoch: 6, What: inspect.EntryBarrier, Barrier: &publisher.Barrier{Identity: record().Identity, Timeline: 1, Epoch: 6, Writer: record().Writer}},
			{Offset: 8, Time: at(time.Hour), What: inspect.EntryUnreadable, Problem: "record cannot be decoded\x1b[31m"},
		},
	}
}

func wholeEvent() inspect.Event {
	text := func(s string) *inspect.Bytes { return &inspect.Bytes{Text: &s} }
	return inspect.Event{
		Topic: "payment.events", Partition: 3, Offset: 99120, Time: noon(), Key: text("pay_8812"), ID: "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01",
		Type: "PaymentBooked", ValueBytes: 16, Value: text(`{"amount":12.30}`),
		Relay: &inspect.Origin{
			Relay: "payments", Generation: noon().Add(-24 * time.Hour), Seq: 1904417, Position: "00000001-0000000007A41C60-00000001", Timeline: 1,
			CommitLSN: 0x7A41C60, Index: 1, Piece: 2, CommitTime: ptr(noon().Add(-time.Hour)),
		},
		Headers: []inspect.Header{{Name: "id", Value: text("0197a5b2")}, {Name: "raw", Value: &inspect.Bytes{Base64: ptr("/wA=")}}, {Name: "none"}},
	}
}

// strangeEvent is one of another producer, whose key would move the cursor.
func strangeEvent() inspect.Event {
	return inspect.Event{Topic: "payment.events", Offset: 7, Time: noon(), Key: &inspect.Bytes{Text: ptr("\x1b[2J")}, ValueBytes: -1, Headers: []inspect.Header{}}
}

func wholeTrace() inspect.Trace {
	return inspect.Trace{
		ID: "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01",
		Table: inspect.TableTrace{
			Looked: true, Found: true, Rows: 1, Table: "outbox.event_tue", CreatedAt: ptr(noon()), Committed: ptr(noon()), XID: 918223, Note: "a note",
		},
		Checkpoint: inspect.CheckpointTrace{
			Coverage: inspect.Covered, Why: "commit 0/7A41C60 < resume 0/7A41C98", CommitLSN: ptr(outbox.LSN(0x7A41C60)), ResumeLSN: ptr(outbox.LSN(0x7A41C98)),
		},
		Kafka:   inspect.KafkaTrace{Looked: true, Count: 1, Events: []inspect.Event{wholeEvent()}, Topics: []string{"payment.events"}, Note: "a note"},
		Parked:  &inspect.ParkedTrace{Position: "p", Reason: "too_large", Detail: "d", Behind: "b", Time: noon()},
		Verdict: inspect.PublishedOnce, Reason: "a reason",
	}
}

// missingTrace is of an event that is in the table only.
func missingTrace() inspect.Trace {
	t := wholeTrace()
	t.Kafka, t.Parked, t.Table.Note = inspect.KafkaTrace{Looked: true, Topics: []string{"payment.events", "ledger"}}, nil, ""
	t.Verdict, t.Reason = inspect.NotInKafka, "although the checkpoint covers it"
	return t
}

// TestForms keeps what people and programs see. Within v1 no document loses a field.
func TestForms(t *testing.T) {
	forms := map[string]func(b *strings.Builder, format string) error{
		"status": func(b *strings.Builder, format string) error { return writeStatus(b, wholeStatus(), format, noon()) },
		"status_streaming": func(b *strings.Builder, format string) error {
			return writeStatus(b, streamingStatus(), format, noon())
		},
		"lag": func(b *strings.Builder, format string) error { return writeLag(b, wholeLag(), format, layout{}) },
		"checkpoint_history": func(b *strings.Builder, format string) error {
			return writeHistory(b, wholeHistory(), format, layout{}, noon())
		},
		"events_tail": func(b *strings.Builder, format string) error {
			return writeEvents(b, []inspect.Event{wholeEvent(), strangeEvent()}, format, layout{})
		},
		"events_show":         func(b *strings.Builder, format string) error { return writeEvent(b, ptr(wholeEvent()), format, true) },
		"events_find":         func(b *strings.Builder, format string) error { return writeTrace(b, wholeTrace(), format) },
		"events_find_missing": func(b *strings.Builder, format string) error { return writeTrace(b, missingTrace(), format) },
	}
	formats := map[string][]string{
		"status": {"table", "json", "yaml", "name"}, "status_streaming": {"table"}, "lag": {"table", "wide", "json", "yaml"},
		"checkpoint_history": {"table", "wide", "json", "yaml"}, "events_tail": {"table", "wide", "json", "yaml", "name"},
		"events_show": {"table", "json", "name"}, "events_find": {"table", "json", "yaml"}, "events_find_missing": {"table"},
	}
	for name, write := range forms {
		for _, format := range formats[name] {
			t.Run(name+" "+format, func(t *testing.T) {
				var b strings.Builder
				if err := write(&b, format); err != nil {
					t.Fatal(err)
				}
				if format == "json" {
					document(t, b.String())
				}
				if strings.Contains(b.String(), "\x1b") {
					t.Error("an escape sequence of somebody else is printed")
				}
				golden(t, "testdata/"+name+"."+format, b.String())
			})
		}
	}
}

// document checks that text is one with version and kind.
func document(t *testing.T, text string) {
	t.Helper()
	var d struct{ APIVersion, Kind string }
	if err := json.Unmarshal([]byte(text), &d); err != nil || d.APIVersion != "relay/v1" || d.Kind == "" {
		t.Errorf("document %+v, %v", d, err)
	}
}

func TestDocumentsEscapeControls(t *testing.T) {
	v := map[string]string{"a": "x\x1b[2J\r", "b": "del\x7f\u009b2J", "c": "two\nlines \\u001b", "d": "kept1. \x01", "e": "\x00"}
	for _, format := range []string{"json", "yaml"} {
		var b strings.Builder
		if err := writeDocument(&b, format, v); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsFunc(b.String(), func(r rune) bool { return r != '\n' && unicode.IsControl(r) }) {
			t.Errorf("%s: %q", format, b.String())
		}
		var got map[string]string
		if err := yaml.Unmarshal([]byte(b.String()), &got); err != nil {
			t.Fatalf("%s: %v\n%s", format, err, b.String())
		}
		if diff := cmp.Diff(v, got); diff != "" {
			t.Errorf("%s: %s", format, diff)
		}
	}
}

func TestLagExits(t *testing.T) {
	unreachable := &fault.Error{Code: fault.KafkaUnreachable, Summary: "cannot reach Kafka"}
	bound := inspect.Lag{Relay: "payments", Seconds: 720, AtMost: true, Note: "events that are WAL messages stand in no table"}
	for _, c := range []struct {
		args []string
		lag  inspect.Lag
		err  error
		code int
		out  string
		says string
	}{
		{[]string{"lag"}, wholeLag(), nil, fault.ExitDone, "0.183\n", ""},
		{[]string{"lag", "--max", "1s"}, wholeLag(), nil, fault.ExitDone, "0.183\n", ""},
		{[]string{"lag", "--max", "100ms"}, wholeLag(), nil, fault.ExitWanting, "0.183\n", "relay payments is 0.2s behind, more than 100ms [RLY6001]"},
		{[]string{"lag", "--max", "0"}, inspect.Lag{}, nil, fault.ExitDone, "0.000\n", ""},
		{[]string{"lag", "--max", "10m"}, bound, nil, fault.ExitWanting, "<= 720.000\n", "may be 12m behind"},
		{[]string{"lag", "--max", "1s"}, inspect.Lag{}, unreachable, fault.ExitUnreachable, "", "cannot reach Kafka"},
	} {
		a := newTestApp(t, inspecting(fakeInspector{lag: func() (inspect.Lag, error) { return c.lag, c.err }}))
		if code := a.main(c.args); code != c.code || a.out.String() != c.out || !strings.Contains(a.err.String(), c.says) {
			t.Errorf("%v: exit code %d, printed %q and %q", c.args, code, a.out.String(), a.err.String())
		}
	}
}

func TestFindExits(t *testing.T) {
	for verdict, want := range map[inspect.TraceVerdict]int{
		inspect.PublishedOnce: fault.ExitDone, inspect.EventParked: fault.ExitDone, inspect.NotYet: fault.ExitDone,
		inspect.PublishedMore: fault.ExitWanting, inspect.NotInKafka: fault.ExitWanting, inspect.EventNotFound: fault.ExitWanting,
	} {
		a := newTestApp(t, inspecting(fakeInspector{trace: func(id string, _ inspect.TraceOptions) (inspect.Trace, error) {
			return inspect.Trace{ID: id, Verdict: verdict}, nil
		}}))
		if code := a.main([]string{"events", "find", "x"}); code != want || !strings.Contains(a.out.String(), "Verdict: "+string(verdict)+".\n") {
			t.Errorf("%s: exit code %d, want %d, printed %q", verdict, code, want, a.out.String())
		}
	}
	a := newTestApp(t, inspecting(fakeInspector{trace: func(id string, _ inspect.TraceOptions) (inspect.Trace, error) {
		return inspect.Trace{ID: id, Verdict: inspect.PublishedOnce}, &fault.Error{Code: fault.PostgresUnreachable, Summary: "cannot reach Postgres"}
	}}))
	if code := a.main([]string{"events", "find", "x"}); code != fault.ExitUnreachable || !strings.Contains(a.out.String(), "published once") {
		t.Errorf("without Postgres: exit code %d, printed %q", code, a.out.String())
	}
}

func TestTailPassesItsFlags(t *testing.T) {
	var got inspect.TailOptions
	a := newTestApp(t, inspecting(fakeInspector{tail: func(o inspect.TailOptions, show func([]inspect.Event) error) error {
		if got = o; got.Trouble == nil {
			t.Error("trouble is told to nobody")
		}
		got.Trouble = nil
		return errors.Join(show([]inspect.Event{strangeEvent()}), show([]inspect.Event{strangeEvent()}))
	}}))
	code := a.main([]string{"events", "tail", "-f", "--topic", "a", "--topic", "b", "--key", "", "--since", "2026-11-24T12:00:00Z", "-o", "wide"})
	want := inspect.TailOptions{Topics: []string{"a", "b"}, Since: noon(), Key: ptr(""), Follow: true}
	if diff := cmp.Diff(want, got); code != fault.ExitDone || diff != "" {
		t.Errorf("exit code %d: %s", code, diff)
	}
	if out := a.out.String(); strings.Count(out, "TIME") != 1 || strings.Count(out, "payment.events/0@7") != 2 || !strings.Contains(out, `\x1b[2J`) {
		t.Errorf("printed %q", out)
	}
	if !strings.Contains(a.err.String(), "None of these records has Relay's headers") {
		t.Errorf("said %q", a.err.String())
	}
	a.out.Reset()
	if a.main([]string{"events", "tail", "-n", "3"}); got.Last != 3 || got.Key != nil || got.Follow {
		t.Errorf("options %+v", got)
	}
	if a.main([]string{"events", "tail", "--since", "5m", "-n", "3"}); got.Last != 3 || got.Since.IsZero() {
		t.Errorf("options %+v", got)
	}
}

func TestWaitPassesItsGoal(t *testing.T) {
	for text, want := range map[string]inspect.Goal{
		"caught-up": {CaughtUp: true}, "lsn=16/B374D848": {LSN: 0x16B374D848}, "event=a=b": {Event: "a=b"}, "state=streaming": {State: status.Streaming},
	} {
		var got inspect.Goal
		a := newTestApp(t, fakeEngine{wait: func(ctx context.Context, _ setup, goal inspect.Goal, say func(string)) error {
			got = goal
			say("still waiting")
			if _, limited := ctx.Deadline(); !limited {
				t.Error("there is no time limit")
			}
			return &fault.Error{Code: fault.TimedOut, Summary: "timed out"}
		}})
		code := a.main([]string{"wait", "--for", text, "--timeout", "1h"})
		if code != fault.ExitTimeout || got != want || goalText(got) != text || !strings.HasPrefix(a.err.String(), "still waiting\n") {
			t.Errorf("%s: exit code %d, goal %+v: %s", text, code, got, a.err.String())
		}
	}
}

func goalText(g inspect.Goal) string { return fmt.Sprint(g) }

// TestWatchGoesOnAfterAnError: what one watches for is often that a server comes back.
func TestWatchGoesOnAfterAnError(t *testing.T) {
	rounds := 0
	ctx, cancel := context.WithCancelCause(t.Context())
	a := newTestApp(t, inspecting(fakeInspector{lag: func() (inspect.Lag, error) {
		switch rounds++; rounds {
		case 1:
			return inspect.Lag{Seconds: 1}, nil
		case 2:
			return inspect.Lag{}, &fault.Error{Code: fault.KafkaUnreachable, Summary: "cannot reach Kafka"}
		case 3:
			return inspect.Lag{Seconds: 3}, nil
		}
		cancel(errInterrupted)
		return inspect.Lag{}, ctx.Err()
	}}))
	err := a.lag(ctx, lagFlags{lookFlags: lookFlags{format: "table", watch: watchFlag{every: time.Millisecond}}, max: -1})
	if !errors.Is(err, errInterrupted) || a.out.String() != "1.000\n3.000\n" || !strings.Contains(a.err.String(), "cannot reach Kafka [RLY5002]") {
		t.Errorf("ended with %v, printed %q and %q", err, a.out.String(), a.err.String())
	}
}

func TestParsePlace(t *testing.T) {
	if got, err := parsePlace("payment.events/3@99120"); err != nil || got != (eventPlace{"payment.events", 3, 99120}) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, text := range []string{"", "x", "x/1", "x@1", "/1@2", "x/@2", "x/1@", "x/-1@2", "x/1@-2", "x/1@2@3", "x/2147483648@1", "x/1@9223372036854775808", "x/1/2@3"} {
		if got, err := parsePlace(text); err == nil {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}

func TestNarrowTables(t *testing.T) {
	table := table{header: []string{"A", "LONGER"}, room: 10}
	table.add("1", "äöü")
	table.add("2", strings.Repeat("x", 12))
	for _, c := range []struct {
		room      int
		noHeaders bool
		want      string
	}{
		{0, false, "A  LONGER\n1  äöü\n2  xxxxxxxxxxxx\n"},
		{15, true, "1  äöü\n2  xxxxxxxxxxxx\n"},
		{14, false, "A       1\nLONGER  äöü\n\nA       2\nLONGER  xxxxxxxxxxxx\n"},
		{14, true, "1\näöü\n\n2\nxxxxxxxxxxxx\n"},
	} {
		var b strings.Builder
		table.room = c.room
		if err := table.write(&b, c.noHeaders); err != nil || b.String() != c.want {
			t.Errorf("room %d: %q, want %q", c.room, b.String(), c.want)
		}
	}
}
