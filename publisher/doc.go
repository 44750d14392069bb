// Package publisher commits records and their checkpoint in one Kafka transaction, over sarama's broker calls.
//
// # Protocol
//
// A session fences, commits a barrier, reads the last checkpoint before the barrier, and then publishes transactions:
//
//	FindCoordinator, InitProducerID(-1,-1)                          Client.Fence
//	AddPartitionsToTxn, Produce(barrier), EndTxn(commit)            Producer.Barrier
//	Fetch(read_committed) backwards from the barrier                Producer.ReadCheckpoint
//	AddPartitionsToTxn, Produce(events, checkpoint), EndTxn(commit) Producer.Publish
//	InitProducerID(pid, epoch)                                      after each commit, in the background
//
// It is the first transaction protocol of Kafka; brokers from 3.6.1 on verify partitions for it (KIP-890 part 1), from
// 3.7 on without gaps. What an answer means is decided in one file, classify.go: only CONCURRENT_TRANSACTIONS and
// COORDINATOR_LOAD_IN_PROGRESS are asked again, some answers concern one event, everything else is doubt. On doubt the
// Producer is dead, with the first error as its cause, and the caller begins a new session.
//
// Not obvious, and not to be simplified away:
//   - EndTxn is sent once, after every batch is acknowledged. A transport error is never followed by the same call under
//     the same epoch: it could commit half of the next transaction (KAFKA-17754). EndTxn(abort) is never sent; the next
//     InitProducerID aborts with a higher epoch, so late writes die.
//   - Every transaction has an epoch of its own, so a late duplicate of a COMMIT marker is refused. It also makes
//     sequence numbers simple: they begin at 0 in each transaction.
//   - InitProducerID(-1,-1) is for Fence alone. Anywhere else it would revive a zombie.
//   - A batch with a producer id or epoch below 0 is visible at once, even if it says transactional. Nothing is produced
//     unless both are valid.
//   - The checkpoint is searched from the barrier backwards, not from the end: another open transaction may hide what
//     lies before the end. Fetch hands over aborted records, which committed.go takes out.
//   - Partitions are added ahead only for a batch that was announced as next. An idle producer has no open transaction.
//   - One connection per leader for produce. Two connections in one transaction collide in the broker's verification.
//   - Metadata requests never create a topic.
//
// # Memory
//
// Records stay in the caller's batch and are referred to. Beyond the batch and its plan (8 bytes a record) a producer
// holds a few packers (2 to 4, by processors), each with at most one request of about 1 MiB: the slabs that sarama's
// records point into (about 2 MiB for small records), sarama's encoding of the records and its copy in the request. The
// encodings become garbage when the request is written; of one in flight only its place in the batch is kept. Nothing
// is allocated per record in the steady state.
//
// # File map
//
//	config.go sarama.go                    settings, and how we talk to brokers
//	client.go conn.go race.go pause.go     connections, calls that end with a context, asking several brokers at once
//	topology.go topic.go topics.go         what is known of topics; creating them
//	plan.go partition.go                   records to partitions; pure once topics are known
//	lane.go                                one partition in one transaction; pure
//	pack.go stamp.go encoder.go            records to sarama's form, our headers, compression
//	sender.go parcel.go                    the requests in flight to one leader, and what was answered to each
//	fence.go producer.go tend.go           a producer's life: how it begins, what ends it, what keeps it alive
//	publish.go commit.go transact.go add.go produce.go end.go renew.go   a transaction, call by call
//	checkpoint.go barrier.go codec.go      the records of the checkpoint topic
//	own.go parked.go hold.go scan.go       parked events and holds: written with a transaction, read back
//	committed.go fetch.go read.go look.go  reading them back
//	place.go history.go event.go reader.go looking at any relay's checkpoints and events, for people
//	facts.go factsbroker.go factsends.go   what the start-up guard wants to know
//	classify.go errors.go protocol.go      what answers mean, what errors say, what is written down
//
// The package must not know where records come from: it imports outbox for the record and nothing else of Relay's. No
// name of sarama's appears in its interface.
package publisher
