package outbox

import (
	"fmt"
	"strconv"
)

// String prints the position as the relay-position header carries it: timeline, commit LSN and index as fixed-width
// hexadecimal numbers.
func (p Position) String() string {
	return fmt.Sprintf("%08X-%016X-%08X", p.Timeline, uint64(p.CommitLSN), p.Index)
}

// PositionLen is the length of a position's text.
const PositionLen = 8 + 1 + 16 + 1 + 8

// AppendTo appends the text of the position to dst without allocating.
func (p Position) AppendTo(dst []byte) []byte {
	dst = appendHex(dst, uint64(p.Timeline), 8)
	dst = append(dst, '-')
	dst = appendHex(dst, uint64(p.CommitLSN), 16)
	dst = append(dst, '-')
	return appendHex(dst, uint64(p.Index), 8)
}

// ParsePosition reads what String prints, and nothing else.
func ParsePosition(s string) (Position, error) {
	if len(s) == PositionLen {
		timeline, err1 := strconv.ParseUint(s[:8], 16, 32)
		lsn, err2 := strconv.ParseUint(s[9:25], 16, 64)
		index, err3 := strconv.ParseUint(s[26:], 16, 32)
		p := Position{Timeline: uint32(timeline), Index: uint32(index), CommitLSN: LSN(lsn)}
		if err1 == nil && err2 == nil && err3 == nil && p.String() == s {
			return p, nil
		}
	}
	return Position{}, fmt.Errorf("parse position %q: want timeline, commit LSN and index as in %s", s, Position{})
}

func appendHex(dst []byte, v uint64, width int) []byte {
	const digits = "0123456789ABCDEF"
	for shift := 4 * (width - 1); shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&0xF])
	}
	return dst
}
