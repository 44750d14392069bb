package outbox

// chunkBytes is the size of a chunk: small enough that a nearly idle relay stays small.
const chunkBytes = 256 << 10

// arena hands out bytes from chunks that it keeps: what it handed out stays where it is while the arena grows. What is
// larger than a quarter of a chunk gets memory of its own, so that at most a quarter of a chunk is ever left unused at
// its end; that memory goes back to the garbage collector on release, chunks are kept.
type arena struct {
	chunks [][]byte
	large  [][]byte
	end    arenaMark
}

// arenaMark is how far an arena is filled. The zero value is an empty arena.
type arenaMark struct {
	chunk, offset int // the chunk at hand, and how much of it is handed out
	large         int // number of large slices
	largeLen      int // their bytes
}

// spot says where bytes of an arena lie without pointing to them.
type spot struct {
	chunk  uint32 // ^n for the n-th large slice
	offset uint32
}

func (a *arena) alloc(n int, at *spot) []byte {
	if n > chunkBytes/4 {
		s := make([]byte, n)
		*at = spot{chunk: ^uint32(len(a.large))}
		a.large = append(a.large, s)
		a.end.large++
		a.end.largeLen += n
		return s
	}
	if a.end.offset+n > chunkBytes {
		a.end.chunk++
		a.end.offset = 0
	}
	if a.end.chunk == len(a.chunks) {
		a.chunks = append(a.chunks, make([]byte, chunkBytes))
	}
	*at = spot{chunk: uint32(a.end.chunk), offset: uint32(a.end.offset)}
	a.end.offset += n
	return a.chunks[at.chunk][at.offset:a.end.offset]
}

// at gives the bytes from a place on; where they end, the caller knows.
func (a *arena) at(p spot) []byte {
	if n := ^p.chunk; int(n) < len(a.large) {
		return a.large[n]
	}
	return a.chunks[p.chunk][p.offset:]
}

// used is the memory handed out, in bytes, with what is left unused at the end of full chunks.
func (a *arena) used() int { return a.end.chunk*chunkBytes + a.end.offset + a.end.largeLen }

// held is the memory allocated, in bytes.
func (a *arena) held() int { return len(a.chunks)*chunkBytes + a.end.largeLen }

func (a *arena) mark() arenaMark { return a.end }

// release takes back what was handed out since m.
func (a *arena) release(m arenaMark) {
	clear(a.large[m.large:])
	a.large = a.large[:m.large]
	a.end = m
}
