package replication

import (
	"fmt"
)

// maxErrorBytes is how much of a bad message an error shows.
const maxErrorBytes = 64

// ProtocolError says that the server sent what the protocol does not allow, or what this package does not know. The
// session cannot go on: what follows could be read wrongly.
type ProtocolError struct {
	What   string // what is wrong, with the values
	Bytes  []byte // the beginning of what was received, at most 64 bytes, copied
	Length int    // of the whole
}

func (e *ProtocolError) Error() string {
	if len(e.Bytes) < e.Length {
		return fmt.Sprintf("%s: received %d bytes beginning with %x", e.What, e.Length, e.Bytes)
	}
	return fmt.Sprintf("%s: received %x", e.What, e.Bytes)
}

func protocolErrorf(received []byte, format string, args ...any) error {
	return &ProtocolError{
		What:   fmt.Sprintf(format, args...),
		Bytes:  append([]byte(nil), received[:min(len(received), maxErrorBytes)]...),
		Length: len(received),
	}
}
