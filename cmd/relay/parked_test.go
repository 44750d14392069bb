package main

import (
	"context"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/relay"
)

// twoParked are an event that is too large and one that waits behind it, with a key that is no text.
func twoParked() []parkedEvent {
	key := "pay_8812"
	return []parkedEvent{
		{
			Position: "00000001-0000000007A41C60-00000000", ID: "0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01", Topic: "payment.events", Key: &key,
			Reason: "too_large", Detail: "the record is larger than the topic's max.message.bytes", Kind: "record", Bytes: 1_500_000,
			Parked: noon().Add(-3 * time.Minute), Committed: noon().Add(-3 * time.Minute), XID: 918223, Offset: 7,
		},
		{
			Position: "00000001-0000000007A41D00-00000002", Topic: "payment.events", KeyBase64: "/wA=", Reason: "held",
			Behind: "00000001-0000000007A41C60-00000000", Kind: "record", Bytes: 120, Parked: noon(), Committed: noon(), XID: 918224, Offset: 8,
		},
	}
}

func TestParkedDocuments(t *testing.T) {
	value, header := `{"amount": 12.30}`, "Booked"
	whole := parkedContent{parkedEvent: twoParked()[0], Headers: []parkedHeader{{Name: "type", Value: &header}}, Value: &value}
	for _, format := range []string{"table", "wide", "json", "yaml", "name"} {
		var list, shown strings.Builder
		if err := errors.Join(writeParked(&list, twoParked(), format, false, noon()), writeParkedEvent(&shown, whole, format, noon())); err != nil {
			t.Fatal(err)
		}
		golden(t, "testdata/parked_list."+format, list.String())
		if format != "wide" { // which show does not have
			golden(t, "testdata/parked_show."+format, shown.String())
		}
	}
}

// TestReleaseNeedsConsent: without --apply nothing is done unless a person types the relay's name.
func TestReleaseNeedsConsent(t *testing.T) {
	for _, tc := range []struct {
		name   string
		args   []string
		answer string
		does   bool
	}{
		{"plan only", []string{"--all"}, "", false},
		{"another name typed", []string{"--all"}, "ledger\n", false},
		{"name typed", []string{"--all"}, "payments\n", true},
		{"apply", []string{"--all", "--apply"}, "", true},
		{"yes", []string{"--reason", "too_large", "--yes"}, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			done := false
			a := newTestApp(t, fakeEngine{
				planRelease: func(context.Context, setup, releaseOptions) (releasePlan, error) {
					return releasePlan{Skip: twoParked()[:1], Publish: twoParked()[1:]}, nil
				},
				release: func(context.Context, setup, releaseOptions, io.Writer) (releaseOutcome, error) {
					done = true
					return releaseOutcome{Published: 1, Skipped: 1}, nil
				},
			})
			a.in = strings.NewReader(tc.answer)
			if code := a.main(append([]string{"parked", "skip"}, tc.args...)); code != fault.ExitDone {
				t.Errorf("exit code %d\n%s", code, a.err.String())
			}
			if done != tc.does {
				t.Errorf("done is %v, want %v", done, tc.does)
			}
			wants(t, a.out.String(), "give up, never to be published, 1 event", "publish in this order", "too_large")
			if tc.does {
				wants(t, a.out.String(), "published 1 event, gave up 1 event")
			} else {
				wants(t, a.err.String(), "Nothing has been changed")
			}
		})
	}
}

// TestReleaseDocuments: with -o json or yaml stdout is one document, of the plan or of what was done.
func TestReleaseDocuments(t *testing.T) {
	plan := releasePlan{Skip: twoParked()[:1], Publish: twoParked()[1:]}
	done := releaseOutcome{Skipped: 1, Left: twoParked()[1:], Items: []releasedEvent{
		describeRelease(twoParked()[0], "skipped"), describeRelease(twoParked()[1], "parked"),
	}}
	for _, tc := range []struct {
		name string
		args []string
		plan releasePlan
		code int
		says string
	}{
		{"planned", []string{"skip", "--all"}, plan, fault.ExitDone, "Nothing has been changed"},
		{"done", []string{"skip", "--all", "--apply"}, plan, fault.ExitRefused, "gave up 1 event"},
		{"nothing", []string{"retry", "--all", "--to-topic", "other"}, releasePlan{}, fault.ExitDone, "Nothing that was selected"},
	} {
		for _, format := range []string{"json", "yaml"} {
			t.Run(tc.name+" "+format, func(t *testing.T) {
				a := newTestApp(t, fakeEngine{
					planRelease: func(context.Context, setup, releaseOptions) (releasePlan, error) { return tc.plan, nil },
					release:     func(context.Context, setup, releaseOptions, io.Writer) (releaseOutcome, error) { return done, nil },
				})
				if code := a.main(append([]string{"parked", "-o", format}, tc.args...)); code != tc.code {
					t.Errorf("exit code %d, want %d\n%s", code, tc.code, a.err.String())
				}
				golden(t, "testdata/parked_release_"+tc.name+"."+format, a.out.String())
				wants(t, a.err.String(), tc.says)
			})
		}
	}
}

