package doctor

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
)

// unreachable says why a server could not be asked.
func unreachable(err error) Finding {
	f := found(Fail, "%s", strings.NewReplacer("\n\t", " ", "\n", "; ").Replace(err.Error()))
	if known, ok := errors.AsType[*fault.Error](err); ok {
		f.Code, f.Hint = known.Code.String(), known.Hint
	}
	return f
}

// size prints bytes in the largest unit that leaves at least one.
func size(n uint64) string {
	v, units := float64(n), []string{"B", "KiB", "MiB", "GiB", "TiB"}
	for v >= 1024 && len(units) > 1 {
		v, units = v/1024, units[1:]
	}
	if v >= 10 || v == float64(int64(v)) {
		return fmt.Sprintf("%.0f %s", v, units[0])
	}
	return fmt.Sprintf("%.1f %s", v, units[0])
}

// duration prints a time in its largest unit, and what is below an hour whole.
func duration(d time.Duration) string {
	switch {
	case d < 0:
		return "0s"
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return fmt.Sprintf("%.0fh", d.Hours())
	}
	return fmt.Sprintf("%.0fd", d.Hours()/24)
}

// quoted makes s one word for a shell.
func quoted(s string) string {
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
