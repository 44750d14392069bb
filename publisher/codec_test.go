package publisher

import (
	"errors"
	"flag"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outbox-relay/relay/outbox"
)

var update = flag.Bool("update", false, "write the golden files")

// fullCheckpoint has every field set.
func fullCheckpoint() *Checkpoint {
	return &Checkpoint{
		Identity: Identity{
			Relay: "payments", Generation: 1732441267000, Shard: 1, Of: 4, SystemID: "7311486309187312417", DatabaseOID: 16384,
			Database: "shop", Slot: "relay_payments", KafkaClusterID: "5L6g3nShT-eMCtK--X86sw", TopicID: "Zm9vYmFyYmF6cXV4MTIzNA",
		},
		Timeline: 3, ResumeLSN: 0x16B374D848, Floor: 0x16B0000000,
		Partial:     &Transaction{CommitLSN: 0x16B374D900, XID: 918224, CommitTime: 785756471000001, Rows: 50000, Digest: 0x0123456789abcdef},
		Pieces:      2,
		Witness:     &Transaction{CommitLSN: 0x16B374D800, XID: 918223, CommitTime: 785756470000000, Rows: 2, Digest: 0xfedcba9876543210},
		Publication: Publication{OID: 16500, Xmin: 735, Tables: []PublishedTable{{Name: "outbox.event", OID: 16400, MembershipOID: 16501, MembershipXmin: 736}}},
		TableAdded:  1732441268000,
		Fingerprint: "17 messages=true digest=1", Seq: 42, EventsTotal: 1904417,
		Ends:   []End{{Topic: "payment.events", Partition: 3, Offset: 99120}},
		Holds:  Holds{Count: 1, LastOffset: 7},
		Phase:  PhaseStream,
		Writer: Writer{Version: "1.0.0", Host: "relay-7c9f-0", Time: time.Date(2026, 11, 24, 9, 41, 7, 0, time.UTC)},
	}
}

// The golden files are what published releases have written: a change here needs a new format version.
func TestRecordsKeepTheirForm(t *testing.T) {
	checkpoint, err := encodeCheckpoint(fullCheckpoint(), 17)
	if err != nil {
		t.Fatal(err)
	}
	b := fullCheckpoint()
	barrier, err := encodeBarrier(&Barrier{Identity: b.Identity, Timeline: b.Timeline, Epoch: 18, Writer: b.Writer})
	if err != nil {
		t.Fatal(err)
	}
	for name, got := range map[string][]byte{"checkpoint.json": checkpoint, "barrier.json": barrier} {
		path := "testdata/" + name
		if *update {
			if err := os.WriteFile(path, append(got, '\n'), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(strings.TrimSpace(string(want)), string(got)); diff != "" {
			t.Errorf("%s:\n%s", name, diff)
		}
	}
	back, err := decodeCheckpoint(checkpoint)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fullCheckpoint(), &back.Checkpoint); diff != "" || back.BarrierOffset != 17 {
		t.Errorf("barrier offset %d, checkpoint:\n%s", back.BarrierOffset, diff)
	}
}

func TestWhatCannotBeDecodedIsNeverNone(t *testing.T) {
	good, err := encodeCheckpoint(fullCheckpoint(), 17)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{
		"tombstone":             "",
		"no JSON":               "\x00\x01",
		"cut":                   string(good[:len(good)/2]),
		"bytes behind":          string(good) + "{}",
		"null":                  "null",
		"no format":             strings.Replace(string(good), `"format":1,`, ``, 1),
		"newer format":          strings.Replace(string(good), `"format":1`, `"format":2`, 1),
		"older format":          strings.Replace(string(good), `"format":1`, `"format":0`, 1),
		"unknown field":         strings.Replace(string(good), `"format":1`, `"format":1,"backfill":{}`, 1),
		"field missing":         strings.Replace(string(good), `"resume_lsn":"16/B374D848",`, ``, 1),
		"field renamed by case": strings.Replace(string(good), `"resume_lsn"`, `"Resume_LSN"`, 1),
		"bad LSN":               strings.Replace(string(good), `16/B374D848`, `16-B374D848`, 1),
		"zero LSN":              strings.Replace(string(good), `16/B374D848`, `0/0`, 1),
		"unknown phase":         strings.Replace(string(good), `"phase":"stream"`, `"phase":"backfill 3"`, 1),
		"no relay":              strings.Replace(string(good), `"relay":"payments"`, `"relay":""`, 1),
		"shard of too few":      strings.Replace(string(good), `"of":4`, `"of":1`, 1),
		"negative count":        strings.Replace(string(good), `"events_total":1904417`, `"events_total":-1`, 1),
	} {
		t.Run(name, func(t *testing.T) {
			if value == string(good) {
				t.Fatal("the record was not changed")
			}
			if got, err := decodeCheckpoint([]byte(value)); !errors.Is(err, ErrUndecodable) || got != nil {
				t.Errorf("got %+v and error %v, want ErrUndecodable", got, err)
			}
		})
	}
}

func TestCheckpointComesBackAsItWas(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := drawCheckpoint(t)
		value, err := encodeCheckpoint(want, 1)
		if err != nil {
			t.Fatal(err)
		}
		got, err := decodeCheckpoint(value)
		if err != nil {
			t.Fatalf("%s: %v", value, err)
		}
		if diff := cmp.Diff(want, &got.Checkpoint); diff != "" {
			t.Fatal(diff)
		}
	})
}

