package config

import (
	"fmt"
	"strings"
	"time"
)

// Duration is a time span as it stands in the file: "1m30s".
type Duration time.Duration

// UnmarshalText reads a duration with its unit; only 0 needs none.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return fmt.Errorf("%q is not a duration: write a number and a unit (ms, s, m, h), as in 10s or 1m30s", text)
	}
	*d = Duration(v)
	return nil
}

// String prints the shortest form that UnmarshalText reads back: 72h, not 72h0m0s.
func (d Duration) String() string {
	s := time.Duration(d).String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// MarshalText makes a duration stand in JSON and YAML as in the file.
func (d Duration) MarshalText() ([]byte, error) { return []byte(d.String()), nil }

// Std is the duration for the rest of the program.
func (d Duration) Std() time.Duration { return time.Duration(d) }
