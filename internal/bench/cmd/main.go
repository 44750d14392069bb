// Command cmd runs the benchmark on servers that it starts itself: Postgres, Kafka, and for the part with a slow network
// a second Kafka behind proxies that delay.
//
//	go build -o bin/relay ./cmd/relay && go run ./internal/bench/cmd -program bin/relay
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"
	"golang.org/x/term"

	"github.com/outbox-relay/relay/internal/bench"
	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/fault"
)

// oneWay is half of the round trip of the slow network.
const oneWay = 25 * time.Millisecond

func main() {
	var o bench.Options
	flag.StringVar(&o.Program, "program", "bin/relay", "the relay command to measure")
	flag.Float64Var(&o.Scale, "scale", 1, "multiply the sizes of all backlogs and the length of all runs")
	flag.IntVar(&o.Rounds, "rounds", 3, "measure everything as often")
	flag.StringVar(&o.Profiles, "profiles", "", "write CPU and allocation profiles of the drains to this directory")
	only := flag.String("only", "", "measure only these parts: "+strings.Join(bench.Parts(), ","))
	asJSON := flag.Bool("json", false, "print JSON")
	flag.Parse()
	if *only != "" {
		o.Only = strings.Split(*only, ",")
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, release) // a second signal ends at once; the servers end with this process
	err := run(ctx, o, *asJSON)
	if ctx.Err() != nil {
		os.Exit(fault.ExitInterrupted)
	}
	fault.Write(os.Stderr, err, fault.Style{})
	os.Exit(fault.Exit(err))
}

func run(ctx context.Context, o bench.Options, asJSON bool) error {
	var s servers
	result, err := s.measure(ctx, o)
	if err = errors.Join(err, s.close()); err != nil {
		return err
	}
	if !asJSON {
		return result.WriteTable(os.Stdout)
	}
	e := json.NewEncoder(os.Stdout)
	e.SetIndent("", "  ")
	return e.Encode(result)
}

// servers are those of one run.
type servers struct {
	postgres *devstack.Postgres
	kafka    *devstack.Kafka
}

func (s *servers) measure(ctx context.Context, o bench.Options) (*bench.Result, error) {
	if err := s.start(ctx); err != nil {
		return nil, err
	}
	o.Config = config.Default()
	o.Config.Source.URL = s.postgres.URL(devstack.Superuser, "postgres")
	o.Config.Kafka.Brokers = s.kafka.Brokers()
	o.Config.Kafka.ReplicationFactor, o.Config.Kafka.Development = 1, true
	o.Progress = bench.NewLines(os.Stderr, term.IsTerminal(int(os.Stderr.Fd())))
	o.SlowKafka = slowKafka
	return bench.Run(ctx, o)
}

func say(message string) { fmt.Fprintln(os.Stderr, "bench:", message) }

func (s *servers) start(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		s.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{Progress: say})
		return err
	})
	group.Go(func() (err error) {
		s.kafka, err = devstack.StartKafka(ctx, devstack.KafkaOptions{Progress: say})
		return err
	})
	return group.Wait()
}

func (s *servers) close() error {
	var errs []error
	if s.postgres != nil {
		errs = append(errs, s.postgres.Close())
	}
	if s.kafka != nil {
		errs = append(errs, s.kafka.Close())
	}
	return errors.Join(errs...)
}

// slowKafka starts a cluster that is far away.
func slowKafka(ctx context.Context) (bench.SlowKafka, error) {
	k, err := devstack.StartKafka(ctx, devstack.KafkaOptions{Proxied: true, Progress: say})
	if err != nil {
		return bench.SlowKafka{}, err
	}
	k.Proxy(0).Delay(oneWay)
	return bench.SlowKafka{Brokers: k.Brokers(), Close: k.Close}, nil
}
