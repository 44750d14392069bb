package replication

import (
	"bytes"
	"encoding/binary"
)

// cursor reads a message from its front. Reading past the end sets short and yields zero values, so that a decoder
// checks once, at the end; nothing beyond the length of the message is ever touched.
type cursor struct {
	rest  []byte
	short bool
}

func (c *cursor) fail() {
	c.rest, c.short = nil, true
}

func (c *cursor) byte() byte {
	if len(c.rest) < 1 {
		c.fail()
		return 0
	}
	v := c.rest[0]
	c.rest = c.rest[1:]
	return v
}

func (c *cursor) uint16() uint16 {
	if len(c.rest) < 2 {
		c.fail()
		return 0
	}
	v := binary.BigEndian.Uint16(c.rest)
	c.rest = c.rest[2:]
	return v
}

func (c *cursor) uint32() uint32 {
	if len(c.rest) < 4 {
		c.fail()
		return 0
	}
	v := binary.BigEndian.Uint32(c.rest)
	c.rest = c.rest[4:]
	return v
}

func (c *cursor) uint64() uint64 {
	if len(c.rest) < 8 {
		c.fail()
		return 0
	}
	v := binary.BigEndian.Uint64(c.rest)
	c.rest = c.rest[8:]
	return v
}

// bytes takes n bytes without copying. The capacity ends with them: appending to the result cannot overwrite what follows.
func (c *cursor) bytes(n uint32) []byte {
	if uint64(len(c.rest)) < uint64(n) {
		c.fail()
		return nil
	}
	v := c.rest[:n:n]
	c.rest = c.rest[n:]
	return v
}

// text takes a string that ends with a zero byte, without it and without copying.
func (c *cursor) text() []byte {
	end := bytes.IndexByte(c.rest, 0)
	if end < 0 {
		c.fail()
		return nil
	}
	v := c.rest[:end:end]
	c.rest = c.rest[end+1:]
	return v
}
