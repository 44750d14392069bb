package devstack_test

import (
	"strings"
	"testing"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
)

func TestKafkaNodeComesBack(t *testing.T) {
	ctx := t.Context()
	k := startKafka(t, devstack.KafkaOptions{Nodes: 3})
	ends := map[string]func() error{
		"kill": func() error { return k.Kill(2) },
		"stop": func() error { return k.Stop(ctx, 2) },
	}
	for name, end := range ends {
		t.Run(name, func(t *testing.T) {
			if err := end(); err != nil {
				t.Fatal(err)
			}
			waitForBrokers(t, k, 2)
			if err := k.Start(ctx, 2); err != nil {
				t.Fatal(err)
			}
			waitForBrokers(t, k, 3)
		})
	}
	t.Run("pause", func(t *testing.T) {
		if err := k.Pause(2); err != nil {
			t.Fatal(err)
		}
		waitForBrokers(t, k, 2)
		if err := k.Resume(2); err != nil {
			t.Fatal(err)
		}
		waitForBrokers(t, k, 3)
	})
}

func TestProxiedKafkaIsReachedThroughItsProxies(t *testing.T) {
	k := startKafka(t, devstack.KafkaOptions{Proxied: true})
	if _, err := devstack.AskMetadata(t.Context(), k.Brokers()[0]); err != nil {
		t.Fatal(err)
	}
	k.Proxy(0).Down()
	if _, err := devstack.AskMetadata(t.Context(), k.Brokers()[0]); err == nil {
		t.Error("the broker answers past its proxy")
	}
	k.Proxy(0).Up()
	if _, err := devstack.AskMetadata(t.Context(), k.Brokers()[0]); err != nil {
		t.Error(err)
	}
}

// The log directories are made without kafka-storage. A cluster that it formats has the same features; without them
// brokers would fall back to transaction.version 0.
func TestKafkaHasTheFeaturesOfItsRelease(t *testing.T) {
	k := startKafka(t, devstack.KafkaOptions{})
	cmd, err := devstack.KafkaTool(t.Context(), "org.apache.kafka.tools.FeatureCommand",
		"--bootstrap-server", k.Brokers()[0], "describe")
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "transaction.version") && strings.Contains(line, "FinalizedVersionLevel: 2") {
			return
		}
	}
	t.Errorf("transaction.version is not 2:\n%s", out)
}

// waitForBrokers waits until the first node knows of n brokers.
func waitForBrokers(t *testing.T, k *devstack.Kafka, n int) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		m, err := devstack.AskMetadata(t.Context(), k.Brokers()[0])
		if err == nil && len(m.Brokers) == n && m.Controller {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("after a minute: %+v, %v; want %d brokers", m, err, n)
		}
	}
}
