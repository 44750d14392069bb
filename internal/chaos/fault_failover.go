package chaos

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/pause"
)

// failoverFrom is the first version whose standby keeps the relay's slot.
const failoverFrom = 17

// failoverFaults promote a standby. A slot that did not go over with the server must be refused; and so must a server that
// has lost commits whose events are public, which synchronized_standby_slots would have prevented.
func failoverFaults() []*Fault {
	return []*Fault{
		{
			Name: "promotion", What: "the primary dies, a synchronous standby is promoted with the slot", Hits: hitsPostgres, Alone: true, From: failoverFrom,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) { return nil, l.failOver(ctx) },
		},
		{
			Name: "promotion-without-slot", What: "the primary dies, a standby is promoted that has no slot", To: failoverFrom - 1, Live: true,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) { return nil, l.failOver(ctx) }, Refuses: fault.SlotUnusable,
		},
		{
			Name: "promotion-tail-lost", What: "the primary dies, a standby is promoted that lacks published commits", From: failoverFrom,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) { return nil, l.failBehind(ctx) }, Refuses: fault.HistoryLost,
		},
		{
			Name: "split-brain", What: "after a promotion relays reach the old primary again", From: failoverFrom,
			Strike: func(ctx context.Context, l *life, _ int) (Mend, error) { return nil, l.splitBrain(ctx) }, Refuses: fault.HistoryLost,
		},
	}
}

// failOver loses nothing that was acknowledged to applications or sent to relays.
func (l *life) failOver(ctx context.Context) error {
	standby, err := l.standby(ctx)
	if err != nil {
		return err
	}
	name := fmt.Sprintf("standby_%d", standby.Port)
	settings := []string{"ALTER SYSTEM SET synchronous_standby_names = '" + name + "'"}
	if l.Primary.Major >= failoverFrom {
		settings = append(settings, "ALTER SYSTEM SET synchronized_standby_slots = '"+name+"'")
	}
	err = execute(ctx, l.Primary.URL(devstack.Superuser, "postgres"), append(settings, "SELECT pg_reload_conf()")...)
	if err == nil {
		// The settings hold in every process once something has been committed and published under them.
		_, err = l.published(ctx)
	}
	if err == nil {
		err = l.Primary.CaughtUp(ctx, standby)
	}
	return l.takeOver(ctx, standby, err)
}

// failBehind lets the relay publish what the standby never gets.
func (l *life) failBehind(ctx context.Context) error {
	if err := l.one(ctx); err != nil {
		return err
	}
	standby, err := l.standby(ctx)
	if err != nil {
		return err
	}
	if err = standby.Stop(ctx, devstack.Fast); err == nil {
		_, err = l.published(ctx)
	}
	if err == nil {
		err = l.retire(ctx)
	}
	return l.takeOver(ctx, standby, err)
}

// takeOver kills the primary and promotes the standby, which may be down; after an error it does away with the standby.
func (l *life) takeOver(ctx context.Context, standby *devstack.Postgres, err error) error {
	if err != nil {
		return errors.Join(err, standby.Close())
	}
	if err := l.Primary.Kill(); err != nil {
		return err
	}
	if err := startUnlessUp(ctx, standby); err != nil {
		return err
	}
	if err := standby.Promote(ctx); err != nil {
		return err
	}
	return l.moveTo(standby)
}

// splitBrain lets a relay publish from the promoted server, and brings the old one back in its place.
func (l *life) splitBrain(ctx context.Context) error {
	if err := l.one(ctx); err != nil {
		return err
	}
	standby, err := l.standby(ctx)
	if err == nil {
		err = errors.Join(l.retire(ctx), l.Primary.CaughtUp(ctx, standby))
	}
	if err == nil {
		err = errors.Join(l.Primary.Kill(), standby.Promote(ctx))
	}
	if err != nil {
		return errors.Join(err, closeIfAny(standby))
	}
	old := l.pointTo(standby)
	if err = l.one(ctx); err == nil {
		_, err = l.published(ctx)
	}
	if err == nil {
		err = l.retire(ctx)
	}
	if err == nil {
		err = old.Start(ctx)
	}
	if err != nil {
		return errors.Join(err, old.Close())
	}
	return errors.Join(l.moveTo(old), write(ctx, l))
}

func closeIfAny(p *devstack.Postgres) error {
	if p == nil {
		return nil
	}
	return p.Close()
}

func startUnlessUp(ctx context.Context, p *devstack.Postgres) error {
	conn, err := pgx.Connect(ctx, p.URL(devstack.Superuser, "postgres"))
	if err == nil {
		return conn.Close(ctx)
	}
	return p.Start(ctx)
}

// standby starts one, and waits until it has what a promotion needs.
func (l *life) standby(ctx context.Context) (*devstack.Postgres, error) {
	s, err := l.Primary.Standby(ctx, nil)
	if err != nil {
		return nil, err
	}
	if err = l.Primary.CaughtUp(ctx, s); err == nil && l.Primary.Major >= failoverFrom {
		err = l.slotOn(ctx, s)
	}
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// slotOn waits until the relay's slot lives on the standby. It comes to stay only when both of its positions have passed
// those where the standby began, so the relay must move; see wakeSync.
func (l *life) slotOn(ctx context.Context, s *devstack.Postgres) error {
	for {
		there, err := ask(ctx, s.URL(devstack.Superuser, "postgres"), fmt.Sprintf(
			"SELECT EXISTS (SELECT FROM pg_replication_slots WHERE slot_name = '%s' AND synced AND NOT temporary)::text", l.place.slot()))
		if err != nil || there == "true" {
			return err
		}
		_, err = l.published(ctx)
		if err == nil {
			err = l.wakeSync(ctx, s)
		}
		if err == nil {
			err = pause.For(ctx, slotPause)
		}
		if err != nil {
			return fmt.Errorf("wait for the slot on the standby: %w", err)
		}
	}
}

// wakeSync sees to it that the standby takes the slot soon. While transactions always overlap, the slot's catalog_xmin
// stays where it is, for each of them is decoded with the snapshot of the one before, until one changes the catalogue
// (SnapBuildDistributeNewCatalogSnapshot in snapbuild.c). And the standby looks ever more rarely, at last every 30 s, but
// at once when its configuration is reloaded: the signal wakes its worker (wait_for_slot_activity in slotsync.c).
func (l *life) wakeSync(ctx context.Context, s *devstack.Postgres) error {
	if err := execute(ctx, l.place.SuperuserURL(), "CREATE TEMP TABLE change (n int)", "CHECKPOINT"); err != nil {
		return err
	}
	return execute(ctx, s.URL(devstack.Superuser, "postgres"), "SELECT pg_reload_conf()")
}