func drawCheckpoint(t *rapid.T) *Checkpoint {
	c := fullCheckpoint()
	c.Relay = rapid.StringN(1, 20, -1).Filter(validUTF8).Draw(t, "relay")
	c.Database = rapid.String().Filter(validUTF8).Draw(t, "database")
	c.Generation = rapid.Int64Min(1).Draw(t, "generation")
	c.ResumeLSN = outbox.LSN(rapid.Uint64Min(1).Draw(t, "lsn"))
	c.Seq, c.EventsTotal = rapid.Uint64().Draw(t, "seq"), rapid.Uint64().Draw(t, "events")
	c.Witness.CommitTime = rapid.Int64().Draw(t, "time")
	c.Witness.Digest = Digest(rapid.Uint64().Draw(t, "digest"))
	if rapid.Bool().Draw(t, "whole") {
		c.Partial, c.Pieces = nil, 0
	}
	if rapid.Bool().Draw(t, "no witness") {
		c.Witness = nil
	}
	c.Ends = rapid.SliceOfN(rapid.Custom(func(t *rapid.T) End {
		return End{Topic: rapid.String().Filter(validUTF8).Draw(t, "topic"), Partition: rapid.Int32().Draw(t, "partition"), Offset: rapid.Int64().Draw(t, "offset")}
	}), 1, MaxEnds).Draw(t, "ends")
	return c
}

// JSON replaces bytes that are no UTF-8. Names of relays, databases and topics are.
func validUTF8(s string) bool {
	return strings.ToValidUTF8(s, "") == s && !strings.Contains(s, "\uFFFD")
}

func FuzzDecodeCheckpoint(f *testing.F) {
	for _, name := range []string{"testdata/checkpoint.json", "testdata/barrier.json"} {
		value, err := os.ReadFile(name)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(value)
	}
	f.Add([]byte(`{"format":1}`))
	f.Fuzz(func(t *testing.T, value []byte) {
		got, err := decodeCheckpoint(value)
		if err != nil {
			if !errors.Is(err, ErrUndecodable) {
				t.Errorf("error is not ErrUndecodable: %v", err)
			}
			return
		}
		again, err := encodeCheckpoint(&got.Checkpoint, got.BarrierOffset)
		if err != nil {
			t.Fatalf("what was decoded cannot be encoded: %v", err)
		}
		if back, err := decodeCheckpoint(again); err != nil || !cmp.Equal(got, back) {
			t.Errorf("%s\nbecame\n%s\n%v", value, again, err)
		}
	})
}

func FuzzDecodeBarrier(f *testing.F) {
	value, err := os.ReadFile("testdata/barrier.json")
	if err != nil {
		f.Fatal(err)
	}
	f.Add(value)
	f.Fuzz(func(t *testing.T, value []byte) {
		if _, err := decodeBarrier(value); err != nil && !errors.Is(err, ErrUndecodable) {
			t.Errorf("error is not ErrUndecodable: %v", err)
		}
	})
}

func BenchmarkCheckpointCodec(b *testing.B) {
	c := fullCheckpoint()
	for len(c.Ends) < 6 {
		c.Ends = append(c.Ends, c.Ends[0])
	}
	value, err := encodeCheckpoint(c, 17)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("encode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := encodeCheckpoint(c, 17); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := decodeCheckpoint(value); err != nil {
				b.Fatal(err)
			}
		}
	})
}
