// Command relay publishes the outbox of a Postgres database to Kafka, each event exactly once.
//
// The package parses flags, reads the configuration and prints; what commands do is done by the internal packages behind
// the engine interface.
package main

import "os"

func main() { os.Exit(Main()) }

// Main runs the command line of this process and gives its exit code.
func Main() int {
	return newApp(realEngine{}, os.Stdout, os.Stderr, os.Environ()).main(os.Args[1:])
}
