package chaos

import (
	"context"
	"fmt"

	"github.com/outbox-relay/relay/internal/devstack"
)

func postgresFaults() []*Fault {
	restart := func(mode string) func(context.Context, *life, int) (Mend, error) {
		return func(ctx context.Context, l *life, _ int) (Mend, error) {
			return l.Primary.Start, l.Primary.Stop(ctx, mode)
		}
	}
	return []*Fault{
		{
			Name: "postgres-kill", What: "kill -9 of all processes of Postgres", Hits: hitsPostgres,
			Strike: func(_ context.Context, l *life, _ int) (Mend, error) { return l.Primary.Start, l.Primary.Kill() },
		},
		{Name: "postgres-restart-fast", What: "fast restart of Postgres", Hits: hitsPostgres, Strike: restart(devstack.Fast)},
		{Name: "postgres-restart-immediate", What: "immediate restart of Postgres", Hits: hitsPostgres, Strike: restart(devstack.Immediate)},
		{
			Name: "postgres-freeze", What: "SIGSTOP of all processes of Postgres", Hits: hitsPostgres,
			Strike: func(_ context.Context, l *life, _ int) (Mend, error) {
				return func(context.Context) error { return l.Primary.Resume() }, l.Primary.Pause()
			},
		},
		{
			Name: "walsender-terminate", What: "the relay's walsender terminated", Hits: hitsPostgres,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) {
				return nil, execute(ctx, l.place.SuperuserURL(), fmt.Sprintf(
					"SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '%s' AND active", l.place.slot()))
			},
		},
	}
}
