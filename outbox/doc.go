// Package outbox writes events from an application's transaction, and is what Relay turns them into Kafka records with.
//
// # For applications
//
// Emit writes events in the transaction that makes them true: they are published if and when it commits.
//
//	err := outbox.Emit(ctx, outbox.Pgx(tx), outbox.Event{
//		AggregateType: "payment",
//		AggregateID:   payment.ID,
//		Type:          "PaymentBooked",
//		Payload:       payload, // JSON
//	})
//
// Pgx takes a transaction of pgx, SQL one of database/sql; what is no transaction does not compile. Several events in
// one call take one round trip. An event that could not be published is refused before anything is sent (EventError).
// An Emitter has the options: another schema, WAL messages instead of the table, the application's tracer. Package
// outbox/inbox is for those who consume the events.
//
// That is Emit, Emitter, Event, EventError, ID, Tx, Trace and WithTraceparent; applications need nothing else here. The
// package uses the standard library alone: neither a driver nor a Kafka client comes with it.
//
// # For Relay
//
// The rest maps outbox rows and WAL messages to records: mapping by column name, routing, and the memory that a batch of
// records lives in. That part is pure: bytes in, records out; no goroutine, clock or logger. It imports nothing else of
// Relay's and declares the shape of the row it maps.
//
// A Config is made into a Mapper once, a Mapper and the columns of a table into a Plan whenever the table changes, and
// a Plan maps rows:
//
//	Config --NewMapper--> Mapper --Plan--> Plan --Map--> Record in a Batch
//	                             --MapMessage----------> Record in a Batch
//
// What holds, and what others rest on:
//   - Payload bytes are what Postgres sent. They never pass through a float or a decoded JSON tree.
//   - Everything a record points to lies in its Batch, or is static; the row is borrowed for the call only.
//   - The steady state allocates nothing per event. What is remembered to get there (topic names, routes) is bounded.
//   - A row that cannot become a record is a *BadEvent and leaves the batch as it was: it concerns that one event, has a
//     stable reason, and holds neither payload nor header values. Every other error means doubt about the stream.
//   - No event reaches a reserved topic or one that begins with two underscores, and no application writes a header of
//     Relay's: it could forge a checkpoint or a proof inside Relay's own Kafka transaction.
//   - WAL messages and what Emit accepts keep to the rules of the table in package migrations (rules.go), which tests
//     here and there compare.
//
// Files: emit, emittable and message write events; event and eventheaders check them; tx, id and trace are what their
// names say. config and validate say what may be configured; field, template, topic and router find the topic; json and
// headers read JSON objects; frame reads WAL messages; plan and mapper put it together; batch and arena hold the
// memory; debezium and properties are FormatDebezium.
package outbox
