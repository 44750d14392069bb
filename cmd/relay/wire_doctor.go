package main

import (
	"context"
	"strings"

	"github.com/outbox-relay/relay/internal/doctor"
	"github.com/outbox-relay/relay/migrations"
	"github.com/outbox-relay/relay/migrations/check"
	"github.com/outbox-relay/relay/outbox"
)

// Doctor looks at everything.
func (realEngine) Doctor(ctx context.Context, s setup, o doctorOptions) (*doctor.Report, error) {
	cfg := doctor.Config{Relay: relayConfig(s), Brokers: strings.Join(s.config.Kafka.Brokers, ",")}
	if s.config.Outbox.Format == string(outbox.FormatRelay) && s.config.Outbox.Table != "" {
		schema, err := outboxSchema(s.config)
		if err != nil {
			return nil, err
		}
		user, err := check.User(s.config.Source.URL)
		if err != nil {
			return nil, err
		}
		cfg.Schema = &check.Request{Options: migrations.Options{
			Schema: schema, Publication: s.config.Source.Publication, AppRole: o.appRole, RelayRole: user,
		}}
	}
	return doctor.Examine(ctx, cfg, o.categories...)
}
