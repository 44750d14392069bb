package model

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/outbox"
)

// session writes the start-up of one instance, up to a passed guard.
func session(instance string, epoch int32, seq uint64, resume outbox.LSN) []Action {
	return slices.Concat(
		[]Action{
			{Name: ActionOwn, Instance: instance, PID: 4711},
			{Name: ActionInit, Instance: instance, State: StateSent, PID: -1, Epoch: -1},
			{Name: ActionInit, Instance: instance, State: StateAnswered, Answer: "CONCURRENT_TRANSACTIONS", PID: -1, Epoch: -1},
			{Name: ActionInit, Instance: instance, State: StateSent, PID: -1, Epoch: -1},
			{Name: ActionInit, Instance: instance, State: StateAnswered, Answer: "NONE", PID: 1, Epoch: epoch},
		},
		written(instance, epoch, nil, 0),
		[]Action{
			{Name: ActionBarrier, Instance: instance, PID: 1, Epoch: epoch},
			{Name: ActionRead, Instance: instance, Seq: &seq, ResumeLSN: resume},
			{Name: ActionGuard, Instance: instance, Verdict: VerdictRun},
		})
}

// written is one transaction with its bump: of a barrier when seq is nil.
func written(instance string, epoch int32, seq *uint64, resume outbox.LSN) []Action {
	return []Action{
		{Name: ActionAdd, Instance: instance, PID: 1, Epoch: epoch, Answer: "NONE"},
		{Name: ActionProduce, Instance: instance, PID: 1, Epoch: epoch, Answer: "NONE", Seq: seq, ResumeLSN: resume},
		{Name: ActionEnd, Instance: instance, State: StateSent, PID: 1, Epoch: epoch, Seq: seq, ResumeLSN: resume},
		{Name: ActionEnd, Instance: instance, State: StateAnswered, PID: 1, Epoch: epoch, Answer: "NONE", Seq: seq, ResumeLSN: resume},
		{Name: ActionBump, Instance: instance, State: StateSent, PID: 1, Epoch: epoch},
		{Name: ActionBump, Instance: instance, State: StateAnswered, PID: 1, Epoch: epoch + 1, Answer: "NONE"},
	}
}

func commit(instance string, epoch int32, seq uint64, resume outbox.LSN) []Action {
	return written(instance, epoch, &seq, resume)
}

func acknowledge(instance string, lsn outbox.LSN) []Action {
	return []Action{{Name: ActionAcknowledge, Instance: instance, ResumeLSN: lsn}}
}

// without takes out the first action of a name.
func without(log []Action, name string) []Action {
	i := slices.IndexFunc(log, func(a Action) bool { return a.Name == name })
	return slices.Delete(slices.Clone(log), i, i+1)
}

// moved puts the first action of a name in front of the first one of another.
func moved(log []Action, name, before string) []Action {
	i := slices.IndexFunc(log, func(a Action) bool { return a.Name == name })
	rest := without(log, name)
	j := slices.IndexFunc(rest, func(a Action) bool { return a.Name == before })
	return slices.Insert(rest, j, log[i])
}

// changed changes the last action of a name.
func changed(log []Action, name string, change func(*Action)) []Action {
	log = slices.Clone(log)
	for i := len(log) - 1; i >= 0; i-- {
		if log[i].Name == name {
			change(&log[i])
			break
		}
	}
	return log
}

func TestReplayAccepts(t *testing.T) {
	one := slices.Concat(session("one", 5, 7, 100), commit("one", 6, 8, 120), acknowledge("one", 120))
	for name, log := range map[string][]Action{
		"nothing":      nil,
		"one session":  one,
		"take-over":    slices.Concat(one, session("two", 8, 8, 120), commit("two", 9, 9, 130)),
		"again":        slices.Concat(one, session("one", 8, 8, 120), commit("one", 9, 9, 130)),
		"idle: resume": slices.Concat(one, commit("one", 7, 9, 120)),
		"stand-by":     slices.Concat([]Action{{Name: ActionOwn, Instance: "two"}}, one),
		"a commit without answer is read by the next": slices.Concat(
			one, commit("one", 7, 9, 130)[:3], session("two", 9, 9, 130), commit("two", 10, 10, 140)),
		"a commit without answer was not executed": slices.Concat(
			one, commit("one", 7, 9, 130)[:3], session("two", 9, 8, 120), commit("two", 10, 9, 130)),
		"an answer that is written after a take-over": slices.Concat(
			one, commit("one", 7, 9, 130)[:3], session("two", 9, 9, 130), commit("two", 10, 10, 140),
			commit("one", 7, 9, 130)[3:4]),
		"fenced at last": slices.Concat(
			one, session("two", 8, 8, 120),
			[]Action{{Name: ActionAdd, Instance: "one", PID: 1, Epoch: 7, Answer: "PRODUCER_FENCED"}},
			commit("two", 9, 9, 130)),
		"durable stays durable": slices.Concat(
			session("one", 5, 7, 100), commit("one", 6, 8, 120)[:5],
			[]Action{{Name: ActionBump, Instance: "one", State: StateAnswered, Answer: "i/o timeout"}}, acknowledge("one", 120)),
		"refused, then again": slices.Concat(
			changed(session("one", 5, 7, 100), ActionGuard, func(a *Action) { a.Verdict = "RLY1003" }), session("one", 7, 7, 100)),
	} {
		t.Run(name, func(t *testing.T) {
			if err := Replay(log); err != nil {
				t.Error(err)
			}
		})
	}
}

