package devstack

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
)

// newKafka makes the cluster's directory.
func newKafka(install kafkaInstall, opts KafkaOptions) (*Kafka, error) {
	dir, err := os.MkdirTemp("", "relay-kafka-")
	if err != nil {
		return nil, fmt.Errorf("make server directory: %w", err)
	}
	w, err := newWatcher(dir)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	k := &Kafka{ClusterID: newClusterID(), install: install, watcher: w, dir: dir}
	if err := k.makeNodes(opts); err != nil {
		return nil, errors.Join(fmt.Errorf("make the directories of the nodes: %w", err), k.Close())
	}
	return k, nil
}

// makeNodes writes what each node finds at its start: server.properties and a formatted log directory.
func (k *Kafka) makeNodes(opts KafkaOptions) error {
	var err error
	if k.leases, err = leasePorts(3 * opts.Nodes); err != nil {
		return err
	}
	for trio := range slices.Chunk(k.leases, 3) {
		n := &kafkaNode{
			dir:  filepath.Join(k.dir, fmt.Sprintf("node%d", len(k.nodes))),
			port: trio[0].port, peers: trio[1].port, control: trio[2].port,
		}
		if k.nodes = append(k.nodes, n); !opts.Proxied {
			continue
		}
		if n.proxy, err = NewProxy(address(n.port)); err != nil {
			return err
		}
	}
	for i := range k.nodes {
		settings := k.settings(i)
		maps.Copy(settings, opts.Settings)
		if err := k.format(i, settings); err != nil {
			return err
		}
	}
	return nil
}

// nodeID is the node.id of node i: Kafka's own examples count from 1.
func nodeID(i int) int32 { return int32(i) + 1 }

// kafkaNode is one broker with its directory.
type kafkaNode struct {
	dir     string
	port    int    // for clients, or for the proxy in front
	peers   int    // port for the other brokers
	control int    // port for the controllers
	proxy   *Proxy // nil: none

	mu      sync.Mutex
	process *process
}

func (n *kafkaNode) conf() string { return filepath.Join(n.dir, "server.properties") }
func (n *kafkaNode) log() string  { return filepath.Join(n.dir, "log") }

// advertised is where clients are sent.
func (n *kafkaNode) advertised() string {
	if n.proxy != nil {
		return n.proxy.Addr()
	}
	return address(n.port)
}

// settings are the broker settings of node i.
func (k *Kafka) settings(i int) map[string]string {
	n := k.nodes[i]
	voters := make([]string, len(k.nodes))
	for j, other := range k.nodes {
		voters[j] = fmt.Sprintf("%d@%s", nodeID(j), address(other.control))
	}
	replication, insync := "1", "1"
	if len(k.nodes) >= 3 {
		replication, insync = "3", "2"
	}
	return map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        fmt.Sprint(nodeID(i)),
		"controller.quorum.voters":       strings.Join(voters, ","),
		"controller.listener.names":      "CONTROL",
		"inter.broker.listener.name":     "PEERS",
		"listeners":                      fmt.Sprintf("CLIENTS://%s,PEERS://%s,CONTROL://%s", address(n.port), address(n.peers), address(n.control)),
		"advertised.listeners":           fmt.Sprintf("CLIENTS://%s,PEERS://%s", n.advertised(), address(n.peers)),
		"listener.security.protocol.map": "CLIENTS:PLAINTEXT,PEERS:PLAINTEXT,CONTROL:PLAINTEXT",
		"log.dirs":                       filepath.Join(n.dir, "data"),

		// A broker that was killed is missed after two seconds instead of nine.
		"broker.session.timeout.ms":    "2000",
		"broker.heartbeat.interval.ms": "500",

		"num.partitions":                                   "1",
		"default.replication.factor":                       replication,
		"min.insync.replicas":                              insync,
		"transaction.state.log.num.partitions":             "1",
		"transaction.state.log.replication.factor":         replication,
		"transaction.state.log.min.isr":                    insync,
		"offsets.topic.num.partitions":                     "1",
		"offsets.topic.replication.factor":                 replication,
		"share.coordinator.state.topic.num.partitions":     "1",
		"share.coordinator.state.topic.replication.factor": replication,
		"share.coordinator.state.topic.min.isr":            insync,
		"group.initial.rebalance.delay.ms":                 "0",

		"log.cleaner.dedupe.buffer.size": "4194304",
		"num.network.threads":            "2",
		"num.io.threads":                 "4",
	}
}

// format makes a node's directory as kafka-storage format does.
func (k *Kafka) format(i int, settings map[string]string) error {
	n := k.nodes[i]
	data := filepath.Join(n.dir, "data")
	if err := os.MkdirAll(data, 0o755); err != nil {
		return err
	}
	var conf strings.Builder
	for _, name := range slices.Sorted(maps.Keys(settings)) {
		fmt.Fprintf(&conf, "%s=%s\n", name, settings[name])
	}
	if err := os.WriteFile(n.conf(), []byte(conf.String()), 0o600); err != nil {
		return err
	}
	meta := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n", k.ClusterID, nodeID(i), newClusterID())
	if err := os.WriteFile(filepath.Join(data, "meta.properties"), []byte(meta), 0o600); err != nil {
		return err
	}
	return copyFile(k.install.features, filepath.Join(data, "bootstrap.checkpoint"), owner{})
}

// newClusterID is a random UUID as Kafka writes it: 22 characters, none of them a leading dash, which the tools would
// take for an option.
func newClusterID() string {
	var id [16]byte
	for {
		_, _ = rand.Read(id[:]) // never fails
		if s := base64.RawURLEncoding.EncodeToString(id[:]); s[0] != '-' {
			return s
		}
	}
}
