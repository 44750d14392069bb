package config

import (
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Size is a number of bytes as it stands in the file: "64MiB".
type Size int64

// sizeUnit is one unit of a Size.
type sizeUnit struct {
	name  string
	bytes Size
}

// sizeUnits lists the units, largest first. The last one is a suffix of all the others.
func sizeUnits() []sizeUnit {
	return []sizeUnit{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}, {"B", 1}}
}

// UnmarshalText reads a whole number with a binary unit; only 0 needs none. 64MB and 64M are refused, since people mean
// two different numbers by them.
func (s *Size) UnmarshalText(text []byte) error {
	if string(text) == "0" {
		*s = 0
		return nil
	}
	for _, unit := range sizeUnits() {
		number, ok := strings.CutSuffix(string(text), unit.name)
		if !ok {
			continue
		}
		n, err := strconv.ParseUint(strings.TrimSpace(number), 10, 63)
		if err != nil || Size(n) > math.MaxInt64/unit.bytes {
			break
		}
		*s = Size(n) * unit.bytes
		return nil
	}
	return fmt.Errorf("%q is not a size: write a whole number and a unit (B, KiB, MiB, GiB, TiB), as in 64MiB", text)
}

// String prints the size in the largest unit that leaves a whole number.
func (s Size) String() string {
	for _, unit := range sizeUnits() {
		if s >= unit.bytes && s%unit.bytes == 0 {
			return strconv.FormatInt(int64(s/unit.bytes), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10) + "B"
}

// MarshalText makes a size stand in JSON and YAML as in the file.
func (s Size) MarshalText() ([]byte, error) { return []byte(s.String()), nil }