// TestReasonsOfTheGuide: the filter knows the reasons that the guide lists, and no other.
func TestReasonsOfTheGuide(t *testing.T) {
	guide, err := os.ReadFile("../../docs/parked-events.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(guide), "| reason | what it is | what mends it |\n|---|---|---|\n")
	lines, _, _ := strings.Cut(rest, "\n\n")
	var listed []string
	for line := range strings.Lines(lines) {
		for i, word := range strings.Split(strings.Split(line, "|")[1], "`") {
			if i%2 == 1 {
				listed = append(listed, word)
			}
		}
	}
	known := relay.ParkedReasons()
	slices.Sort(listed)
	slices.Sort(known)
	if !slices.Equal(listed, known) {
		t.Errorf("the guide lists %v, known are %v", listed, known)
	}
	for _, args := range [][]string{{"list"}, {"retry"}, {"skip"}} {
		a := newTestApp(t, fakeEngine{})
		if code := a.main(append([]string{"parked", "--reason", "to_large"}, args...)); code != fault.ExitUsage {
			t.Errorf("%v: exit code %d, want %d", args, code, fault.ExitUsage)
		}
		wants(t, a.err.String(), `"to_large"`, "too_large", "held")
	}
}

// TestReleaseOutcomes: what is left is an error of its own exit code, and so is a name that nothing has.
func TestReleaseOutcomes(t *testing.T) {
	plan := releasePlan{Publish: twoParked()}
	for _, tc := range []struct {
		name string
		args []string
		plan releasePlan
		left []parkedEvent
		err  error
		code int
		says string
	}{
		{"all done", []string{"--all"}, plan, nil, nil, fault.ExitDone, ""},
		{"some left", []string{"--all"}, plan, twoParked()[:1], nil, fault.ExitRefused, "1 event still cannot be published [RLY4001]"},
		{"not parked", []string{"nobody"}, releasePlan{Unknown: []string{"nobody"}}, nil, nil, fault.ExitWanting, `no event "nobody" is parked`},
		{"nothing parked", []string{"--all"}, releasePlan{}, nil, nil, fault.ExitDone, "Nothing that was selected is parked"},
		{"busy", []string{"--all"}, plan, nil, &fault.Error{Code: fault.Busy, Summary: "slot is in use by relay (pid 12)"}, fault.ExitRefused, "pid 12"},
		{"nothing selected", nil, plan, nil, nil, fault.ExitUsage, "which events?"},
		{"two ways to select", []string{"nobody", "--all"}, plan, nil, nil, fault.ExitUsage, "either name events"},
		{"failed", []string{"--all"}, plan, nil, errors.New("lost"), fault.ExitFailed, "lost"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			a := newTestApp(t, fakeEngine{
				planRelease: func(context.Context, setup, releaseOptions) (releasePlan, error) { return tc.plan, nil },
				release: func(context.Context, setup, releaseOptions, io.Writer) (releaseOutcome, error) {
					return releaseOutcome{Left: tc.left}, tc.err
				},
			})
			if code := a.main(append([]string{"parked", "retry", "--apply"}, tc.args...)); code != tc.code {
				t.Errorf("exit code %d, want %d", code, tc.code)
			}
			wants(t, a.err.String(), tc.says)
		})
	}
}

// TestParkedOnServers parks, shows, retries and skips with the real program.
func TestParkedOnServers(t *testing.T) {
	r := newRig(t)
	park := []string{"--set", "failure.on_unpublishable=park", "--set", "kafka.create_topics=internal"}
	run := func(code int, args ...string) (string, string) { return r.relay(t, code, append(args, park...)...) }
	run(fault.ExitDone, "init")
	r.emit(t, 3)
	run(fault.ExitDone, "run", "--once")
	stdout, _ := run(fault.ExitDone, "parked", "list", "--no-headers")
	wants(t, stdout, "pay_0", "pay_2", "unknown_topic")
	name, _ := run(fault.ExitDone, "parked", "list", "-o", "name")
	first, _, _ := strings.Cut(name, "\n")
	stdout, _ = run(fault.ExitDone, "parked", "show", strings.TrimPrefix(first, "parked/"), "-o", "json")
	wants(t, stdout, `"value": "{\"amount\": 12.30}"`, `"reason": "unknown_topic"`, `"name": "id"`)
	_, stderr := run(fault.ExitDone, "parked", "retry", "--all")
	wants(t, stderr, "Nothing has been changed")
	stdout, stderr = run(fault.ExitRefused, "parked", "retry", first, "--apply", "-o", "json")
	wants(t, stderr, "Plan: publish", "[RLY4001]", "unknown_topic")
	wants(t, stdout, `"kind": "ParkedRetry"`, `"applied": true`, `"outcome": "parked"`, `"reason": "unknown_topic"`)
	stdout, _ = run(fault.ExitDone, "parked", "skip", first, "--apply", "-o", "yaml")
	wants(t, stdout, "kind: ParkedSkip", "outcome: skipped")
	stdout, _ = r.relay(t, fault.ExitDone, "parked", "retry", "--all", "--apply", "--protocol-log", "protocol.jsonl") // may create topics
	wants(t, stdout, "published 2 events")
	_, stderr = run(fault.ExitDone, "parked", "list")
	wants(t, stderr, "Nothing is parked")
	if c := r.checkpoint(t); c.Record.EventsTotal != 2 || c.Record.Holds.Parked != 0 || c.Record.Holds.Count != 0 {
		t.Errorf("checkpoint is %+v", c.Record)
	}
}
