package config_test

import (
	"math"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/internal/config"
)

func TestDuration(t *testing.T) {
	for text, want := range map[string]time.Duration{"1m30s": 90 * time.Second, "72h": 72 * time.Hour, "0": 0, "500ms": 500 * time.Millisecond} {
		var d config.Duration
		if err := d.UnmarshalText([]byte(text)); err != nil || d.Std() != want {
			t.Errorf("%q is %v, %v", text, d, err)
		}
	}
	for _, text := range []string{"", "30", "1d", "ten seconds", "1m 30s"} {
		if err := new(config.Duration).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
	for d, want := range map[time.Duration]string{72 * time.Hour: "72h", 90 * time.Second: "1m30s", time.Minute: "1m", 0: "0s", 10 * time.Second: "10s", time.Hour + time.Second: "1h0m1s", 20 * time.Minute: "20m"} {
		if got := config.Duration(d).String(); got != want {
			t.Errorf("%v prints as %q, want %q", d, got, want)
		}
	}
}

func TestDurationReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := config.Duration(rapid.Int64().Draw(t, "ns"))
		var got config.Duration
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%d printed as %q reads as %d, %v", want, want, got, err)
		}
	})
}

func TestSize(t *testing.T) {
	for text, want := range map[string]config.Size{"64MiB": 64 << 20, "1 KiB": 1024, "0": 0, "12B": 12, "2GiB": 2 << 30, "1TiB": 1 << 40, "1536KiB": 1536 << 10} {
		var s config.Size
		if err := s.UnmarshalText([]byte(text)); err != nil || s != want {
			t.Errorf("%q is %v, %v", text, s, err)
		}
	}
	for _, text := range []string{"", "64", "64M", "64MB", "64mib", "1.5MiB", "-1MiB", "MiB", "9000000TiB", "99999999999999999999B", "64Mi"} {
		if err := new(config.Size).UnmarshalText([]byte(text)); err == nil {
			t.Errorf("%q was read", text)
		}
	}
}

func TestSizeReadsBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := config.Size(rapid.Int64Range(0, math.MaxInt64).Draw(t, "bytes"))
		var got config.Size
		if err := got.UnmarshalText([]byte(want.String())); err != nil || got != want {
			t.Fatalf("%d printed as %q reads as %d, %v", int64(want), want, int64(got), err)
		}
	})
}
