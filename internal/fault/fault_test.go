package fault_test

import (
	"errors"
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/fault"
)

func TestWrite(t *testing.T) {
	ahead := &fault.Error{
		Code:    fault.SlotAhead,
		Summary: `slot "relay_payments" is ahead of the checkpoint`,
		Details: []string{"checkpoint        0/7A41C98", "slot confirmed    0/7B00128\nAt risk: all between."},
		Hint:    "`relay repair` shows which rows are in that range.",
	}
	tests := []struct {
		name  string
		err   error
		style fault.Style
		want  string
	}{
		{"whole", ahead, fault.Style{Lead: "refused to start"}, `relay: refused to start: slot "relay_payments" is ahead of the checkpoint [RLY1003]
  checkpoint        0/7A41C98
  slot confirmed    0/7B00128
  At risk: all between.
Hint: ` + "`relay repair` shows which rows are in that range.\n"},
		{
			"wrapped", fmt.Errorf("check slot: %w", &fault.Error{Code: fault.Busy, Summary: "held by pid 12"}),
			fault.Style{},
			"relay: check slot: held by pid 12 [RLY1019]\n",
		},
		{
			"cause", &fault.Error{Code: fault.KafkaUnreachable, Summary: "reach Kafka at k:9092", Err: errors.New("dial:\nrefused")},
			fault.Style{},
			"relay: reach Kafka at k:9092: dial:; refused [RLY5002]\n",
		},
		{"foreign", errors.New("disk full\n"), fault.Style{Lead: "cannot start"}, "relay: cannot start: disk full [RLY9001]\n"},
		{
			"colour", &fault.Error{Code: fault.Usage, Summary: "no such flag", Hint: "see --help"},
			fault.Style{Colour: true},
			"\x1b[31mrelay:\x1b[0m no such flag \x1b[2m[RLY2001]\x1b[0m\n\x1b[36mHint:\x1b[0m see --help\n",
		},
		{"none", nil, fault.Style{Lead: "cannot start"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var b strings.Builder
			fault.Write(&b, tt.err, tt.style)
			if diff := cmp.Diff(tt.want, b.String()); diff != "" {
				t.Errorf("printed (-want +got):\n%s", diff)
			}
		})
	}
}

func TestExit(t *testing.T) {
	tests := []struct {
		err  error
		want int
	}{
		{nil, fault.ExitDone},
		{errors.New("any"), fault.ExitFailed},
		{&fault.Error{Code: fault.SlotAhead}, fault.ExitRefused},
		{&fault.Error{Code: fault.Unpublishable}, fault.ExitRefused},
		{&fault.Error{Code: fault.Usage}, fault.ExitUsage},
		{&fault.Error{Code: fault.Config}, fault.ExitConfig},
		{&fault.Error{Code: fault.PostgresUnreachable}, fault.ExitUnreachable},
		{&fault.Error{Code: fault.ListenFailed}, fault.ExitFailed},
		{fmt.Errorf("open: %w", &fault.Error{Code: fault.KafkaUnreachable}), fault.ExitUnreachable},
		{&fault.Error{Code: fault.Busy, Err: &fault.Error{Code: fault.Config}}, fault.ExitRefused},
	}
	for _, tt := range tests {
		if got := fault.Exit(tt.err); got != tt.want {
			t.Errorf("Exit(%v) = %d, want %d", tt.err, got, tt.want)
		}
	}
}

func TestCodeText(t *testing.T) {
	for text, want := range map[string]fault.Code{"RLY1003": fault.SlotAhead, "RLY9001": fault.Failed} {
		var got fault.Code
		if err := got.UnmarshalText([]byte(text)); err != nil || got != want {
			t.Errorf("%s is read as %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "1003", "RLY", "RLY10030", "RLY100x", "rly1003", "RLY-003"} {
		if err := new(fault.Code).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q is read as a code", text)
		}
	}
}

func TestErrorsUnwrap(t *testing.T) {
	cause := errors.New("cause")
	if err := fmt.Errorf("outer: %w", &fault.Error{Summary: "inner", Err: cause}); !errors.Is(err, cause) {
		t.Error("the cause is not in the chain")
	}
}

// TestCodesAreDistinct reads the constants from the source, so that a new one cannot be left out.
func TestCodesAreDistinct(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	seen := map[int]string{}
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || len(spec.Values) != 1 {
			return true
		}
		number, err := strconv.Atoi(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		name := spec.Names[0].Name
		if other, ok := seen[number]; ok {
			t.Errorf("%s and %s are both %d", name, other, number)
		}
		seen[number] = name
		if number/1000 != 9 && fault.Code(number).Exit() == fault.ExitFailed {
			t.Errorf("%s = %d has no exit code of its own", name, number)
		}
		return true
	})
	if len(seen) < 20 {
		t.Errorf("found only %d codes in code.go", len(seen))
	}
}
