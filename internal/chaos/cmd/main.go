// Command cmd runs a storm: faults befall two relays, three brokers and a Postgres server that it starts itself, while
// applications write, and the oracle of package chaos judges. It ends with code 1 unless all is as it should be.
//
//	go run ./internal/chaos/cmd -for 1h -out chaos
package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/outbox-relay/relay/internal/chaos"
	"github.com/outbox-relay/relay/internal/devstack"
)

type options struct {
	seed            uint64
	postgres, kafka int
	strikes         int
	length          time.Duration
	faults          string
	binary, out     string
}

func main() {
	var o options
	flag.Uint64Var(&o.seed, "seed", 0, "what fixes faults, settings and workload; 0: a random one, which is printed")
	flag.IntVar(&o.postgres, "pg", devstack.DefaultPostgres, "major version of Postgres: 13 to 18")
	flag.IntVar(&o.kafka, "kafka", devstack.DefaultKafka, "major version of Kafka: 3 or 4")
	flag.IntVar(&o.strikes, "strikes", 0, "how many faults; 0: each once")
	flag.DurationVar(&o.length, "for", 0, "how long, instead of how many; the last relay name's faults are finished")
	flag.StringVar(&o.faults, "faults", "", "only these, with commas between; \"list\" lists them")
	flag.StringVar(&o.binary, "relay", "", "relay command to test; empty: built from this source")
	flag.StringVar(&o.out, "out", "", "new directory for report and logs; empty: a temporary one")
	flag.Parse()
	if o.faults == "list" {
		list()
		return
	}
	ctx, release := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, release) // a second signal ends at once; the servers end with this process
	if err := run(ctx, o); err != nil {
		fmt.Fprintln(os.Stderr, "chaos:", err)
		os.Exit(1)
	}
}

func list() {
	for _, f := range chaos.Faults() {
		code := ""
		if f.Refuses != 0 {
			code = " (" + f.Refuses.String() + ")"
		}
		fmt.Printf("%-28s %s%s\n", f.Name, f.What, code)
	}
}

func run(ctx context.Context, o options) error {
	var names []string
	if o.faults != "" {
		names = strings.Split(o.faults, ",")
	}
	faults, err := chaos.SelectFaults(names, o.postgres)
	if err != nil {
		return err
	}
	if o.seed == 0 {
		o.seed = uint64(rand.Uint32())
	}
	if o.out, err = outDir(o.out); err != nil {
		return err
	}
	if o.binary == "" {
		if o.binary, err = chaos.Build(ctx, o.out); err != nil {
			return err
		}
	}
	fmt.Fprintf(os.Stderr, "chaos: seed %d, report and logs in %s\n", o.seed, o.out)
	s := &chaos.Storm{
		Seed: o.seed, Postgres: o.postgres, Kafka: o.kafka, Faults: faults, Strikes: o.strikes, For: o.length, Dir: o.out, Binary: o.binary,
		Say: func(format string, args ...any) { fmt.Fprintf(os.Stderr, format+"\n", args...) },
	}
	r, err := s.Run(ctx)
	if kept := keep(r, o.out); kept != nil {
		return errors.Join(err, kept)
	}
	if err == nil && !r.Clean() {
		err = errors.New("the relay did wrong: the report says what")
	}
	return err
}

func outDir(dir string) (string, error) {
	if dir == "" {
		return os.MkdirTemp("", "relay-chaos-")
	}
	return dir, os.MkdirAll(dir, 0o755)
}

// keep prints the report, and writes it as JSON and as a page.
func keep(r *chaos.StormReport, dir string) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	if err := os.WriteFile(filepath.Join(dir, "report.json"), text, 0o644); err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	page, err := os.Create(filepath.Join(dir, "report.html"))
	if err != nil {
		return fmt.Errorf("write report: %w", err)
	}
	return errors.Join(r.WritePage(page), page.Close(), r.Write(os.Stdout))
}
