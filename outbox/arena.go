package outbox

import "unsafe"

const (
	recordSize = int(unsafe.Sizeof(Record{}))
	headerSize = int(unsafe.Sizeof(Header{}))

	chunkBytes = 256 << 10 // a chunk of any arena; small enough that a nearly idle relay stays small
)

// arena hands out slices of T from chunks that it keeps: what it handed out stays where it is while the arena grows.
// What is larger than a quarter of a chunk gets memory of its own, so that at most a quarter of a chunk is ever left
// unused at its end; that memory goes back to the garbage collector on release, chunks are kept.
type arena[T any] struct {
	chunks [][]T
	large  [][]T
	at     arenaMark
}

// arenaMark is how far an arena is filled. The zero value is an empty arena.
type arenaMark struct {
	chunk, offset int // the chunk at hand, and how much of it is handed out
	large         int // number of large slices
	largeLen      int // their elements
}

func (a *arena[T]) alloc(n int) []T {
	length := chunkLen[T]()
	if n > length/4 {
		s := make([]T, n)
		a.large = append(a.large, s)
		a.at.large++
		a.at.largeLen += n
		return s
	}
	if a.at.offset+n > length {
		a.at.chunk++
		a.at.offset = 0
	}
	if a.at.chunk == len(a.chunks) {
		a.chunks = append(a.chunks, make([]T, length))
	}
	s := a.chunks[a.at.chunk][a.at.offset : a.at.offset+n : a.at.offset+n]
	a.at.offset += n
	return s
}

// used is the memory handed out, in bytes, with what is left unused at the end of full chunks.
func (a *arena[T]) used() int {
	return (a.at.chunk*chunkLen[T]() + a.at.offset + a.at.largeLen) * sizeOf[T]()
}

// held is the memory allocated, in bytes.
func (a *arena[T]) held() int {
	return (len(a.chunks)*chunkLen[T]() + a.at.largeLen) * sizeOf[T]()
}

func (a *arena[T]) mark() arenaMark { return a.at }

// release takes back what was handed out since m.
func (a *arena[T]) release(m arenaMark) {
	clear(a.large[m.large:])
	a.large = a.large[:m.large]
	a.at = m
}

func sizeOf[T any]() int {
	var t T
	return int(unsafe.Sizeof(t))
}

func chunkLen[T any]() int { return chunkBytes / sizeOf[T]() }
