package inspect

import (
	"time"

	"github.com/outbox-relay/relay/internal/relay"
)

// Config says which relay is looked at.
type Config struct {
	Relay relay.Config
	// CheckpointPrefix is what the names of all relays' checkpoint topics begin with, before a dot.
	CheckpointPrefix string
	// Daemon is server.listen: where the daemon of this configuration listens, if it runs on this host. Empty: nowhere.
	Daemon string
	// Sockets are where the daemon's admin socket may be, which is asked when nobody answers at Daemon.
	Sockets []string
	// Now replaces time.Now.
	Now func() time.Time
}

func (c *Config) now() time.Time {
	if c.Now != nil {
		return c.Now()
	}
	return time.Now()
}

// Session is a pair of connections for looking. It is for one goroutine.
type Session struct {
	cfg    Config
	viewer *relay.Viewer
}

// Open prepares to look. A server that cannot be reached is told by what is asked of it; the error concerns the
// configuration.
func Open(cfg Config) (*Session, error) {
	viewer, err := relay.View(cfg.Relay)
	if err != nil {
		return nil, err
	}
	return &Session{cfg: cfg, viewer: viewer}, nil
}

// Close ends the connections.
func (s *Session) Close() { s.viewer.Close() }
