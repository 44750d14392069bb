// Package replication reads committed transactions from a logical replication slot.
package replication