func TestReplayRefuses(t *testing.T) {
	start := session("one", 5, 7, 100)
	one := slices.Concat(start, commit("one", 6, 8, 120))
	for name, tc := range map[string]struct {
		log  []Action
		want string
	}{
		"no slot":                   {without(one, ActionOwn), "the slot must be owned first"},
		"slot after the fence":      {moved(one, ActionOwn, ActionBarrier), "the slot must be owned first"},
		"fence in mid-session":      {slices.Concat(start, session("one", 9, 7, 100)[1:]), "start-up only"},
		"no barrier":                {without(one, ActionBarrier), "read behind the barrier"},
		"read before the barrier":   {moved(one, ActionRead, ActionBarrier), "read behind the barrier"},
		"no read":                   {without(one, ActionRead), "judges what was read"},
		"no guard":                  {without(one, ActionGuard), "between the barrier and the guard"},
		"events before the barrier": {slices.Concat(start[:5], commit("one", 5, 8, 120)), "before the guard has passed"},
		"works on although refused": {changed(start, ActionGuard, func(a *Action) { a.Verdict = "RLY1003" }), ""},
		"begins without checkpoint": {changed(start, ActionRead, func(a *Action) { a.Seq = nil }), "without a checkpoint"},
		"produce without add":       {slices.Concat(start, commit("one", 6, 8, 120)[1:]), "not added"},
		"old epoch":                 {slices.Concat(start, commit("one", 5, 8, 120)), "not the session's"},
		"produce twice": {
			slices.Concat(start, commit("one", 6, 8, 120)[:2], commit("one", 6, 8, 120)[1:]),
			"produced once",
		},
		"end without produce": {
			slices.Concat(start, commit("one", 6, 8, 120)[:1], commit("one", 6, 8, 120)[2:]),
			"not everything was produced",
		},
		"end sent twice": {
			slices.Concat(start, commit("one", 6, 8, 120)[:3], commit("one", 6, 8, 120)[2:]),
			"being ended",
		},
		"no bump": {slices.Concat(start, commit("one", 6, 8, 120)[:4], commit("one", 6, 9, 130)), "has ended"},
		"bump by two": {
			changed(one, ActionBump, func(a *Action) { a.Epoch++ }),
			"grows by one",
		},
		"bump of nobody": {slices.Concat(start, commit("one", 6, 8, 120)[:4], []Action{
			{Name: ActionBump, Instance: "one", State: StateSent, PID: -1, Epoch: -1},
		}), "own epoch"},
		"bump before the end": {slices.Concat(start, commit("one", 6, 8, 120)[4:]), "right behind a commit"},
		"goes on after doubt": {slices.Concat(
			changed(slices.Concat(start, commit("one", 6, 8, 120)[:4]), ActionEnd, func(a *Action) { a.Answer = "i/o timeout" }),
			commit("one", 6, 8, 120)[4:]), "in doubt"},
		"seq leaps":     {slices.Concat(start, commit("one", 6, 9, 120)), "does not follow"},
		"seq repeats":   {slices.Concat(start, commit("one", 6, 7, 120)), "does not follow"},
		"resume back":   {slices.Concat(start, commit("one", 6, 8, 99)), "goes back"},
		"no checkpoint": {slices.Concat(start, written("one", 6, nil, 0)), "events without a checkpoint"},
		"acknowledges before the commit": {
			slices.Concat(start, commit("one", 6, 8, 120)[:3], acknowledge("one", 120)),
			"not durable",
		},
		"acknowledges what was received": {slices.Concat(one, acknowledge("one", 121)), "not durable"},
		"acknowledges before the guard":  {slices.Concat(start[:len(start)-1], acknowledge("one", 100)), "before the guard"},
		"acknowledges backwards":         {slices.Concat(one, acknowledge("one", 120), acknowledge("one", 119)), "goes back"},
		"skips at or before": {
			slices.Concat(start, []Action{{Name: ActionSkip, Instance: "one", ResumeLSN: 101}}),
			"what the checkpoint covers",
		},
		"zombie commits": {
			slices.Concat(start, commit("one", 6, 8, 120)[:2], session("two", 7, 7, 100), commit("one", 6, 8, 120)[2:]),
			"superseded",
		},
		"old checkpoint believed": {slices.Concat(one, session("two", 8, 7, 100)), "although 8 was committed"},
		"unknown checkpoint":      {slices.Concat(one, session("two", 8, 9, 130)), "nobody has sent"},
		"an epoch given twice":    {slices.Concat(one, session("two", 7, 8, 120)), "second time"},
		"two commits of one seq": {slices.Concat(
			one, session("two", 8, 8, 120), commit("two", 9, 9, 130), session("one", 11, 8, 120)), "although 9 was committed"},
		"unknown action": {slices.Concat(start, []Action{{Name: "abort", Instance: "one"}}), "unknown"},
	} {
		t.Run(name, func(t *testing.T) {
			if tc.want == "" {
				tc.log, tc.want = slices.Concat(tc.log, commit("one", 6, 8, 120)), "the guard has refused"
			}
			err := Replay(tc.log)
			var bad *ReplayError
			if !errors.As(err, &bad) {
				t.Fatalf("accepted, want %q", tc.want)
			}
			if !strings.Contains(bad.Reason, tc.want) {
				t.Errorf("refused because %q, want %q", bad.Reason, tc.want)
			}
		})
	}
}

