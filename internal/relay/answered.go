package relay

import (
	"context"
	"time"
)

// answerLimit is how long a look may take where the configuration does not say how long the server waits for us.
const answerLimit = 10 * time.Second

// answered bounds a look on the ordinary connection by the time after which the server gives up a silent relay.
//
// A connection that a firewall has forgotten never answers, and neither side is told. The replication connection is
// silent then too, but that alone proves nothing: a server that decodes a large transaction is silent as well. So it is
// this look that finds it out. Without a limit the relay would wait for ever, and so would one that stands by, while the
// server has freed the slot long ago.
func (s *session) answered(ctx context.Context, look func(context.Context) error) error {
	limit := s.cfg.Source.SenderTimeout
	if limit == 0 {
		limit = answerLimit
	}
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	return look(limited)
}
