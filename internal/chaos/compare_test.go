package chaos

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// history is two transactions over two partitions as they should be, and one that was cut into two pieces.
func history() ([]Row, []Published) {
	var written []Row
	var published []Published
	add := func(partition int32, offset int64, key string, n int64, tx string, size, piece int, epoch int16) {
		seq := len(written) + 1
		r := Row{ID: fmt.Sprintf("id-%d", seq), Topic: "t", Key: key, N: n, Tx: tx, Size: size, Value: 7}
		written = append(written, r)
		published = append(published, Published{
			Row: r, Fate: fateKept, At: Partition{"t", partition}, Offset: offset, ProducerID: 5, Epoch: epoch,
			Relay: "r/1", Seq: uint64(seq), Position: fmt.Sprintf("%04d", seq), Piece: piece,
		})
	}
	add(0, 0, "a", 1, "one", 3, 0, 1)
	add(0, 1, "a", 2, "one", 3, 0, 1)
	add(1, 0, "b", 1, "one", 3, 0, 1)
	add(0, 3, "a", 3, "two", 1, 0, 2)
	add(0, 5, "a", 4, "cut", 2, 1, 3)
	add(0, 7, "a", 5, "cut", 2, 2, 4)
	return written, published
}

// TestCompare plants each fault in a history that is right otherwise.
func TestCompare(t *testing.T) {
	cases := []struct {
		name   string
		fault  func(w *[]Row, p *[]Published)
		seen   []Offsets
		counts Verdict
		says   string // in the findings
	}{
		{name: "nothing wrong"},
		{
			name: "missing", fault: func(_ *[]Row, p *[]Published) { *p = (*p)[:5] },
			counts: Verdict{Missing: 1, Torn: 1}, says: "event id-6 (key a number 5 of transaction cut) is not in t",
		},
		{
			name: "missing in the middle", fault: func(_ *[]Row, p *[]Published) { *p = append((*p)[:3], (*p)[4:]...) },
			counts: Verdict{Missing: 1, SeqWrong: 1}, says: "should carry relay-seq 4",
		},
		{
			name: "published twice", fault: func(_ *[]Row, p *[]Published) {
				again := (*p)[5]
				again.Offset, again.Seq, again.Position = 9, 7, "0007"
				*p = append(*p, again)
			},
			counts: Verdict{Twice: 1, Disorder: 1, Torn: 1}, says: "event id-6 (key a number 5 of transaction cut, relay-seq 7) at t-0 offset 9 was published before",
		},
		{
			name: "rolled back and published", fault: func(w *[]Row, p *[]Published) {
				*w = append((*w)[:3], (*w)[4:]...)
				(*p)[3].Fate = fateRolledBack
			},
			counts: Verdict{Phantoms: 1}, says: "it was meant to be rolled back",
		},
		{
			name:  "another value",
			fault: func(_ *[]Row, p *[]Published) { (*p)[2].Value = 9 }, counts: Verdict{Altered: 1}, says: "Value:7",
		},
		{
			name:  "another topic",
			fault: func(_ *[]Row, p *[]Published) { (*p)[2].Row.Topic = "u" }, counts: Verdict{Altered: 1}, says: "published as",
		},
		{
			name: "a key out of order", fault: func(w *[]Row, p *[]Published) {
				(*w)[0].N, (*w)[1].N = 2, 1
				(*p)[0].N, (*p)[1].N = 2, 1
			},
			counts: Verdict{Disorder: 1}, says: "comes after",
		},
		{
			name:  "a key in two partitions",
			fault: func(_ *[]Row, p *[]Published) { (*p)[3].At.Index = 1 }, counts: Verdict{Disorder: 1}, says: "another partition",
		},
		{
			name: "relay-seq goes back in a partition", fault: func(_ *[]Row, p *[]Published) {
				(*p)[0].Seq, (*p)[1].Seq = 2, 1
				(*p)[0].Position, (*p)[1].Position = "0002", "0001"
			},
			counts: Verdict{SeqWrong: 1}, says: "comes after",
		},
		{
			name: "relay-seq does not begin at 1", fault: func(_ *[]Row, p *[]Published) {
				for i := range *p {
					(*p)[i].Seq++
				}
			},
			counts: Verdict{SeqWrong: 1}, says: "should carry relay-seq 1",
		},
		{
			name:  "not in the order of commits",
			fault: func(_ *[]Row, p *[]Published) { (*p)[2].Position = "0000" }, counts: Verdict{SeqWrong: 1}, says: "has position 0000",
		},
		{
			name:  "two generations",
			fault: func(_ *[]Row, p *[]Published) { (*p)[5].Relay = "r/2" }, counts: Verdict{SeqWrong: 1}, says: "of r/2",
		},
		{
			name:  "a fenced producer writes",
			fault: func(_ *[]Row, p *[]Published) { (*p)[3].Epoch = 0 }, counts: Verdict{Zombies: 1}, says: "producer 5 epoch 0, the one before it of producer 5 epoch 1",
		},
		{
			name: "epochs begin again with a greater producer id", fault: func(_ *[]Row, p *[]Published) {
				for i := 3; i < 6; i++ {
					(*p)[i].ProducerID, (*p)[i].Epoch = 6, 0
				}
			},
		},
		{
			name:  "a piece is left out",
			fault: func(_ *[]Row, p *[]Published) { (*p)[5].Piece = 3 }, counts: Verdict{PieceFail: 1}, says: "is of piece 3, after piece 1",
		},
		{
			name:  "pieces begin with the second",
			fault: func(_ *[]Row, p *[]Published) { (*p)[4].Piece, (*p)[5].Piece = 2, 3 }, counts: Verdict{PieceFail: 1}, says: "is of piece 2",
		},
		{
			name:  "a cut transaction goes on without a piece",
			fault: func(_ *[]Row, p *[]Published) { (*p)[5].Piece = 0 }, counts: Verdict{PieceFail: 1}, says: "is of piece 0, after piece 1",
		},
		{
			name: "a reader sees half a transaction", seen: []Offsets{{{"t", 0}: 1}},
			counts: Verdict{Torn: 1}, says: "transaction one lies in t-0 at offsets 0 to 1, and a reader once saw it up to 1",
		},
		{
			name: "a reader sees whole transactions, whole pieces, or nothing", seen: []Offsets{
				{}, {{"t", 0}: 0, {"t", 1}: 0}, {{"t", 0}: 3, {"t", 1}: 0}, {{"t", 0}: 2, {"t", 1}: 1}, {{"t", 0}: 6}, {{"t", 0}: 99},
			},
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			written, published := history()
			if c.fault != nil {
				c.fault(&written, &published)
			}
			got := Compare(written, published, c.seen)
			if clean := c.says == ""; got.Clean() != clean {
				t.Errorf("clean is %t", got.Clean())
			}
			ignore := cmpopts.IgnoreFields(Verdict{}, "Written", "Published", "Cut", "Findings")
			if diff := cmp.Diff(&c.counts, got, ignore); diff != "" {
				t.Errorf("(-want +got)\n%s\n%v", diff, got.Findings)
			}
			if text := fmt.Sprint(got.Findings); !strings.Contains(text, c.says) {
				t.Errorf("%q is not said in %s", c.says, text)
			}
		})
	}
}

func TestFindingsAreBounded(t *testing.T) {
	written := make([]Row, 1000)
	for i := range written {
		written[i].ID = fmt.Sprint(i)
	}
	v := Compare(written, nil, nil)
	if v.Missing != 1000 || len(v.Findings) != findingsEach {
		t.Errorf("%d are missing, %d are told", v.Missing, len(v.Findings))
	}
}
