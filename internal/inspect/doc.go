// Package inspect answers what people ask of a relay: where it is, how far behind, what it has published, where an event
// is. It reads Postgres and Kafka directly, so it works as well while the relay is down, refused or on another host; only
// the process part of a status comes from the daemon, when that can be reached.
//
// It only looks: no slot is owned, no producer fenced, nothing written, and what a slot holds is never peeked at, for
// that takes the slot. So the commit LSN of a row that is not in Kafka is not known, and the package says "unknown" where
// that leaves two answers open. What it says for certain, and why:
//
//   - "decided": the checkpoint has passed a WAL position that was read after the row was visible. The commit record of a
//     visible row lies before the end of the WAL, and everything that committed before the checkpoint is decided.
//   - "waiting": the row's transaction began after the checkpoint's witness had committed. The witness is the last
//     transaction with rows that was decided, so every later one is not.
//   - "published once": exactly one committed record carries the event's id in the topics that were read to their end.
//
// Where things are: session.go opens the connections; checkpoint.go, history.go, lag.go, status.go, event.go and trace.go
// hold the documents and the pure judgement behind each; outboxtable.go and row.go ask Postgres; topics.go, tail.go,
// search.go and find.go read Kafka; daemon.go asks the daemon; wait.go waits.
//
// The package must not print and must not know flags: that is cmd/relay.
package inspect
