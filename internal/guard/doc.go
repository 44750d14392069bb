// Package guard decides whether a relay may go on from its checkpoint. It compares what Postgres, Kafka and the
// checkpoint say of each other and refuses, naming the difference and the range of events at risk, whenever one of
// them was replaced, restored or advanced by somebody else. It never guesses and it never mends.
//
// It is pure: facts in, verdict out. Gathering the facts, in the order that makes them trustworthy, is the session's
// work (package relay).
package guard
