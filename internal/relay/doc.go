// Package relay is the session and its loop: it joins package replication, which reads committed transactions, package
// outbox, which makes records of their rows, and package publisher, which commits records and checkpoint in one Kafka
// transaction. It is the only package that knows all three.
//
// A session goes through one start-up order, which is also the only way to recover:
//
//	look    reach Kafka; the newest barrier and checkpoint, unfenced
//	ask     ask Postgres on the replication connection who it is; verdicts that need no fence
//	own     START_REPLICATION at 0/0: the slot is exclusive
//	fence   InitProducerID: no older instance can commit from here; then a barrier
//	read    the last checkpoint before the barrier
//	guard   may we go on from it? (package guard)
//	stream  receiver -> pipeline -> committer, beside them the watcher
//
// Any doubt ends the session and begins the next one at the top. The loop around it decides how soon: at once, after a
// back-off, when the slot is free, or, refused, when a fact that the verdict names has changed.
//
// Where things are: session.go has the steps, facts.go gathers what the guard judges, streaming.go joins the goroutines;
// receiver.go (with opentransaction.go and onupdate.go) turns messages into units, pipeline.go hands them over, committer.go publishes and acknowledges;
// parking.go, sidetrack.go and siding.go set aside what cannot be published, release*.go is what retry and skip do;
// watcher.go looks at what the stream does not tell; loop.go is the daemon; init.go and adopt.go are the commands that
// write; trouble.go says what errors mean for people; viewer.go (with inspection.go) looks from outside.
//
// What must hold here, beyond what the packages promise themselves:
//   - nothing is published or acknowledged before the guard has passed and the stream has shown the witness;
//   - only committer.acknowledge acknowledges, and only what the durable checkpoint says;
//   - the resume LSN comes from a Commit, or from a keepalive that passed with nothing pending, in stream order;
//   - a Postgres transaction is cut only when it fills a batch alone.
package relay
