// Package examples has no code, only the test that runs the programs in its directories on real servers: events written
// in several languages (emit), and payments booked from Kafka by consumers that are killed again and again (consume).
package examples
