package devstack

import (
	"errors"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

// Proxy passes TCP connections on to one address and can make the network between fail. All methods may be called from
// several goroutines.
//
// A Kafka client must be led through it by what the brokers advertise: KafkaOptions.Proxied does that.
type Proxy struct {
	target   atomic.Pointer[string]
	listener net.Listener
	delay    atomic.Int64 // nanoseconds, each way
	down     atomic.Bool
	requests gate // towards the target
	answers  gate // from the target

	mu     sync.Mutex
	links  map[*link]bool
	closed bool
	wait   sync.WaitGroup
}

// NewProxy listens on a free loopback port.
func NewProxy(target string) (*Proxy, error) {
	l, err := net.Listen("tcp", address(0))
	if err != nil {
		return nil, fmt.Errorf("listen for proxy to %s: %w", target, err)
	}
	p := &Proxy{listener: l, links: make(map[*link]bool)}
	p.Retarget(target)
	p.wait.Go(p.accept)
	return p, nil
}

// Addr is where the proxy listens, host:port.
func (p *Proxy) Addr() string { return p.listener.Addr().String() }

// Target is where new connections are passed on to.
func (p *Proxy) Target() string { return *p.target.Load() }

// Retarget passes new connections on to another address, as a name that moves does. Connections that are open stay
// where they are until Cut.
func (p *Proxy) Retarget(target string) { p.target.Store(&target) }

// Delay makes every byte that is read from now on arrive d later, in each direction: it adds 2d to a round trip and
// takes nothing from the bandwidth.
func (p *Proxy) Delay(d time.Duration) { p.delay.Store(int64(d)) }

// Pause holds back what is sent in both directions, as a network that loses every packet. Connections stay open, new
// ones too.
func (p *Proxy) Pause() {
	p.requests.shut()
	p.answers.shut()
}

// PauseAnswers holds back only what the target sends: requests arrive and are carried out, and nobody hears of it.
func (p *Proxy) PauseAnswers() { p.answers.shut() }

// Resume ends a pause. What was held back arrives.
func (p *Proxy) Resume() {
	p.requests.open()
	p.answers.open()
}

// Cut resets every connection. What was held back or delayed is lost; new connections work.
func (p *Proxy) Cut() {
	for _, l := range p.current() {
		l.reset()
	}
}

// HalfOpen lets every connection fall silent for ever, with neither side told, as when a firewall forgets them. New
// connections work.
func (p *Proxy) HalfOpen() {
	for _, l := range p.current() {
		l.silence()
	}
}

// Down resets every connection, and each new one at once, until Up.
func (p *Proxy) Down() {
	p.down.Store(true)
	p.Cut()
}

// Up ends Down.
func (p *Proxy) Up() { p.down.Store(false) }

// Close resets what is open and waits for the proxy's goroutines.
func (p *Proxy) Close() error {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	err := p.listener.Close()
	p.Cut()
	p.wait.Wait()
	if errors.Is(err, net.ErrClosed) {
		return nil
	}
	return err
}

func (p *Proxy) current() []*link {
	p.mu.Lock()
	defer p.mu.Unlock()
	links := make([]*link, 0, len(p.links))
	for l := range p.links {
		links = append(links, l)
	}
	return links
}

func (p *Proxy) accept() {
	for {
		client, err := p.listener.Accept()
		if err != nil {
			return
		}
		p.wait.Go(func() { p.serve(client) })
	}
}

// serve carries one connection to its end. A target that does not answer is a connection that is reset.
func (p *Proxy) serve(client net.Conn) {
	target, err := net.Dial("tcp", p.Target())
	if err != nil {
		abort(client)
		return
	}
	l := newLink(client, target)
	if !p.add(l) {
		l.reset()
		return
	}
	defer p.remove(l)
	var both sync.WaitGroup
	both.Go(func() { l.carry(target, client, &p.requests, &p.delay) })
	both.Go(func() { l.carry(client, target, &p.answers, &p.delay) })
	both.Wait()
	l.finish()
}

// add looks at down after the link is known to Cut, so that none slips through between Down's two steps.
func (p *Proxy) add(l *link) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.links[l] = true
	if p.closed || p.down.Load() {
		delete(p.links, l)
		return false
	}
	return true
}

func (p *Proxy) remove(l *link) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.links, l)
}
