package doctor

import (
	"context"
	"fmt"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/migrations/check"
	"github.com/outbox-relay/relay/outbox"
)

// facts is everything that findings rest on.
type facts struct {
	cfg Config
	relay.Examination
	server   server         // what Postgres says beyond the guard's facts
	disk     disk           // the one that WAL is written to
	schema   []check.Result // of the migrations
	messages []check.Result // who may write WAL messages
	parked   []*relay.ParkedEvent
	noParked error // why they could not be read
}

// gather asks both servers. The error concerns the configuration only.
func gather(ctx context.Context, cfg Config) (*facts, error) {
	viewer, err := relay.View(cfg.Relay)
	if err != nil {
		return nil, err
	}
	defer viewer.Close()
	f := &facts{cfg: cfg, Examination: viewer.Examine(ctx)}
	if f.Postgres == nil {
		f.Postgres = viewer.PostgresTrouble(f.askPostgres(ctx, viewer))
	}
	if f.Kafka == nil {
		f.parked, f.noParked = viewer.Parked(ctx)
	}
	return f, nil
}

// askPostgres asks on the ordinary connection. What migrations/check asks comes last: after an error of its own the
// connection is good for nothing else.
func (f *facts) askPostgres(ctx context.Context, viewer *relay.Viewer) error {
	conn, err := viewer.Postgres(ctx)
	if err != nil {
		return err
	}
	if f.server, err = askServer(ctx, conn, f.Version, f.cfg.Now); err != nil {
		return err
	}
	if f.Version >= 170000 && f.Row != nil && !f.Row.Active {
		if err = f.server.askSlotIdle(ctx, conn, f.SlotName); err != nil {
			return err
		}
	}
	for _, t := range viewer.Tables() {
		if t.OID != 0 {
			if err = f.server.askReads(ctx, conn, t.OID); err != nil {
				return err
			}
		}
	}
	if f.server.ours {
		f.disk = freeSpace(f.server.settings["data_directory"])
	}
	if f.cfg.Relay.Outbox.WALMessages != "" {
		req := check.Request{Names: []string{"wal_messages"}}
		if f.cfg.Schema != nil {
			req.Options = f.cfg.Schema.Options
		}
		if f.messages, err = check.Run(ctx, conn.PgConn(), req); err != nil {
			return fmt.Errorf("ask who may write WAL messages: %w", err)
		}
	}
	if f.cfg.Schema != nil {
		f.schema, err = check.Run(ctx, conn.PgConn(), *f.cfg.Schema)
	}
	return err
}

// unlessDevelopment is the level of what only matters where losing events does.
func (f *facts) unlessDevelopment() Level {
	if f.cfg.Relay.Development {
		return Warn
	}
	return Fail
}

// ownFormat tells the table of our migrations.
func (f *facts) ownFormat() bool {
	return f.cfg.Relay.Table != "" && f.cfg.Relay.Outbox.Format == outbox.FormatRelay
}

// codeOf tells whether a refusal's code is one of these.
func codeOf(code fault.Code, of ...fault.Code) bool {
	for _, c := range of {
		if c == code {
			return true
		}
	}
	return false
}
