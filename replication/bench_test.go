package replication

import (
	"bytes"
	"encoding/binary"
	"net"
	"testing"
	"time"
)

// insertMessage is a row of relation 7 with an id and a payload of 256 bytes.
func insertMessage() []byte {
	return append(unhex("49 00000007 4e 0002 74 00000004 31323334 74 00000100"), bytes.Repeat([]byte("x"), 256)...)
}

// event is a transaction of one row, as a walsender sends it: three frames.
type event struct {
	begin, insert, commit []byte
}

func newEvent() event { return event{begin(1, 0, 7), wal(insertMessage()...), commit(1, 51, 0)} }

// number makes it the nth one, in place.
func (e event) number(n uint64) {
	lsn := n * 100
	const message = frameHeader + xlogDataHeader
	binary.BigEndian.PutUint64(e.begin[message+1:], lsn)
	binary.BigEndian.PutUint64(e.commit[message+2:], lsn)
	binary.BigEndian.PutUint64(e.commit[message+10:], lsn+50)
}

// BenchmarkDecodeInsert is the decoding of one row.
func BenchmarkDecodeInsert(b *testing.B) {
	d := described(b)
	raw := insertMessage()
	var m Message
	b.ReportAllocs()
	b.SetBytes(int64(len(raw)))
	for b.Loop() {
		if _, err := d.decode(raw, &m); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkNext is what it costs to take an event out of memory: frames, decoding, checks.
func BenchmarkNext(b *testing.B) {
	const batch = 1000
	stream := wal(relationMessage(7, "t", "id", "payload")...)
	for e, n := newEvent(), uint64(1); n <= batch; n++ {
		e.number(n)
		stream = append(append(append(stream, e.begin...), e.insert...), e.commit...)
	}
	src := bytes.NewReader(stream)
	s := replay(src)
	events := 0
	b.ReportAllocs()
	b.SetBytes(int64(len(stream) / batch))
	for b.Loop() {
		nextCommit(b, s)
		if events++; events%batch == 0 {
			src.Reset(stream)
			s.transaction = transaction{}
		}
	}
}

func nextCommit(b *testing.B, s *Stream) {
	for {
		m, err := s.Next()
		if err != nil {
			b.Fatal(err)
		}
		if m.Kind == Commit {
			return
		}
	}
}

// BenchmarkStream adds the way through the kernel: a sender that writes message by message, as a walsender does, and
// the reader, over TCP on loopback.
func BenchmarkStream(b *testing.B) {
	b.Run("paced", func(b *testing.B) { benchmarkStream(b, (*socket).startPacing) })
	b.Run("plain", func(b *testing.B) { benchmarkStream(b, func(*socket) {}) })
}

func benchmarkStream(b *testing.B, prepare func(*socket)) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer listener.Close()
	sent := make(chan struct{})
	go func() {
		defer close(sent)
		send(listener)
	}()
	conn, err := dial(b.Context(), "tcp", listener.Addr().String(), time.Minute)
	if err != nil {
		b.Fatal(err)
	}
	prepare(conn)
	s := replay(conn)
	b.ReportAllocs()
	for b.Loop() {
		nextCommit(b, s)
	}
	_ = conn.Close()
	<-sent
}

// send writes events until nobody reads them any more.
func send(listener net.Listener) {
	conn, err := listener.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	_, err = conn.Write(wal(relationMessage(7, "t", "id", "payload")...))
	e := newEvent()
	for n := uint64(1); err == nil; n++ {
		e.number(n)
		for _, frame := range [][]byte{e.begin, e.insert, e.commit} {
			_, err = conn.Write(frame)
		}
	}
}
