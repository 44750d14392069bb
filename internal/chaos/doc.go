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
//	go run ./internal/chaos/cmd -for 1h                                   a storm: all faults, on all servers
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
// # Storms
//
// A storm (Storm, `make chaos`) lets many kinds of faults befall two relays and all their servers: Faults lists them. It
// is a sequence of lives. Each has a relay name, a database and topics of its own, lives through some faults, one or two
// at a time, and is judged as a campaign is; then comes one that must be refused. A refusal where none is due, one that is due
// and does not come or comes with another code, an event that is published after it, a process that ends by itself, and an
// event that does not come through within a minute and a half after its fault was mended: each ends the storm and is its error.
//
//	 7.34s storm1 strike    postgres-kill: kill -9 of all processes of Postgres
//	 7.37s storm1 strike    relay-kill: kill -9 of the relay that works
//	 8.68s storm1 mend      postgres-kill and relay-kill (1.334s)             how long they lasted
//	 9.14s storm1 recovered postgres-kill and relay-kill (463ms)              from the mend to the next event
//	17.78s storm1 strike    restored-and-written: a cold copy of the data directory restored, ...
//	20.83s storm1 refused   restored-and-written: RLY1014 (3.051s)            from the strike to the refusal
//	20.83s storm1 verdict   : 45877 written, 45877 published: as it should be
//
// report.json and report.html in the directory of the storm say the same, and below it each life has a directory with its
// logs and protocol logs. To see a failure again: the same -seed, -pg, -kafka, -faults and -strikes (or -for). Fewer faults
// make another storm of the seed; so first replay all of it, and only then choose.
//
// There is no fault of the relay's clock: only a library in front of libc or a name space of its own would make a process
// see another time, and Relay's binary is static.
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
//	storm.go forecast.go life.go storm_world.go       the storm: what comes when, one relay name, the servers
//	fault.go fault_*.go                               what goes wrong, as values
//	storm_report.go storm_page.go                     what came of a storm
//	place.go mark.go                                  database, names, configuration
//	kafka.go oracle.go compare.go audit.go report.go  what came of it
//
// The package is for tests and tools. It must not import replication or publisher: what it says of them would be seen
// through them.
package chaos
