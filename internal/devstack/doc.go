// Package devstack runs real Postgres and Kafka servers for the demo, the tests and the benchmarks: one call, no
// container, nothing installed by hand.
//
// Servers come from Maven Central (pom.xml names them), are fetched once with mvn and kept per version in the cache
// directory (CacheDir). A started server listens on free loopback ports, keeps all it writes in one directory under
// the temporary directory, and lives at most as long as the process that started it, even when that one is killed:
// a watcher (watcher.go) then ends the server and removes the directory.
//
// Postgres refuses to run as root. When root starts it, the server runs as another user (serveruser.go), which must
// be able to read the cache.
//
// Programs of others that tests try Relay's files with, such as migration tools, are kept in the cache too (program.go).
//
// The package knows nothing of Relay: it must not import anything of ours, sarama or pglogrepl, so that what it
// reports about a server is never seen through the code under test.
package devstack
