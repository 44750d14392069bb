// Package status holds what a running relay knows of itself and shows it over HTTP: /livez, /readyz, /metrics and
// /status.
//
// The session writes into a Tracker and never waits for a reader: what happens for every Postgres transaction is an
// atomic store, what happens for every Kafka transaction or less often takes a mutex for a moment. Readers take a
// snapshot. Nothing here decides anything: no session behaves differently because of what a Tracker holds.
//
// The package knows neither Postgres nor Kafka, opens no connection and holds no payload, key or header of any event.
package status
