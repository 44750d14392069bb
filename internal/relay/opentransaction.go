package relay

import (
	"github.com/cespare/xxhash/v2"

	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// openTransaction is the Postgres transaction that is being received.
type openTransaction struct {
	outbox.Transaction
	open   bool
	rows   uint64 // as received
	skip   guard.Skip
	piece  uint32 // pieces handed over so far
	digest *xxhash.Digest
}

// reference describes the transaction as far as it was received.
func (t *openTransaction) reference() publisher.Transaction {
	return publisher.Transaction{
		CommitLSN: t.CommitLSN, XID: t.XID, CommitTime: t.CommitTime, Rows: t.rows,
		Digest: publisher.Digest(t.digest.Sum64()),
	}
}

func (t *openTransaction) position(index uint64) outbox.Position {
	return outbox.Position{Timeline: t.Timeline, CommitLSN: t.CommitLSN, Index: uint32(index)}
}
