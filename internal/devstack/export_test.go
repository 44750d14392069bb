package devstack

// Processes lists the ids of the server and of its children.
func (p *Postgres) Processes() ([]int, error) {
	pids, err := children(p.process.pid)
	return append(pids, p.process.pid), err
}

// Processes lists the ids of all nodes.
func (k *Kafka) Processes() []int {
	var pids []int
	for _, n := range k.nodes {
		pids = append(pids, n.process.pid)
	}
	return pids
}

// Dir is what Close removes.
func (k *Kafka) Dir() string { return k.dir }

// Alive tells whether a process is there and no zombie.
func Alive(pid int) bool { return alive(pid) }

// Cached is cached.
var Cached = cached
