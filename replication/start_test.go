package replication

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestStartCommand(t *testing.T) {
	c := Conn{config: Config{Slot: "relay_a", Publication: `o'utbox "x"`, Messages: true}}
	want := `START_REPLICATION SLOT "relay_a" LOGICAL 0/0 (proto_version '1', publication_names '"o''utbox ""x"""', messages 'true')`
	if got := c.startCommand(); got != want {
		t.Errorf("%s instead of %s", got, want)
	}
	c.config.Messages = false
	c.config.Publication = "outbox"
	want = `START_REPLICATION SLOT "relay_a" LOGICAL 0/0 (proto_version '1', publication_names '"outbox"')`
	if got := c.startCommand(); got != want {
		t.Errorf("%s instead of %s", got, want)
	}
}

func TestPIDInAnyLanguage(t *testing.T) {
	for message, want := range map[string]uint32{
		`replication slot "relay_2" is active for PID 4711`:            4711,
		`Replikations-Slot »relay_2« ist aktiv für PID 4711`:           4711,
		`replication slot "relay" is active for PID 99999999999999999`: 0,
		`replication slot is active`:                                   0,
	} {
		if got := pidIn(message); got != want {
			t.Errorf("%s: %d instead of %d", message, got, want)
		}
	}
}

func TestParseHistory(t *testing.T) {
	got, err := parseHistory("1\t0/3000000\tno recovery target specified\n\n# a comment\n2\t10/ABCDEF00\tbefore 2000-01-01 00:00:00+00\n")
	want := []TimelineSwitch{{1, 0x3000000}, {2, 0x10_ABCDEF00}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v: %s", err, diff)
	}
	for _, content := range []string{"1", "x\t0/1\t", "1\t0\t", "2\t0/1\t\n2\t0/2\t", "2\t0/1\t\n1\t0/2\t"} {
		if got, err := parseHistory(content); err == nil {
			t.Errorf("%q is %v", content, got)
		}
	}
}
