package replication

// Buffered tells whether a message is in memory already, so that Next would not block.
func (s *Stream) Buffered() bool {
	if s.err != nil || s.closed.Load() {
		return true
	}
	for at := s.frames.r; ; {
		size, whole, err := s.frames.peek(at)
		if err != nil {
			return true // Next returns it
		}
		if !whole {
			return false
		}
		if s.handsOut(s.frames.buf[at : at+size]) {
			return true
		}
		at += size
	}
}

// Bulk tells whether much has been coming lately, so that more is likely to follow within milliseconds. Whoever holds
// something back because of it lets go when a Pause comes, or when this says no.
func (s *Stream) Bulk() bool { return s.socket.paced && s.socket.pace.bulk }

// handsOut tells whether Next returns something for a whole frame: a message or an error.
func (s *Stream) handsOut(frame []byte) bool {
	body := frame[frameHeader:]
	switch frame[0] {
	case frameNotice, frameParameter:
		return false
	case frameCopyData:
		if len(body) == keepaliveLength && body[0] == copyKeepalive {
			// A Begin in between would have been handed out first, so the transaction is still as it was.
			return !s.transaction.open
		}
		if len(body) > xlogDataHeader && body[0] == copyXLogData {
			switch body[xlogDataHeader] {
			case msgRelation, msgType, msgOrigin:
				return false
			}
		}
	}
	return true
}
