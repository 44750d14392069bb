package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// bench is one run of the benchmark.
type bench struct {
	Options
	names   names
	dir     string // of files that live as long as the run
	db      *database
	kafka   *cluster
	recv    *recvlogical // nil: not installed
	runs    int
	result  *Result
	cleanup []func(context.Context) error
}

// step is one thing that is done; the plan is known before anything is.
type step struct {
	label string
	do    func(context.Context) error
}

const removeLimit = 2 * time.Minute

// Run measures and gives the results. Whatever it made is removed when it returns, also after an error and when ctx is
// cancelled.
func Run(ctx context.Context, o Options) (*Result, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	b := &bench{Options: o, names: names{o.Name}}
	err = b.run(ctx)
	if errRemove := b.remove(ctx); errRemove != nil {
		err = errors.Join(err, errRemove)
	}
	if err != nil {
		return nil, err
	}
	return b.result, nil
}

func (b *bench) run(ctx context.Context) error {
	if err := b.open(ctx); err != nil {
		return err
	}
	if err := b.preflight(ctx); err != nil {
		return err
	}
	b.result = b.newResult(ctx)
	if err := b.create(ctx); err != nil {
		return err
	}
	steps := b.plan()
	for i, s := range steps {
		b.Progress.Step(i, len(steps), s.label)
		if err := s.do(ctx); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			return fmt.Errorf("%s: %w", s.label, err)
		}
	}
	b.result.finish()
	return nil
}

// create makes what all parts share. What the server has refused was not made, and is not ours to remove; an answer that
// never came may have been a yes.
func (b *bench) create(ctx context.Context) error {
	err := b.db.create(ctx)
	if _, refused := errors.AsType[*pgconn.PgError](err); refused {
		return err
	}
	b.onRemove(b.db.remove)
	b.onRemove(func(context.Context) error { return b.kafka.remove() })
	b.onRemove(func(context.Context) error {
		b.Progress.Done("removing what the benchmark has made")
		return nil
	})
	return err
}

// open reaches the servers and makes a directory; nothing is made on the servers.
func (b *bench) open(ctx context.Context) error {
	var err error
	if b.Profiles != "" {
		if err := os.MkdirAll(b.Profiles, 0o755); err != nil {
			return fmt.Errorf("make directory of profiles: %w", err)
		}
	}
	if b.dir, err = os.MkdirTemp("", "relay-bench-"); err != nil {
		return fmt.Errorf("make directory: %w", err)
	}
	b.onRemove(func(context.Context) error { return os.RemoveAll(b.dir) })
	if b.db, err = openDatabase(ctx, b.Config.Source, b.names); err != nil {
		return err
	}
	b.onRemove(func(context.Context) error { return b.db.close() })
	if b.kafka, err = openCluster(b.Config.Kafka.Brokers, b.Config.Kafka.ReplicationFactor, b.names); err != nil {
		return err
	}
	b.onRemove(func(context.Context) error { return b.kafka.close() })
	b.recv, err = findRecvlogical(ctx)
	return err
}

// plan is all that will be done, in order.
func (b *bench) plan() []step {
	plans := map[string]func() []step{
		partIdle: b.planIdle, partDrain: b.planDrains, partLatency: b.planLatency,
		partRecovery: b.planRecovery, partSlow: b.planSlow, partCurve: b.planCurve,
		partApplication: b.planApplication,
	}
	var steps []step
	for _, part := range Parts() {
		if b.wants(part) {
			steps = append(steps, plans[part]()...)
			steps = append(steps, step{part + ": clearing up", b.clear})
		}
	}
	return steps
}

// clear lets go of a part's backlog.
func (b *bench) clear(ctx context.Context) error {
	if err := b.db.dropSlot(ctx, b.names.base()); err != nil {
		return err
	}
	return b.db.truncate(ctx)
}

// onRemove notes what has to be done in the end; the last noted comes first.
func (b *bench) onRemove(f func(context.Context) error) { b.cleanup = append(b.cleanup, f) }

// remove takes away all that was made, whatever became of ctx.
func (b *bench) remove(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeLimit)
	defer cancel()
	var errs []error
	for i := len(b.cleanup) - 1; i >= 0; i-- {
		errs = append(errs, b.cleanup[i](ctx))
	}
	return errors.Join(errs...)
}
