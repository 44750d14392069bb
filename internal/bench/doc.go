// Package bench measures Relay from end to end on real servers.
package bench
