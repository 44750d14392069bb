package replication

import (
	"encoding/binary"
	"errors"
	"io"
)

const (
	frameHeader = 5 // type and length; the length counts itself but not the type

	// bufferSize is what the reader asks the kernel for at once, and all the memory it keeps.
	bufferSize = 256 << 10
	// maxFrame is the largest frame that is believed, in bytes. The server builds a message in one palloc'd buffer of
	// less than 1 GiB (MaxAllocSize); a length beyond is not a message but a stream that is out of step.
	maxFrame = 1<<30 + frameHeader
)

// Frame types that a walsender sends after START_REPLICATION:
// https://www.postgresql.org/docs/current/protocol-message-formats.html
const (
	frameCopyBoth        = 'W'
	frameCopyData        = 'd'
	frameCopyDone        = 'c'
	frameCommandComplete = 'C'
	frameReady           = 'Z'
	frameError           = 'E'
	frameNotice          = 'N'
	frameParameter       = 'S'
)

func knownFrame(kind byte) bool {
	switch kind {
	case frameCopyBoth, frameCopyData, frameCopyDone, frameCommandComplete, frameReady, frameError, frameNotice, frameParameter:
		return true
	}
	return false
}

// frames cuts a connection's bytes into protocol frames, in place: one buffer, refilled with as much as the kernel has.
// It grows beyond its size only while a larger frame arrives, and only as its bytes do: a length alone buys no memory.
type frames struct {
	src  io.Reader
	buf  []byte
	r, w int // buf[r:w] is received and not handed out
}

func newFrames(src io.Reader) *frames {
	return &frames{src: src, buf: make([]byte, bufferSize)}
}

// next returns the next frame. body is borrowed until the next call.
func (f *frames) next() (kind byte, body []byte, err error) {
	for {
		size, whole, err := f.peek(f.r)
		if err != nil {
			return 0, nil, err
		}
		if whole {
			frame := f.buf[f.r : f.r+size : f.r+size]
			f.r += size
			return frame[0], frame[frameHeader:], nil
		}
		if err := f.fill(size); err != nil {
			return 0, nil, err
		}
	}
}

// peek looks at the frame that begins at buf[at]: its size, as far as it is known yet, and whether it is there whole.
func (f *frames) peek(at int) (size int, whole bool, err error) {
	have := f.buf[at:f.w]
	if len(have) < frameHeader {
		return frameHeader, false, nil
	}
	if !knownFrame(have[0]) {
		return 0, false, protocolErrorf(have, "read frame: unknown type %q", have[0])
	}
	length := binary.BigEndian.Uint32(have[1:])
	if length < frameHeader-1 || length > maxFrame-1 {
		return 0, false, protocolErrorf(have, "read frame %q: length %d is outside 4 to %d", have[0], length, maxFrame-1)
	}
	size = int(length) + 1
	return size, len(have) >= size, nil
}

// fill reads once more, for a frame of size bytes at the front.
func (f *frames) fill(size int) error {
	f.makeRoom(size)
	n, err := f.src.Read(f.buf[f.w:])
	f.w += n
	if n > 0 {
		return nil // an error comes again with the next read
	}
	if errors.Is(err, io.EOF) && f.w > f.r {
		return protocolErrorf(f.buf[f.r:f.w], "read frame: the connection ended inside it")
	}
	return err
}

// makeRoom moves the unread rest to the front, which nobody has borrowed any more, and fits the buffer.
func (f *frames) makeRoom(size int) {
	rest := f.buf[f.r:f.w]
	switch {
	case len(rest) == len(f.buf): // full, with one frame that goes on
		grown := make([]byte, min(max(2*len(f.buf), bufferSize), size))
		copy(grown, rest)
		f.buf = grown
	case len(f.buf) > bufferSize && size <= bufferSize: // the large frame is through
		small := make([]byte, bufferSize)
		copy(small, rest)
		f.buf = small
	case f.r > 0:
		copy(f.buf, rest)
	}
	f.r, f.w = 0, len(rest)
}
