// Package cleanup frees the weekdays of the outbox table that are older than they shall be kept, with TRUNCATE.
//
// The table of our migrations is a ring of seven partitions, one for each weekday in UTC. A weekday goes as a whole, once
// its youngest row is older than `keep`, and only below the durable checkpoint: nothing is removed that is not in Kafka.
// The way there, for one partition (attempt.go):
//
//	look    nobody has written to it and not committed yet (no lock on it in pg_locks)
//	scan    oldest and youngest created_at, and how many pages there are; then where the WAL is inserted
//	wait    for our durable checkpoint to pass that, and for every other logical slot of the database
//	lock    against writers, SHARE ROW EXCLUSIVE; ask again where the WAL is inserted and how many pages there are
//	wait    for our durable checkpoint to pass that too
//	free    ACCESS EXCLUSIVE without waiting for it, TRUNCATE ONLY, commit
//
// No lock is held before the last three, and those take at most lock_timeout together (truncate.go), whatever happens:
// an application that writes to that partition just then waits no longer. What does not come about in time is rolled
// back and tried again later. With Kafka down the checkpoint does not move, so no lock is taken at all.
//
// Why it is enough:
//   - Whoever writes to a partition has it locked until his transaction has ended, so under the lock every commit record
//     of its rows lies before the place where the WAL is inserted then. The checkpoint behind that place covers all of
//     them, late ones and those with a made-up created_at included.
//   - Rows of a truncated partition are still decoded from the WAL by every slot: nothing can be lost for another relay
//     that reads the table. What it could miss is the rows for its audit and repair. Which tables a slot is read for
//     cannot be seen, so all logical slots of the database count, lost ones too: their relay's repair needs the rows.
//     They are compared before the lock, for they may confirm rarely. What is not compared for them is a row that was
//     written to free space of a page already there, between scan and lock, into a weekday long gone.
//   - Rows of transactions that began before this relay did (since) may not be in Kafka at all. A partition with one of
//     them is a person's to free.
//   - created_at and the weekday come from the database's clock. Of that clock and ours the one that is behind counts.
//
// ring.go finds the partitions, calendar.go and judge.go decide from times alone, kept.go has the reasons, cleaner.go is
// the loop. The package knows SQL and times; it does not know Kafka, nor how a checkpoint comes about.
package cleanup
