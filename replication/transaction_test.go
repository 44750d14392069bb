package replication

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"strings"
	"testing"
)

func begin(commit uint64, time uint64, xid uint32) []byte {
	m := binary.BigEndian.AppendUint64([]byte{msgBegin}, commit)
	m = binary.BigEndian.AppendUint64(m, time)
	return wal(binary.BigEndian.AppendUint32(m, xid)...)
}

func commit(commit, end, time uint64) []byte {
	m := binary.BigEndian.AppendUint64([]byte{msgCommit, 0}, commit)
	m = binary.BigEndian.AppendUint64(m, end)
	return wal(binary.BigEndian.AppendUint64(m, time)...)
}

func keepalive(walEnd uint64, reply byte) []byte {
	b := binary.BigEndian.AppendUint64([]byte{copyKeepalive}, walEnd)
	return frame(frameCopyData, append(binary.BigEndian.AppendUint64(b, 0), reply)...)
}

func TestStreamOfWholeTransactionsInCommitOrder(t *testing.T) {
	relation := wal(relationMessage(7, "t", "id", "name")...)
	insert := wal(unhex("49 00000007 4e 0002 6e 6e")...)
	inTransaction := wal(unhex("4d 01 0000000000000010 7000 00000000")...)
	outside := wal(unhex("4d 00 0000000000000010 7000 00000000")...)
	for name, c := range map[string]struct {
		stream [][]byte
		want   string // error; "" for none
	}{
		"two":                          {[][]byte{begin(16, 1, 5), relation, insert, commit(16, 24, 1), begin(24, 2, 4), insert, commit(24, 32, 2)}, ""},
		"empty":                        {[][]byte{begin(16, 1, 5), commit(16, 24, 1)}, ""},
		"messages":                     {[][]byte{outside, begin(16, 1, 5), inTransaction, commit(16, 24, 1)}, ""},
		"keepalives":                   {[][]byte{keepalive(16, 0), keepalive(8, 1), begin(16, 1, 5), keepalive(99, 0), commit(16, 24, 1), keepalive(24, 0)}, ""},
		"row outside":                  {[][]byte{relation, insert}, "insert outside of a transaction: received 49"},
		"message outside":              {[][]byte{inTransaction}, "message outside of a transaction: received 4d"},
		"row behind a commit":          {[][]byte{relation, begin(16, 1, 5), commit(16, 24, 1), insert}, "insert outside of a transaction"},
		"begin in begin":               {[][]byte{begin(16, 1, 5), begin(24, 1, 6)}, "begin of transaction 6 inside transaction 5: received 42"},
		"begin without LSN":            {[][]byte{begin(0, 1, 5)}, "commit LSN 0/0"},
		"commit outside":               {[][]byte{commit(16, 24, 1)}, "commit at 0/10 outside of a transaction: received 43"},
		"commit twice":                 {[][]byte{begin(16, 1, 5), commit(16, 24, 1), commit(16, 24, 1)}, "outside of a transaction"},
		"other commit LSN":             {[][]byte{begin(16, 1, 5), commit(17, 24, 1)}, "commit at 0/11 of transaction 5, which began with commit LSN 0/10: received 43"},
		"other commit time":            {[][]byte{begin(16, 1, 5), commit(16, 24, 2)}, "commit time"},
		"end not behind commit":        {[][]byte{begin(16, 1, 5), commit(16, 16, 1)}, "commit record of transaction 5 from 0/10 to 0/10"},
		"same commit again":            {[][]byte{begin(16, 1, 5), commit(16, 24, 1), begin(16, 1, 5)}, "commit LSN 0/10, before 0/18 up to which everything was sent"},
		"commit inside the last one":   {[][]byte{begin(16, 1, 5), commit(16, 24, 1), begin(23, 1, 6)}, "before 0/18"},
		"commit before a keepalive":    {[][]byte{keepalive(17, 0), begin(16, 1, 5)}, "before 0/11"},
		"in-progress transaction":      {[][]byte{wal(unhex("53 00000005 01")...)}, "unknown type 'S'"},
		"CopyData of neither kind":     {[][]byte{frame(frameCopyData, 'z')}, "CopyData is neither XLogData nor a keepalive: received 7a"},
		"short XLogData":               {[][]byte{frame(frameCopyData, 'w', 1, 2)}, "CopyData is neither"},
		"short keepalive":              {[][]byte{frame(frameCopyData, 'k', 1, 2)}, "CopyData is neither"},
		"empty CopyData":               {[][]byte{frame(frameCopyData)}, "CopyData is neither"},
		"frame out of place":           {[][]byte{frame(frameCopyBoth, 0, 0, 0)}, "frame 'W' is out of place"},
		"notice":                       {[][]byte{frame(frameNotice, []byte("SNOTICE\x00C00000\x00Mhello\x00\x00")...)}, ""},
		"notice that cannot be":        {[][]byte{frame(frameNotice, 'S')}, "read notice: what the server has to say cannot be decoded: received 53"},
		"error":                        {[][]byte{frame(frameError, []byte("SFATAL\x00C57P01\x00Mbye\x00\x00")...)}, "bye (SQLSTATE 57P01)"},
		"error that cannot be":         {[][]byte{frame(frameError, 'S', 'x')}, "read error: what the server has to say cannot be decoded"},
		"publication missing, 17":      {[][]byte{frame(frameError, []byte("SFEHLER\x00C42704\x00MPublikation »x« existiert nicht\x00Rget_publication_oid\x00\x00")...)}, ErrNoPublication.Error()},
		"publication missing, 18":      {[][]byte{frame(frameNotice, []byte("SWARNUNG\x00C55000\x00MLaden übersprungen\x00RLoadPublications\x00\x00")...)}, ErrNoPublication.Error()},
		"publication missing, by text": {[][]byte{frame(frameNotice, []byte("SWARNING\x00C55000\x00Mskipped loading publication \"x\"\x00\x00")...)}, ErrNoPublication.Error()},
		"end of copy":                  {[][]byte{frame(frameCopyDone)}, ErrStopped.Error()},
		"end of command":               {[][]byte{frame(frameCommandComplete, []byte("COPY 0\x00")...)}, ErrStopped.Error()},
		"parameter":                    {[][]byte{frame(frameParameter, []byte("TimeZone\x00UTC\x00")...), frame(frameParameter, []byte("is_superuser\x00on\x00")...)}, ""},
		"parameter that cannot be":     {[][]byte{frame(frameParameter, []byte("TimeZone")...)}, "ParameterStatus cannot be decoded"},
		"pinned parameter changes":     {[][]byte{frame(frameParameter, []byte("DateStyle\x00German\x00")...)}, `DateStyle changed from "ISO, MDY" to "German"`},
	} {
		s := replay(bytes.NewReader(bytes.Join(c.stream, nil)))
		var err error
		for err == nil {
			_, err = s.Next()
		}
		if c.want == "" && !errors.Is(err, io.EOF) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v lacks %q", name, err, c.want)
		}
		if _, again := s.Next(); !errors.Is(again, err) {
			t.Errorf("%s: first %v, then %v", name, err, again)
		}
	}
}

func TestKeepaliveInsideATransactionIsKept(t *testing.T) {
	s := replay(bytes.NewReader(bytes.Join([][]byte{begin(16, 1, 5), keepalive(20, 0), commit(16, 24, 1), keepalive(30, 0)}, nil)))
	var kinds []Kind
	for {
		m, err := s.Next()
		if err != nil {
			break
		}
		kinds = append(kinds, m.Kind)
	}
	if len(kinds) != 3 || kinds[0] != Begin || kinds[1] != Commit || kinds[2] != Keepalive {
		t.Errorf("%v", kinds)
	}
}

func TestBufferedAgreesWithNext(t *testing.T) {
	for _, major := range captured {
		reads := 0
		src := &cutReader{rest: readCapture(t, major), sizes: []int{1, 7, 100, 33, 500}}
		s := replay(readerFunc(func(p []byte) (int, error) { reads++; return src.Read(p) }))
		for {
			buffered, before := s.Buffered(), reads
			_, err := s.Next()
			if buffered != (reads == before) {
				t.Fatalf("buffered %t, but Next read %d times", buffered, reads-before)
			}
			if err != nil {
				break
			}
		}
	}
}

type readerFunc func(p []byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
