package devstacktest

import (
	"context"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
)

// KafkaCluster is a cluster that other tests use too.
type KafkaCluster struct {
	Brokers []string
	Prefix  string // begins topic names, transactional ids and relay names of this test: a letter, then letters and digits
}

// Kafka gives the shared cluster and a prefix. After the test every topic whose name contains the prefix is deleted.
func Kafka(t testing.TB) *KafkaCluster {
	t.Helper()
	k := &KafkaCluster{Brokers: shared.kafkaBrokers(t), Prefix: "t" + token()}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(t.Context()), cleanupLimit)
		defer cancel()
		m, err := devstack.AskMetadata(ctx, k.Brokers[0])
		if err != nil {
			t.Error(err)
			return
		}
		ours := slices.DeleteFunc(m.Topics, func(topic string) bool { return !strings.Contains(topic, k.Prefix) })
		if err := devstack.DeleteTopics(ctx, k.Brokers[0], ours...); err != nil {
			t.Error(err)
		}
	})
	return k
}

// OwnKafka starts a cluster for one test and closes it after. If the test fails the end of the first node's log is
// shown.
func OwnKafka(t testing.TB, opts devstack.KafkaOptions) *devstack.Kafka {
	t.Helper()
	k, err := devstack.StartKafka(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { finish(t, func() string { return k.Log(0) }, k.Close) })
	return k
}

// finish closes a server and shows what it logged to a test that failed.
func finish(t testing.TB, log func() string, closeServer func() error) {
	t.Helper()
	if t.Failed() {
		text := log()
		t.Logf("end of the server's log:\n%s", text[max(0, len(text)-4000):])
	}
	if err := closeServer(); err != nil {
		t.Error(err)
	}
}

// token is a random name that no other test has: ten letters and digits, the first a letter.
func token() string {
	const letters, digits = "abcdefghijklmnopqrstuvwxyz", "0123456789"
	b := []byte{letters[rand.IntN(len(letters))]}
	for len(b) < 10 {
		all := letters + digits
		b = append(b, all[rand.IntN(len(all))])
	}
	return string(b)
}
