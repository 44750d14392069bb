// Package trace sends one span to a trace collector for each published event whose application has traced and sampled it:
// the event's header traceparent (W3C Trace Context) says so. The header itself is passed on as it is.
//
// The span begins at the record's timestamp (occurred_at, else the commit in Postgres) and ends when the Kafka transaction
// has committed, so it is the event's whole way through outbox, WAL and Relay. Its names are those of OpenTelemetry's
// conventions for messaging.
//
// It speaks OTLP over HTTP with JSON, which every collector takes and which is a few structs; the OpenTelemetry SDK would
// add 8 MB to the binary for the same. Spans are for people: a collector that is slow or gone never holds an event up,
// and what does not fit into a bounded queue is dropped and counted.
package trace
