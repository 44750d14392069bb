// Package doctor looks at everything that a relay rests on, and says of each thing whether it is well, and if not with
// which SQL or command it is mended.
//
// What stops a relay is the business of package guard, and how the outbox must be made that of migrations/check: their
// rules are asked, not written again. The checks here add what does not stop a relay today: limits that will be reached,
// settings that lose events when a disk or a server is lost, rights that are too few or too many.
//
// It only looks: no slot is owned, no producer fenced, nothing written. Looking and judging are apart: facts.go, postgres.go
// and disk.go gather, and a check is a function from facts to findings, one file for each category. What could not be
// looked at is said as such and never taken for well.
//
// The package must not print and must not know flags: that is cmd/relay.
package doctor
