package replication

import (
	"errors"
	"fmt"
)

// ErrNoSlot says that the slot does not exist.
var ErrNoSlot = errors.New("the replication slot does not exist")

// ErrSlotUnusable says that the server cannot stream from the slot: it is lost, invalidated, or not for this use. The
// slot's row in the catalogue tells which; the server's texts differ from version to version.
var ErrSlotUnusable = errors.New("the replication slot cannot be used")

// ErrNoPublication says that the server did not find the publication at the WAL that it decodes. Up to 17 it will never
// get past there; since 18 it goes on without the rows.
var ErrNoPublication = errors.New("the publication does not exist at the WAL being decoded")

// ErrClosed is what Next returns after Close.
var ErrClosed = errors.New("the stream is closed")

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

// configError says that the configuration cannot work, whatever the server does.
type configError struct {
	reason string
}

func (e *configError) Error() string { return e.reason }

// passwordError says that there is no password to send.
type passwordError struct {
	err error
}

func (e *passwordError) Error() string { return "read the password: " + e.err.Error() }

func (e *passwordError) Unwrap() error { return e.err }
