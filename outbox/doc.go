// Package outbox turns outbox rows and WAL messages into Kafka records: mapping by column name, routing, and the
// memory that a batch of records lives in.
//
// It is pure: bytes in, records out; no goroutine, clock or logger. It imports nothing else of Relay's and declares
// the shape of the row it maps, so that applications can import it to write events without pulling in a Kafka or
// replication client. Payload bytes are what Postgres sent; they never pass through a float or a decoded JSON tree.
package outbox
