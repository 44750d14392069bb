// Package devstacktest hands real servers to tests.
//
// Postgres and Kafka give a fresh database and a topic prefix on servers that many tests share: those that the
// environment names (DEVSTACK_POSTGRES_<major> and DEVSTACK_KAFKA, set by make test for all packages at once),
// else servers that this test binary starts at first use and that end with it. A test that stops, crashes or promotes a
// server, or fills what is one per cluster, takes OwnPostgres or OwnKafka instead.
//
// TestMain is not needed; packages that look for leaked goroutines in it call Main.
package devstacktest
