// Package audit proves on live systems that each event of an outbox is in Kafka exactly once, and names those that are
// not.
//
// Two proofs lean on each other. Every record of a relay carries relay-seq, a number that counts gapless over all topics
// and grows in each partition: a reader of Kafka alone sees what is missing, repeated or out of place, and that no topic
// was left out. And every row of the outbox table is made into the record that Relay would publish, by Relay's own
// mapping, and compared by id in both directions. Without a table the numbers are all there is.
//
// It reads and never writes: no fence, no slot, no lock but that of a SELECT. It can run beside a relay at work and beside
// one that is down. What makes that exact is the order of reading, which auditor.run tells.
//
// # What cannot be told
//
// Commits have no LSN in the table. So a row that is not in Kafka is missing only if the checkpoint has passed the end of
// the WAL as it was when the rows had been read; else it waits. Rows older than the relay, and rows whose record retention
// or compaction may have taken, are counted apart: suspects.go says how each is told. A record without a row is
// wrong only if older rows are still there. What is in doubt is never called wrong, and never called proved.
//
// # Memory
//
// Entries of rows and records are sorted within Options.Memory and spill to temporary files, about 75 bytes each; then
// both sides are read in order of their ids. Beyond that an audit holds a bit for each number in Kafka (1.3 MB for ten
// million events), one answer of a Kafka read, and at most ten thousand suspects that it looks for a second time.
//
// # File map
//
//	audit.go kafka.go reader.go topics.go  the order of reading, and reading Kafka
//	rows.go                                reading the table
//	events.go seqs.go places.go            records as they pass; pure
//	entry.go sorter.go run.go              what is kept of each, sorted outside of memory
//	group.go suspects.go                   what is wrong with one id, and what it takes to say so; pure
//	judge.go numbers.go report.go          verdicts
package audit
