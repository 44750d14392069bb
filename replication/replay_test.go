package replication

import (
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net"
	"strings"
	"time"
)

// deaf is a connection that takes whatever is written.
type deaf struct{ net.Conn }

func (deaf) Write(p []byte) (int, error)      { return len(p), nil }
func (deaf) SetWriteDeadline(time.Time) error { return nil }

// replay is a stream of recorded bytes, without a server and without a goroutine.
func replay(src io.Reader) *Stream {
	s := &Stream{
		frames:  newFrames(src),
		decoder: newDecoder(),
		socket:  &socket{Conn: deaf{}},
		logger:  slog.New(slog.DiscardHandler),
		pinned:  reportedSettings(),
	}
	s.status.conn, s.status.closed = deaf{}, &s.closed
	return s
}

// transcript tells the story of a message in one line.
func transcript(m *Message) string {
	var b strings.Builder
	b.WriteString(m.Kind.String())
	switch m.Kind {
	case Begin:
		fmt.Fprintf(&b, " xid=%d commit=%s time=%s", m.XID, m.CommitLSN, time.UnixMicro(m.CommitTime).UTC().Format(time.RFC3339Nano))
	case Commit:
		fmt.Fprintf(&b, " xid=%d commit=%s end=%s", m.XID, m.CommitLSN, m.EndLSN)
	case Keepalive:
		fmt.Fprintf(&b, " wal_end=%s", m.WALEnd)
	case LogicalMessage:
		fmt.Fprintf(&b, " transactional=%t prefix=%q content=%q", m.Transactional, m.Prefix, m.Content)
	case Truncate:
		for _, r := range m.Relations {
			fmt.Fprintf(&b, " %s.%s", r.Namespace, r.Name)
		}
	default:
		fmt.Fprintf(&b, " %s.%s", m.Relation.Namespace, m.Relation.Name)
		for i, v := range m.Values {
			c := m.Relation.Columns[i]
			fmt.Fprintf(&b, " %s", c.Name)
			if c.Key {
				b.WriteByte('*')
			}
			if fmt.Fprintf(&b, ":%d", c.TypeOID); v == nil {
				b.WriteString("=NULL")
			} else {
				fmt.Fprintf(&b, "=%q", v)
			}
		}
		if m.Unchanged > 0 {
			fmt.Fprintf(&b, " unchanged=%d", m.Unchanged)
		}
	}
	return b.String()
}

// frame builds one frame.
func frame(kind byte, body ...byte) []byte {
	n := len(body) + frameHeader - 1
	return append([]byte{kind, byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}, body...)
}

// wal wraps a pgoutput message as a walsender does.
func wal(message ...byte) []byte {
	return frame(frameCopyData, append(append([]byte{copyXLogData}, make([]byte, xlogDataHeader-1)...), message...)...)
}

func unhex(text string) []byte {
	b, err := hex.DecodeString(strings.ReplaceAll(text, " ", ""))
	if err != nil {
		panic(err)
	}
	return b
}
