package publisher

import (
	"testing"
	"time"
)

func TestOldRecordsGetThePublishTime(t *testing.T) {
	const day = 24 * time.Hour
	for _, c := range []struct {
		name     string
		settings map[string]string
		want     time.Duration
	}{
		{"broker defaults: half of seven days", nil, 3*day + day/2},
		{"for ever", map[string]string{"retention.ms": "-1"}, -1},
		{"compacted: retention does not delete", map[string]string{"cleanup.policy": "compact"}, -1},
		{"compacted and deleted", map[string]string{"cleanup.policy": "compact,delete", "retention.ms": "86400000"}, day / 2},
		{"the broker refuses sooner than it deletes", map[string]string{"message.timestamp.before.max.ms": "3600000"}, time.Hour / 2},
		{"the broker's notion of no limit", map[string]string{"retention.ms": "-1", "message.timestamp.before.max.ms": "9223372036854775807"}, -1},
		{"the broker writes its own time", map[string]string{"message.timestamp.type": "LogAppendTime"}, -1},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := defaultTopicConfig()
			for name, value := range c.settings {
				config.set(name, value)
			}
			if got := config.oldest(); got != c.want {
				t.Errorf("oldest is %v, want %v", got, c.want)
			}
		})
	}
}
