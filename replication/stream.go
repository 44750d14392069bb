package replication

import "errors"

// Stream hands out the committed transactions of a slot, in commit order. Next and Buffered belong to one goroutine;
// Acknowledge, Received, PID and Close may be called from any.
type Stream struct{}

// Next blocks until there is a message. Its memory is borrowed until the next call. After an error every call returns
// the same one.
func (s *Stream) Next() (*Message, error) { return nil, errors.ErrUnsupported }

// Buffered tells whether a message is in memory already, so that Next would not block.
func (s *Stream) Buffered() bool { return false }

// PID is the process id of our walsender, to compare with a slot's active_pid.
func (s *Stream) PID() uint32 { return 0 }

// Received is the highest LSN that the server has sent.
func (s *Stream) Received() LSN { return 0 }

// Acknowledge tells the server that everything before lsn is durable downstream, at once. It is the only way in which a
// flush position goes out. It refuses what is above the highest EndLSN or WALEnd that Next handed out, and does nothing
// for what is not above the last acknowledged one.
func (s *Stream) Acknowledge(lsn LSN) error { return errors.ErrUnsupported }

// Close ends the session and waits until the server has let go of the slot, at most a second. It unblocks Next.
func (s *Stream) Close() error { return errors.ErrUnsupported }
