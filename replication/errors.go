package replication

import (
	"errors"
	"fmt"
)

// ErrNoSlot says that the slot does not exist.
var ErrNoSlot = errors.New("replication slot does not exist")

// ErrNoPublication says that the server did not find the publication at the WAL that it decodes: rows would be missing.
var ErrNoPublication = errors.New("publication does not exist where the server decodes")

// ErrClosed is what Next returns after Close.
var ErrClosed = errors.New("stream is closed")

// ErrStopped says that the server ended the stream in an orderly way, as it does when it is stopped.
var ErrStopped = errors.New("the server ended the stream")

// SlotActiveError says that another connection reads the slot.
type SlotActiveError struct {
	Slot string
	PID  uint32 // the walsender that holds it; 0 when the server did not say
}

func (e *SlotActiveError) Error() string {
	return fmt.Sprintf("replication slot %q is active for PID %d", e.Slot, e.PID)
}

// Class says what an error of this package means for whoever called.
type Class int

// The classes.
const (
	// Doubt is everything that is not listed below: lost connections, protocol errors, time-outs. New session.
	Doubt Class = iota
	// Unreachable: nothing answered as a server that takes connections now.
	Unreachable
	// Authentication: wrong or missing password, or no such role.
	Authentication
	// Rejected: pg_hba.conf has no line for us.
	Rejected
	// NoDatabase: the database does not exist.
	NoDatabase
	// NoRight: the role lacks a right, as REPLICATION or CONNECT.
	NoRight
	// TooMany: no connection, walsender or slot is free.
	TooMany
	// Untrusted: TLS failed, as for a certificate that does not verify.
	Untrusted
	// SlotBusy: another connection reads the slot.
	SlotBusy
	// SlotMissing: the slot does not exist.
	SlotMissing
	// SlotUnusable: the slot is lost, invalidated, or not for us. The catalogue says which.
	SlotUnusable
	// PublicationMissing: the publication does not exist where the server decodes.
	PublicationMissing
	// Misconfigured: the connection string or a setting cannot work.
	Misconfigured
)

// Classify says what err means.
func Classify(err error) Class { return Doubt }
