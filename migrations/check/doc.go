// Package check compares what a database holds with what Relay's migrations make, and says for each difference which SQL
// mends it.
//
// It reads the catalogue only, in one read-only transaction, and needs no right on what it looks at. It asks for what
// Relay and the functions of the outbox rest on: further columns, constraints, indexes and grants are the team's business,
// unless they stop events or let the application break the ring of partitions. Texts of the catalogue are compared as
// Postgres prints them; where its versions print the same thing differently, each form is good, since a database keeps
// the form it was made with when its server is upgraded.
package check
