// Package replication reads committed transactions from a logical replication slot: a connection that asks the server
// who it is and how slot and publication stand, and a stream of pgoutput messages, decoded where the kernel put them.
//
// It knows nothing of outbox tables, checkpoints or Kafka, and imports nothing else of Relay's. What to skip, what to
// publish and when to acknowledge is the caller's business; when a position may be acknowledged at all is this
// package's.
//
// # Protocol
//
// Connect opens a replication connection to a database ("replication=database") and asks everything there, so that no
// pooler and no second host answers for another server. Start sends START_REPLICATION ... LOGICAL 0/0, takes the
// connection over from pgconn and owns the slot from then on. Next hands out Begin, rows and Commit in commit order,
// and keepalives between transactions. A goroutine of the stream's own sends statuses; Acknowledge sends one more, at
// once, that moves the slot. Any error ends the stream; there is no way to go on but a new connection.
//
//	https://www.postgresql.org/docs/current/protocol-replication.html
//	https://www.postgresql.org/docs/current/protocol-logical-replication.html
//
// # Invariants that are not obvious
//
// Start never names a position. 0/0 means the slot's confirmed_flush; a position ahead of that skips silently, and one
// beyond the server's WAL is accepted and drops new commits.
//
// A status says {write = received, flush = 0, apply = 0}. It keeps the session alive, leaves the slot where it is, and
// lets the server stop: a stopping server waits until write, or flush where that is not 0, is what it has sent. Only
// Acknowledge sends a flush, once for each position.
//
// Acknowledge refuses what is above the highest Commit.EndLSN or Keepalive.WALEnd that Next has handed out. The server
// would believe anything: a position beyond its WAL goes into the slot as it is. WALStart plus length of a message
// overshoots, and LSNs of rows go back and forth; neither is ever used.
//
// The next commit record can start exactly at the end of the last one, or at the WAL end of a keepalive, and never
// before. Both are checked for each transaction: that a position can be resumed at rests on it.
//
// Only protocol version 1 is asked for: in-progress transactions of later versions hand over rows that a savepoint
// takes back.
//
// Settings that change what a value looks like are pinned in the start-up packet, where they win over those of role and
// database. So is client_min_messages: Postgres 18 skips the rows of a missing publication with no more than a warning,
// which a role can silence. That warning ends the stream.
//
// The server's silence is not death: it decodes a large transaction that is not for us without a word. TCP notices a
// dead peer (keepalive, TCP_USER_TIMEOUT). Our own silence is: statuses go out on a timer, also while nobody calls Next
// and the server's questions lie unread.
//
// While nobody calls Next the server cannot be stopped in the orderly way once something lies unread: it waits until
// all that it has sent was received. A caller that pauses for long closes the stream.
//
// A Relation is new whenever the server describes the table, which it does before the first row after any change, also
// inside a transaction. Whoever prepared something for the old pointer prepares again.
//
// What Next returns is borrowed until the next call: it lies in the receive buffer. Reading is paced (SO_RCVLOWAT): a
// reader that sleeps is woken for every message otherwise, which costs the server half of its time. On unix sockets,
// which ignore the option, and under TLS the reader is not paced.
//
// Close says good-bye and waits for the server to let go, at most a second: the last acknowledgement has been taken
// then, and the slot is free for the next session.
//
// # Files
//
// conn, sibling, dial in socket: connections. catalog, system, slot, publication, tablequery: what is asked. start,
// stream, close, status, buffered: the stream. frame, cursor, decode, relation, transaction, notice: its bytes. pacer
// and socket: how it reads. errors, classify, protocolerror: what went wrong and what it means. testdata holds what
// real servers sent, with its story beside it.
package replication