// TestReplayCountsWhatIsParked: a session parks, a command between two sessions takes out again; whoever reads another
// number than was written has lost something.
func TestReplayCountsWhatIsParked(t *testing.T) {
	parks := func(log []Action, parked uint64) []Action {
		log = slices.Clone(log)
		for i := range log {
			if log[i].Seq != nil {
				log[i].Parked, log[i].HeldKeys = parked, min(parked, 1)
			}
		}
		return log
	}
	relay := slices.Concat(session("a", 1, 1, 10), parks(commit("a", 2, 2, 20), 3))
	retry := slices.Concat(parks(session("command", 5, 2, 20), 3), commit("command", 6, 3, 20))
	if err := Replay(slices.Concat(relay, retry, session("b", 9, 3, 20), commit("b", 10, 4, 30))); err != nil {
		t.Error(err)
	}
	for name, log := range map[string][]Action{
		"lost before the command": slices.Concat(relay, parks(retry, 2)),
		"lost before the restart": slices.Concat(relay, session("b", 9, 2, 20)),
		"came back":               slices.Concat(relay, retry, parks(session("b", 9, 3, 20), 3)),
	} {
		if err := Replay(log); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestReadLog(t *testing.T) {
	log := `{"time":"2026-05-01T10:00:00.000000002Z","level":"INFO","msg":"own","slot":"relay_a","pid":812,"timeline":1,"instance":"host"}
{"time":"2026-05-01T10:00:01Z","level":"INFO","msg":"end","state":"answered","pid":9,"epoch":3,"answer":"NONE (0)","seq":12,"resume_lsn":"0/1A2B3C8"}
{"time":"2026-05-01T10:00:01Z","msg":"end","sta`
	got, err := ReadLog(strings.NewReader(log), "two")
	if err != nil {
		t.Fatal(err)
	}
	seq := uint64(12)
	want := []Action{
		{Time: time.Date(2026, 5, 1, 10, 0, 0, 2, time.UTC), Name: ActionOwn, PID: 812, Instance: "two"},
		{
			Time: time.Date(2026, 5, 1, 10, 0, 1, 0, time.UTC), Name: ActionEnd, Instance: "two", State: StateAnswered,
			PID: 9, Epoch: 3, Answer: "NONE (0)", Seq: &seq, ResumeLSN: 0x1A2B3C8,
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("read (-want +got):\n%s", diff)
	}
	if _, err := ReadLog(strings.NewReader("own\n"), ""); err == nil || !strings.Contains(err.Error(), "line 1") {
		t.Errorf("not JSON: %v", err)
	}
}

func TestMerge(t *testing.T) {
	at := func(s int, name string) Action { return Action{Time: time.Unix(int64(s), 0), Name: name} }
	got := Merge([]Action{at(1, "a"), at(3, "c"), at(3, "d")}, []Action{at(2, "b"), at(3, "e")})
	var names []string
	for _, a := range got {
		names = append(names, a.Name)
	}
	if diff := cmp.Diff([]string{"a", "b", "c", "d", "e"}, names); diff != "" {
		t.Errorf("order (-want +got):\n%s", diff)
	}
}

// TestReplayOfRealRelays replays the logs of four relays with one name on real servers, each but the last killed with
// -9 while the next one stood by.
func TestReplayOfRealRelays(t *testing.T) {
	files, err := filepath.Glob("testdata/takeover/*.protocol")
	if err != nil || len(files) != 4 {
		t.Fatalf("logs: %v, %v", files, err)
	}
	var logs [][]Action
	for _, name := range files {
		file, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		log, err := ReadLog(file, filepath.Base(name))
		if err != nil {
			t.Fatal(err)
		}
		logs = append(logs, log)
	}
	all := Merge(logs...)
	if err := Replay(all); err != nil {
		t.Error(err)
	}
	for i := range all {
		if all[i].Name == ActionBarrier {
			if Replay(slices.Delete(slices.Clone(all), i, i+1)) == nil {
				t.Errorf("record %d is not missed", i+1)
			}
		}
	}
}
