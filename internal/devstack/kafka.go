package devstack

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"syscall"
)

// KafkaOptions describe a cluster. The zero value is one node of DefaultKafka.
type KafkaOptions struct {
	Major    int               // 0: DefaultKafka
	Nodes    int               // 0: 1. With three, topics have replication 3 and min.insync.replicas 2 by default.
	Proxied  bool              // clients reach each node through a Proxy; the nodes reach each other directly
	Settings map[string]string // broker settings on top of the package's own
	JVM      []string          // options for Java on top of the package's own, for example -Xmx1g
	Progress Progress          // may be nil
}

// Kafka is a cluster in KRaft mode whose nodes are brokers and controllers in one. Nodes are counted from 0. Methods
// may be called from several goroutines, those for one node one at a time.
type Kafka struct {
	ClusterID string

	install kafkaInstall
	watcher *watcher
	dir     string
	leases  []lease
	nodes   []*kafkaNode
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
	install, err := installKafka(ctx, opts)
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

// Brokers are the addresses of all nodes for clients, host:port, whether they run or not.
func (k *Kafka) Brokers() []string {
	brokers := make([]string, len(k.nodes))
	for i, n := range k.nodes {
		brokers[i] = n.advertised()
	}
	return brokers
}

// Version is the release, for example 4.1.0.
func (k *Kafka) Version() string { return k.install.version }

// Proxy is what stands before node i; nil unless the cluster is Proxied.
func (k *Kafka) Proxy(i int) *Proxy { return k.nodes[i].proxy }

func (k *Kafka) startAll(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	processes := make([]*process, len(k.nodes))
	for i, n := range k.nodes {
		var err error
		if processes[i], err = k.launch(n); err != nil {
			return err
		}
	}
	for i, p := range processes {
		if err := k.waitReady(ctx, i, p, len(k.nodes)); err != nil {
			return err
		}
	}
	return nil
}

func (k *Kafka) launch(n *kafkaNode) (*process, error) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process.running() {
		return nil, errors.New("start kafka node: it runs already")
	}
	args := append(k.install.javaArgs(n.dir), "kafka.Kafka", n.conf())
	cmd := k.watcher.command("KILL", k.install.java.program, args...)
	cmd.SysProcAttr = owner{}.attributes()
	process, err := startProcess(k.watcher, cmd, n.log())
	if err == nil {
		n.process = process
	}
	return process, err
}

// waitReady waits until node i knows a controller and as many registered brokers, itself among them.
func (k *Kafka) waitReady(ctx context.Context, i int, p *process, brokers int) error {
	n := k.nodes[i]
	err := p.ready(ctx, func(ctx context.Context) error {
		m, err := AskMetadata(ctx, address(n.port))
		if err == nil && (!m.Controller || len(m.Brokers) < brokers || !slices.Contains(m.Brokers, nodeID(i))) {
			err = fmt.Errorf("brokers %v are registered, want %d of them; controller known: %t", m.Brokers, brokers, m.Controller)
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("start kafka node %d on port %d: %w", i, n.port, err)
	}
	return nil
}

// Start starts node i again after Stop or Kill, on the same port and directory, and waits until it is registered. It may
// be killed meanwhile; then Start fails. A node that is not ready in time runs on.
func (k *Kafka) Start(ctx context.Context, i int) error {
	ctx, cancel := context.WithTimeout(ctx, startLimit)
	defer cancel()
	p, err := k.launch(k.nodes[i])
	if err != nil {
		return err
	}
	return k.waitReady(ctx, i, p, 1)
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
	defer release(k.leases...)
	processes := make([]*process, len(k.nodes))
	var errs []error
	for i, n := range k.nodes {
		n.mu.Lock()
		processes[i] = n.process
		n.mu.Unlock()
		if n.proxy != nil {
			errs = append(errs, n.proxy.Close())
		}
	}
	return errors.Join(append(errs, closeServer(k.watcher, processes...))...)
}
