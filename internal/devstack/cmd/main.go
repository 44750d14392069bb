// Command cmd starts the servers that tests share, runs a command with their addresses in its environment, and ends them
// with it:
//
//	go run ./internal/devstack/cmd -- go test ./...
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
	"syscall"

	"golang.org/x/sync/errgroup"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/devstack/devstacktest"
)

func main() {
	postgres := flag.Int("postgres", devstack.DefaultPostgres, "major version of the Postgres server; 0: none")
	kafka := flag.Int("kafka", 1, "number of Kafka nodes; 0: none")
	flag.Parse()
	if flag.NArg() == 0 {
		fmt.Fprintln(os.Stderr, "devstack: no command given")
		os.Exit(2)
	}
	code, err := run(*postgres, *kafka, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "devstack:", err)
	}
	os.Exit(code)
}

// run gives the command's exit code.
func run(postgres, kafka int, command []string) (int, error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	s, err := start(ctx, postgres, kafka)
	if err != nil {
		return 1, errors.Join(err, s.close())
	}
	err = s.run(ctx, command)
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return max(exit.ExitCode(), 1), s.close()
	}
	if err = errors.Join(err, s.close()); err != nil {
		return 1, err
	}
	return 0, nil
}

type stack struct {
	postgres *devstack.Postgres
	kafka    *devstack.Kafka
}

func start(ctx context.Context, postgres, kafka int) (*stack, error) {
	s := new(stack)
	group, ctx := errgroup.WithContext(ctx)
	if postgres != 0 {
		group.Go(func() (err error) {
			opts := devstacktest.SharedPostgres(postgres)
			opts.Progress = say
			s.postgres, err = devstack.StartPostgres(ctx, opts)
			return err
		})
	}
	if kafka != 0 {
		group.Go(func() (err error) {
			s.kafka, err = devstack.StartKafka(ctx, devstack.KafkaOptions{Nodes: kafka, Progress: say})
			return err
		})
	}
	return s, group.Wait()
}

func say(message string) { fmt.Fprintln(os.Stderr, "devstack:", message) }

// run runs the command to its end. A signal to us is passed on as an interrupt.
func (s *stack) run(ctx context.Context, command []string) error {
	cmd := exec.CommandContext(ctx, command[0], command[1:]...)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = os.Environ()
	if s.postgres != nil {
		url := s.postgres.URL(devstack.Superuser, "postgres")
		cmd.Env = append(cmd.Env, devstacktest.PostgresEnv(s.postgres.Major)+"="+url)
	}
	if s.kafka != nil {
		cmd.Env = append(cmd.Env, devstacktest.KafkaEnv+"="+strings.Join(s.kafka.Brokers(), ","))
	}
	return cmd.Run()
}

func (s *stack) close() error {
	var errs []error
	if s.postgres != nil {
		errs = append(errs, s.postgres.Close())
	}
	if s.kafka != nil {
		errs = append(errs, s.kafka.Close())
	}
	return errors.Join(errs...)
}
