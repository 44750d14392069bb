package devstack

import (
	"context"
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
	"syscall"
)

// KafkaOptions describe a cluster. The zero value is one node of DefaultKafka.
type KafkaOptions struct {
	Major    int               // 0: DefaultKafka
	Nodes    int               // 0: 1. With three, topics have replication 3 and min.insync.replicas 2 by default.
	Settings map[string]string // broker settings on top of the package's own
}

// Kafka is a cluster in KRaft mode whose nodes are brokers and controllers in one. Nodes are counted from 0. Methods
// may be called from several goroutines, those for one node one at a time.
type Kafka struct {
	ClusterID string

	install kafkaInstall
	watcher *watcher
	dir     string
	nodes   []*kafkaNode
}

// kafkaNode is one broker with its directory; its node.id is its index + 1.
type kafkaNode struct {
	dir  string
	port int

	mu      sync.Mutex
	process *process
}

// StartKafka starts a new cluster and waits until it has a controller and all brokers are registered. ctx bounds the
// start only; the cluster runs until Close, at most until this process ends.
func StartKafka(ctx context.Context, opts KafkaOptions) (*Kafka, error) {
	if opts.Major == 0 {
		opts.Major = DefaultKafka
	}
	if opts.Nodes == 0 {
		opts.Nodes = 1
	}
	install, err := installKafka(ctx, opts.Major)
	if err != nil {
		return nil, fmt.Errorf("start kafka %d: %w", opts.Major, err)
	}
	k, err := newKafka(install, opts)
	if err != nil {
		return nil, fmt.Errorf("start kafka %d: %w", opts.Major, err)
	}
	if err := k.startAll(ctx); err != nil {
		return nil, errors.Join(err, k.Close())
	}
	return k, nil
}

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
	ports, err := freePorts(2 * opts.Nodes)
	if err != nil {
		return err
	}
	brokers, controllers := ports[:opts.Nodes], ports[opts.Nodes:]
	for i, port := range brokers {
		n := &kafkaNode{dir: filepath.Join(k.dir, fmt.Sprintf("node%d", i)), port: port}
		settings := nodeSettings(i, n, controllers)
		maps.Copy(settings, opts.Settings)
		if err := k.format(i, n, settings); err != nil {
			return err
		}
		k.nodes = append(k.nodes, n)
	}
	return nil
}

func nodeSettings(i int, n *kafkaNode, controllers []int) map[string]string {
	voters := make([]string, len(controllers))
	for j, port := range controllers {
		voters[j] = fmt.Sprintf("%d@%s", j+1, address(port))
	}
	replication, insync := "1", "1"
	if len(controllers) >= 3 {
		replication, insync = "3", "2"
	}
	return map[string]string{
		"process.roles":                  "broker,controller",
		"node.id":                        fmt.Sprint(i + 1),
		"controller.quorum.voters":       strings.Join(voters, ","),
		"controller.listener.names":      "CONTROLLER",
		"listeners":                      fmt.Sprintf("PLAINTEXT://%s,CONTROLLER://%s", address(n.port), address(controllers[i])),
		"advertised.listeners":           "PLAINTEXT://" + address(n.port),
		"listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
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
func (k *Kafka) format(i int, n *kafkaNode, settings map[string]string) error {
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
	meta := fmt.Sprintf("version=1\ncluster.id=%s\nnode.id=%d\ndirectory.id=%s\n", k.ClusterID, i+1, newClusterID())
	if err := os.WriteFile(filepath.Join(data, "meta.properties"), []byte(meta), 0o600); err != nil {
		return err
	}
	return copyFile(k.install.features, filepath.Join(data, "bootstrap.checkpoint"), owner{})
}

func (n *kafkaNode) conf() string { return filepath.Join(n.dir, "server.properties") }
func (n *kafkaNode) log() string  { return filepath.Join(n.dir, "log") }

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

// Brokers are the addresses of all nodes, host:port, whether they run or not.
func (k *Kafka) Brokers() []string {
	brokers := make([]string, len(k.nodes))
	for i, n := range k.nodes {
		brokers[i] = address(n.port)
	}
	return brokers
}

func (k *Kafka) startAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	for _, n := range k.nodes {
		if err := k.launch(n); err != nil {
			return err
		}
	}
	for i := range k.nodes {
		if err := k.waitReady(ctx, i, len(k.nodes)); err != nil {
			return err
		}
	}
	return nil
}

func (k *Kafka) launch(n *kafkaNode) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process.running() {
		return errors.New("start kafka node: it runs already")
	}
	args := append(k.install.javaArgs(), "kafka.Kafka", n.conf())
	cmd := k.watcher.command("KILL", k.install.java.program, args...)
	cmd.SysProcAttr = owner{}.attributes()
	process, err := startProcess(k.watcher, cmd, n.log())
	n.process = process
	return err
}

// waitReady waits until node i knows a controller and as many registered brokers, itself among them.
func (k *Kafka) waitReady(ctx context.Context, i, brokers int) error {
	n := k.nodes[i]
	n.mu.Lock()
	defer n.mu.Unlock()
	err := n.process.ready(ctx, func(ctx context.Context) error {
		m, err := AskMetadata(ctx, address(n.port))
		if err == nil && (!m.Controller || m.Brokers < brokers) {
			err = fmt.Errorf("%d of %d brokers are registered, controller known: %t", m.Brokers, brokers, m.Controller)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("start kafka node %d on port %d: %w", i, n.port, err)
	}
	return nil
}

// Start starts node i again after Stop or Kill, on the same port and directory, and waits until it is registered.
func (k *Kafka) Start(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	if err := k.launch(k.nodes[i]); err != nil {
		return err
	}
	return k.waitReady(ctx, i, 1)
}

// Stop ends node i with SIGTERM (a controlled shutdown: its partitions move first) and waits for it.
func (k *Kafka) Stop(ctx context.Context, i int) error {
	n := k.nodes[i]
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process.stop(ctx, syscall.SIGTERM)
}

// Kill ends node i with SIGKILL and waits until it is gone.
func (k *Kafka) Kill(i int) error {
	n := k.nodes[i]
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process.stop(context.Background(), syscall.SIGKILL)
}

// Pause freezes node i (SIGSTOP): its connections stay open and silent until Resume.
func (k *Kafka) Pause(i int) error { return k.signal(i, syscall.SIGSTOP) }

// Resume ends a Pause.
func (k *Kafka) Resume(i int) error { return k.signal(i, syscall.SIGCONT) }

func (k *Kafka) signal(i int, s syscall.Signal) error {
	n := k.nodes[i]
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process.signal(s)
}

// Log is what node i has written to its log so far.
func (k *Kafka) Log(i int) string {
	out, err := os.ReadFile(k.nodes[i].log())
	if err != nil {
		return err.Error()
	}
	return string(out)
}

// Close kills what runs and removes the cluster's directory.
func (k *Kafka) Close() error {
	processes := make([]*process, len(k.nodes))
	for i, n := range k.nodes {
		processes[i] = n.process
	}
	return closeServer(k.watcher, processes...)
}
