package outbox

import "unsafe"

const (
	recordSize = int(unsafe.Sizeof(Record{}))
	headerSize = int(unsafe.Sizeof(Header{}))

	chunkBytes = 256 << 10 // a chunk of any arena; small enough that a nearly idle relay stays small
)

// arena hands out slices of T from chunks that it keeps: what it handed out stays where it is while the arena grows.
type arena[T any] struct {
	chunks [][]T
	at     arenaMark
	used   int // elements handed out
}

type arenaMark struct {
	chunk, offset, used int
}

func (a *arena[T]) alloc(n int) []T {
	for a.at.chunk < len(a.chunks) {
		if chunk := a.chunks[a.at.chunk]; a.at.offset+n <= len(chunk) {
			s := chunk[a.at.offset : a.at.offset+n : a.at.offset+n]
			a.at.offset += n
			a.used += n
			return s
		}
		a.at.chunk++
		a.at.offset = 0
	}
	var t T
	a.chunks = append(a.chunks, make([]T, max(n, chunkBytes/int(unsafe.Sizeof(t)))))
	return a.alloc(n)
}

func (a *arena[T]) mark() arenaMark {
	return arenaMark{chunk: a.at.chunk, offset: a.at.offset, used: a.used}
}

func (a *arena[T]) release(m arenaMark) {
	a.at, a.used = m, m.used
}
