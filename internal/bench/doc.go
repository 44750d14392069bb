// Package bench measures Relay from end to end on real servers: how fast it drains a backlog and what an event costs, how
// soon an event is visible, how long a restart takes. Beside each figure it measures, in the same run and on the same
// servers, one to compare it with.
//
// What is measured runs in processes of its own, which are the relay command itself: CPU time, memory and allocations are
// those of nothing else. The benchmark's own process writes, watches and consumes.
//
// # How
//
// A backlog is written once, behind a replication slot that stays where it begins. Every run gets a copy of that slot, so
// that the relay, pg_recvlogical and Relay's reader alone read the very same WAL, in turn, round after round. The relay is
// told with `relay adopt` where the slot begins, and publishes to a topic of its own.
//
// Time counts from the first event that a reader has to the last one it is done with: the relay, when Kafka has committed
// it; pg_recvlogical, when it is in the file. Start-up is left out; what a process does meanwhile, collecting garbage,
// talking to the server, counts.
//
// Latency counts from the return of COMMIT to the answer of a Fetch with isolation read_committed that holds the event,
// both in this process, so that there is one clock.
//
// # Names
//
// Everything that is made has a name of names.go, nothing of these names may be there before, nothing else is touched,
// and all of it is removed in the end, whatever became of the run: see Run. What is left of a process that was killed
// with SIGKILL stands in the way of the next one of the same name, which says how to remove it.
//
// # File map
//
//	bench.go options.go names.go preflight.go     a run from beginning to end; what stops it before it begins
//	drain.go latency.go floor.go idle.go recovery.go slow.go curve.go     the parts, each with its result
//	database.go backlog.go writer.go              the outbox and what is written to it
//	topics.go consumer.go committed.go producer.go     Kafka
//	child.go daemon.go relayrun.go relayconfig.go      processes of the relay
//	recvlogical.go conninfo.go                    the process of pg_recvlogical
//	probe.go receive.go meter.go report.go profile.go proc_*.go usage_*.go     what measured processes do themselves
//	result.go sample.go ledger.go target.go machine.go     figures
//	table.go human.go progress.go                 what people read
//
// The package must not know how the relay works: it starts the command and reads what servers and kernel say of it.
// Of Relay's packages that do the work it imports replication alone, to run its reader by itself.
package bench
