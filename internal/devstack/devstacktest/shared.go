package devstacktest

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
)

// KafkaEnv names the brokers that tests share, host:port with commas between. It does not begin with RELAY_: the relay
// takes such variables for its configuration.
const KafkaEnv = "DEVSTACK_KAFKA"

// PostgresEnv names the variable that holds the superuser's connection string of the shared server of a major version.
func PostgresEnv(major int) string { return fmt.Sprintf("DEVSTACK_POSTGRES_%d", major) }

// SharedPostgres describes a server that tests share. It does not sync its files: making a database costs a tenth then,
// and what that risks, a crash of the whole machine, no test survives anyway.
func SharedPostgres(major int) devstack.PostgresOptions {
	return devstack.PostgresOptions{Major: major, Settings: map[string]string{"fsync": "off"}}
}

// shared holds the servers of this test binary, which is one process with no better place for them: tests of a package
// have nothing in common but its variables.
var shared servers

// servers are started at first use. They end with the process (devstack's watcher sees to it).
type servers struct {
	mu       sync.Mutex
	postgres map[int]*devstack.Postgres
	kafka    *devstack.Kafka
}

// postgresURL gives the superuser's connection string of the shared server.
func (s *servers) postgresURL(t testing.TB, major int) string {
	t.Helper()
	if url := os.Getenv(PostgresEnv(major)); url != "" {
		return url
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.postgres[major] == nil {
		p, err := devstack.StartPostgres(context.Background(), SharedPostgres(major))
		if err != nil {
			t.Fatal(err)
		}
		if s.postgres == nil {
			s.postgres = make(map[int]*devstack.Postgres)
		}
		s.postgres[major] = p
	}
	return s.postgres[major].URL(devstack.Superuser, "postgres")
}

// kafkaBrokers gives the addresses of the shared cluster.
func (s *servers) kafkaBrokers(t testing.TB) []string {
	t.Helper()
	if brokers := os.Getenv(KafkaEnv); brokers != "" {
		return strings.Split(brokers, ",")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.kafka == nil {
		k, err := devstack.StartKafka(context.Background(), devstack.KafkaOptions{})
		if err != nil {
			t.Fatal(err)
		}
		s.kafka = k
	}
	return s.kafka.Brokers()
}

// close ends the servers, and with them the goroutines that wait for them.
func (s *servers) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for major, p := range s.postgres {
		if err := p.Close(); err != nil {
			return err
		}
		delete(s.postgres, major)
	}
	if s.kafka == nil {
		return nil
	}
	k := s.kafka
	s.kafka = nil
	return k.Close()
}

// Main runs the tests and then ends the servers that they shared. check, for example goleak.Find, is called after
// that when the tests have passed. It gives the exit code:
//
//	func TestMain(m *testing.M) { os.Exit(devstacktest.Main(m, func() error { return goleak.Find() })) }
func Main(m *testing.M, checks ...func() error) int {
	code := m.Run()
	if err := shared.close(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return max(code, 1)
	}
	for _, check := range checks {
		if err := check(); err != nil && code == 0 {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	return code
}
