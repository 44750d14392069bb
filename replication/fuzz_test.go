package replication

import (
	"bytes"
	"errors"
	"io"
	"testing"
)

// FuzzDecode decodes any bytes, after the relations of the captures are known. Its corpus are the messages that real
// servers sent.
func FuzzDecode(f *testing.F) {
	messages := capturedMessages(f)
	for _, raw := range messages {
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		decodeInside(t, decoderOf(messages), raw)
	})
}

// FuzzStream reads any bytes as a stream. Whatever they are, it ends with an error that says why, and what came before
// are whole transactions in commit order.
func FuzzStream(f *testing.F) {
	for _, major := range captured {
		stream := readCapture(f, major)
		f.Add(stream)
		frames := newFrames(bytes.NewReader(stream))
		for {
			kind, body, err := frames.next()
			if err != nil {
				break
			}
			f.Add(frame(kind, body...))
		}
	}
	f.Add(frame(frameError, []byte("SFATAL\x00C57P01\x00Mbye\x00Rdie\x00\x00")...))
	f.Add(frame(frameNotice, []byte("SWARNING\x00C55000\x00Mskipped loading publication\x00RLoadPublications\x00\x00")...))
	f.Add(frame(frameParameter, []byte("TimeZone\x00UTC\x00")...))
	f.Fuzz(func(t *testing.T, stream []byte) {
		s := replay(bytes.NewReader(stream))
		var open bool
		var last LSN
		for {
			m, err := s.Next()
			if err != nil {
				checkEnd(t, err)
				return
			}
			switch {
			case m.Kind == Begin:
				if open || m.CommitLSN < last {
					t.Fatalf("%s after a commit that ends at %s (open: %t)", transcript(m), last, open)
				}
				open = true
			case m.Kind == Commit:
				if !open || m.EndLSN <= m.CommitLSN {
					t.Fatalf("%s (open: %t)", transcript(m), open)
				}
				open, last = false, m.EndLSN
			case m.Kind == Keepalive || m.Kind == LogicalMessage && !m.Transactional:
				if m.Kind == Keepalive && open {
					t.Fatal("a keepalive inside a transaction")
				}
			case !open:
				t.Fatalf("%s outside of a transaction", transcript(m))
			}
			if len(s.frames.buf) > bufferSize && len(s.frames.buf) > 2*len(stream) {
				t.Fatalf("a buffer of %d bytes for a stream of %d", len(s.frames.buf), len(stream))
			}
		}
	})
}

func checkEnd(t *testing.T, err error) {
	if errors.Is(err, io.EOF) || errors.Is(err, ErrStopped) || errors.Is(err, ErrNoPublication) {
		return
	}
	if protocol, ok := errors.AsType[*ProtocolError](err); ok {
		if len(protocol.Bytes) > maxErrorBytes || len(protocol.Bytes) > protocol.Length {
			t.Fatalf("%d bytes of %d are shown", len(protocol.Bytes), protocol.Length)
		}
		return
	}
	if len(err.Error()) == 0 {
		t.Fatal("an error without a text")
	}
}
