package devstack_test

import (
	"fmt"
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
)

func TestStartKafka(t *testing.T) {
	for _, opts := range []devstack.KafkaOptions{{}, {Nodes: 3}, {Major: 3}} {
		nodes := max(opts.Nodes, 1)
		t.Run(fmt.Sprintf("major %d nodes %d", opts.Major, nodes), func(t *testing.T) {
			k := startKafka(t, opts)
			for _, broker := range k.Brokers() {
				m, err := devstack.AskMetadata(t.Context(), broker)
				if err != nil {
					t.Fatal(err)
				}
				if m.ClusterID != k.ClusterID || len(m.Brokers) != nodes || !m.Controller {
					t.Errorf("broker %s knows %+v, want cluster %s with %d brokers and a controller", broker, m, k.ClusterID, nodes)
				}
			}
		})
	}
}

func startKafka(t *testing.T, opts devstack.KafkaOptions) *devstack.Kafka {
	t.Helper()
	k, err := devstack.StartKafka(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			for i := range k.Brokers() {
				t.Logf("log of node %d:\n%s", i, k.Log(i))
			}
		}
		if err := k.Close(); err != nil {
			t.Error(err)
		}
	})
	return k
}
