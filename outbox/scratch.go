package outbox

// scratch keeps what must be made of a row before it can be copied into a batch: decoded, unescaped or formatted text.
// It is emptied before each row and keeps its memory.
type scratch struct{ buf []byte }

// reset forgets what was kept. Memory is never nil, so that neither are empty values.
func (s *scratch) reset() {
	if s.buf == nil {
		s.buf = make([]byte, 0, 512)
	}
	s.buf = s.buf[:0]
}

// keep copies p. What was kept before stays valid when the memory grows, for nothing moves: the old memory is only left.
func (s *scratch) keep(p []byte) []byte {
	at := len(s.buf)
	s.buf = append(s.buf, p...)
	return s.buf[at:len(s.buf):len(s.buf)]
}
