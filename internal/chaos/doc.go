// Package chaos runs campaigns against real servers: applications write to an outbox in every way they may, the real
// relay command publishes, something kills it again and again, and in the end an oracle asks whether a read_committed
// reader of Kafka sees exactly what the database has.
//
// # Running a campaign
//
//	go test ./internal/chaos                                              a short one of everything
//	go test ./internal/chaos -run Kills -kills 50 -v -timeout 1h          50 kill -9 on each of Postgres 13, 15, 17, 18
//	go test ./internal/chaos -run Kills -kills 50 -pg 17 -seed 42 -v      again what seed 42 did
//	go test ./internal/chaos -run ParkedKills -kills 30 -v                relays that park and commands that retry and skip, killed
//	go test ./internal/chaos -run Large -rows 1000000 -v                  a million rows in one transaction
//	go test ./internal/chaos -run Outage -outage 1m -v                    servers that stay away for a minute
//	go test ./internal/chaos -run Kills -relay ./broken -v                another relay command, for one broken on purpose
//
// -keep keeps the logs, the protocol logs and the report of tests that pass too. A seed fixes the relay's settings, what is
// written, and when a relay is to be killed; the machine decides what that meets, so a seed brings a failure back often, not always.
//
// # Reading a report
//
//	campaign   seed 42, Postgres 17, 50 kills in 58.1s
//	settings   compression lz4, at most 5000 events in a Kafka transaction
//	workload   1512 transactions committed, with 126310 events; 251 rolled back, 240 savepoints undone
//	           588 copies, 440 WAL messages, 81 prepared, 6 large, 0 connections lost
//	killed at  start 7, own 4, init sent 3, ..., end sent 6, end answered 3, acknowledge 4
//	recovery   median 212ms, at most 688ms (31 times) from a start to the next commit of events
//	relay      highest epoch 2204, most memory 61.2 MiB
//	verdict    written 126311, published 126311: missing 0, twice 0, phantom 0, altered 0, disorder 0, torn 0
//	           relay-seq wrong 0, fenced and still writing 0, pieces wrong 0; 0 transactions in pieces
//	protocol   as the model allows
//	audit      proved by relay audit
//
// killed at counts the kills by the last line of the protocol log: "end sent" died between the commit request and its
// answer. A campaign says something about a place in the protocol only when relays died there. The words of the verdict
// are explained at Verdict; behind it stand up to ten findings of each kind, with event, transaction, partition and
// offset. One fault shows up under several words: an event that is missing leaves its transaction torn. protocol says
// whether package model could have done what the relays have written down; else it names the first action it could not.
//
// When a test fails it names the directory with relay.yaml, relay-NNN.log and relay-NNN.protocol of each process in the
// order of their starts, and report.json. The events in the findings carry relay-tx and relay-position, which lead to
// the protocol log line whose resume_lsn first lies behind them.
//
// # What judges
//
// The oracle trusts neither the relay nor its publisher. What should be there is read from the surviving database: the
// outbox table, and for WAL messages, which leave no row, a table that is written in the same transaction. What is there
// is read with another Kafka client than the publisher's. Each event says in its headers which number of its key it is,
// and how many events its transaction has; the numbers come from a row of the database that the transaction locks, so
// their order is that of the commits. Beside it `relay audit` must come to the same verdict on every run.
//
// # Where things are
//
//	plan.go event.go writer.go write.go workload.go   what applications do
//	process.go fleet.go journal.go action.go          the relay command and what it writes down
//	moment.go campaign.go                             when it is killed
//	place.go mark.go                                  database, names, configuration
//	kafka.go oracle.go compare.go audit.go report.go  what came of it
//
// The package is for tests and tools. It must not import replication or publisher: what it says of them would be seen
// through them.
package chaos
