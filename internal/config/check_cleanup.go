package config

import "time"

func (c Cleanup) check(k *checker) {
	between(k, "outbox.cleanup.keep", c.Keep, Duration(24*time.Hour), Duration(144*time.Hour),
		"a weekday is truncated as a whole and is written to again after seven days")
	between(k, "outbox.cleanup.lock_timeout", c.LockTimeout, Duration(100*time.Millisecond), Duration(30*time.Second),
		"shorter rarely lets a checkpoint through, longer stops an application that writes to that weekday for as long")
}

// cleanupWarnings says when clean-up was asked for and there is no table that it could clean.
func (l *Loaded) cleanupWarnings() []string {
	o := l.Config.Outbox
	if !o.Cleanup.Enabled || l.Origins["outbox.cleanup.enabled"].Source == FromDefault || (o.Format == "relay" && o.Table != "") {
		return nil
	}
	why := "outbox.format is " + o.Format
	if o.Table == "" {
		why = "outbox.table is empty"
	}
	return []string{"outbox.cleanup is ignored: " + why + ", and only the table of Relay's migrations is a ring of weekdays; " +
		"docs/cleaning-up.md has the DELETE for others"}
}
