package outbox

import (
	"fmt"
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

// ParsePosition reads what String prints.
func ParsePosition(s string) (Position, error) {
	var timeline, index uint32
	var lsn uint64
	if len(s) != PositionLen {
		return Position{}, fmt.Errorf("parse position %q: want %d characters", s, PositionLen)
	}
	if _, err := fmt.Sscanf(s, "%8X-%16X-%8X", &timeline, &lsn, &index); err != nil {
		return Position{}, fmt.Errorf("parse position %q: %w", s, err)
	}
	return Position{Timeline: timeline, CommitLSN: LSN(lsn), Index: index}, nil
}

func appendHex(dst []byte, v uint64, width int) []byte {
	const digits = "0123456789ABCDEF"
	for shift := 4 * (width - 1); shift >= 0; shift -= 4 {
		dst = append(dst, digits[v>>shift&0xF])
	}
	return dst
}
