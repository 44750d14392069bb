package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sync/errgroup"

	"github.com/outbox-relay/relay/internal/devstack"
)

const relayPackage = "github.com/outbox-relay/relay/cmd/relay"

// stage is what the demo needs before anything happens.
type stage struct {
	postgres   *devstack.Postgres
	kafka      *devstack.Kafka
	companions *devstack.Companions // the relay and the consumer
}

// setStage starts the servers and builds the relay. The stage is to be closed also after an error.
func setStage(ctx context.Context, say *narrator) (s *stage, err error) {
	s = new(stage)
	if s.companions, err = devstack.NewCompanions("relay-demo-"); err != nil {
		return s, err
	}
	say.step("servers", "starting Postgres %d and Kafka %d; building relay meanwhile", devstack.DefaultPostgres, devstack.DefaultKafka)
	progress := func(message string) { say.step("", "%s", message) }
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		if s.postgres, err = devstack.StartPostgres(ctx, devstack.PostgresOptions{Progress: progress}); err == nil {
			say.step("Postgres", "listens on port %d", s.postgres.Port)
		}
		return err
	})
	group.Go(func() (err error) {
		if s.kafka, err = devstack.StartKafka(ctx, devstack.KafkaOptions{Progress: progress}); err != nil {
			return err
		}
		say.step("Kafka", "listens on %s", s.kafka.Brokers()[0])
		_, err = devstack.KafkaTool(ctx, consoleConsumer) // fetched now, run later
		return err
	})
	group.Go(func() error {
		if err := s.buildRelay(ctx); err != nil {
			return err
		}
		say.step("relay", "is built")
		return nil
	})
	return s, group.Wait()
}

// buildRelay builds the program that users run.
func (s *stage) buildRelay(ctx context.Context) error {
	out, err := exec.CommandContext(ctx, "go", "build", "-o", s.program(), relayPackage).CombinedOutput()
	if err != nil {
		return fmt.Errorf("build relay: %w: %s", err, out)
	}
	return nil
}

func (s *stage) program() string { return filepath.Join(s.companions.Dir(), "relay") }
func (s *stage) config() string  { return filepath.Join(s.companions.Dir(), "relay.yaml") }
func (s *stage) log() string     { return filepath.Join(s.companions.Dir(), "relay.log") }

// configure writes relay.yaml and gives its text.
func (s *stage) configure() (string, error) {
	text := fmt.Sprintf(`name: shop
source: {url: "%s"}
routing: {topic: %s}
kafka: {brokers: ["%s"], create_topics: all, replication_factor: 1, development: true}
failure: {on_unpublishable: park}
server: {listen: "127.0.0.1:0", admin_socket: "%s"}
`, s.postgres.URL(relayRole, database), topic, s.kafka.Brokers()[0], filepath.Join(s.companions.Dir(), "relay.sock"))
	if err := os.WriteFile(s.config(), []byte(text), 0o600); err != nil {
		return "", fmt.Errorf("write relay.yaml: %w", err)
	}
	return text, nil
}

// close ends everything that runs and removes what it has written.
func (s *stage) close() error {
	var errs []error
	if s.companions != nil {
		errs = append(errs, s.companions.Close())
	}
	if s.kafka != nil {
		errs = append(errs, s.kafka.Close())
	}
	if s.postgres != nil {
		errs = append(errs, s.postgres.Close())
	}
	return errors.Join(errs...)
}
