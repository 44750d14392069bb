package replication

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"
)

func TestFramesThatCannotBe(t *testing.T) {
	for name, c := range map[string]struct {
		stream []byte
		want   string
	}{
		"unknown type":      {[]byte("?\x00\x00\x00\x04"), `unknown type '?': received 3f00000004`},
		"too short":         {[]byte("d\x00\x00\x00\x03"), `length 3 is outside 4 to 1073741828: received 6400000003`},
		"too long":          {[]byte("d\x7f\xff\xff\xff"), `length 2147483647 is outside 4 to 1073741828: received 647fffffff`},
		"negative":          {[]byte("d\xff\xff\xff\xff"), `length 4294967295 is outside`},
		"cut in its header": {[]byte("d\x00\x00"), `the connection ended inside it: received 640000`},
		"cut in its body":   {append([]byte("d\x00\x00\x01\x00"), bytes.Repeat([]byte{7}, 100)...), `ended inside it: received 105 bytes beginning with 640000010007`},
	} {
		f := newFrames(bytes.NewReader(c.stream))
		_, _, err := f.next()
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v lacks %q", name, err, c.want)
		}
		if _, ok := errors.AsType[*ProtocolError](err); !ok {
			t.Errorf("%s: %T", name, err)
		}
	}
	if _, _, err := newFrames(strings.NewReader("")).next(); !errors.Is(err, io.EOF) {
		t.Errorf("nothing at all: %v", err)
	}
}

// TestFramesHoldNoMemoryForALengthAlone announces a gigabyte and sends a few bytes.
func TestFramesHoldNoMemoryForALengthAlone(t *testing.T) {
	f := newFrames(io.MultiReader(strings.NewReader("d\x3f\xff\xff\xff"), strings.NewReader(strings.Repeat("x", 3*bufferSize))))
	if _, _, err := f.next(); err == nil {
		t.Fatal("no error")
	}
	if len(f.buf) > 8*bufferSize {
		t.Errorf("a buffer of %d bytes for %d received ones", len(f.buf), f.w)
	}
}

func TestFramesShrinkAfterALargeOne(t *testing.T) {
	large := frame(frameCopyData, make([]byte, 5*bufferSize)...)
	stream := append(append([]byte{}, large...), frame(frameCopyData, 'k')...)
	f := newFrames(iotest.HalfReader(bytes.NewReader(stream)))
	for _, want := range []int{5 * bufferSize, 1} {
		if _, body, err := f.next(); err != nil || len(body) != want {
			t.Fatalf("%d bytes instead of %d: %v", len(body), want, err)
		}
	}
	if _, _, err := f.next(); !errors.Is(err, io.EOF) {
		t.Fatal(err)
	}
	if len(f.buf) != bufferSize {
		t.Errorf("it keeps %d bytes", len(f.buf))
	}
}

// TestFramesAreTheSameHoweverTheyArrive is a law: the cuts that a network makes do not show.
func TestFramesAreTheSameHoweverTheyArrive(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream []byte
		var want [][]byte
		for _, n := range rapid.SliceOfN(rapid.OneOf(rapid.IntRange(0, 40), rapid.IntRange(0, 3*bufferSize)), 1, 6).Draw(t, "sizes") {
			body := bytes.Repeat([]byte{byte(n)}, n)
			want = append(want, body)
			stream = append(stream, frame(frameCopyData, body...)...)
		}
		cuts := rapid.SliceOfN(rapid.IntRange(1, bufferSize), 1, 5).Draw(t, "reads")
		f := newFrames(&cutReader{rest: stream, sizes: cuts})
		for i, body := range want {
			if _, got, err := f.next(); err != nil || !bytes.Equal(got, body) {
				t.Fatalf("frame %d: %d bytes instead of %d: %v", i, len(got), len(body), err)
			}
		}
		if _, _, err := f.next(); !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	})
}

// cutReader hands out its bytes in pieces of the given sizes, again and again.
type cutReader struct {
	rest  []byte
	sizes []int
	at    int
}

func (r *cutReader) Read(p []byte) (int, error) {
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	n := min(r.sizes[r.at%len(r.sizes)], len(r.rest), len(p))
	r.at++
	copy(p, r.rest[:n])
	r.rest = r.rest[n:]
	return n, nil
}
