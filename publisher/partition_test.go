package publisher

import (
	"bytes"
	"encoding/base64"
	"os"
	"strconv"
	"strings"
	"testing"
)

// The vectors of Kafka's own UtilsTest.testMurmur2.
func TestMurmur2EqualsKafkasOwnVectors(t *testing.T) {
	for key, want := range map[string]int32{
		"21":                         -973932308,
		"foobar":                     -790332482,
		"a-little-bit-long-string":   -985981536,
		"a-little-bit-longer-string": -1486304829,
		"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
		"abc": 479470107,
	} {
		if got := int32(murmur2([]byte(key))); got != want {
			t.Errorf("murmur2(%q) = %d, want %d", key, got, want)
		}
	}
}

// testdata/murmur2.tsv was written by kafka-clients' BuiltInPartitioner (testdata/Murmur2.java): base64 of the key,
// then its partition of 1, 6, 7, 50 and 1000.
func TestMurmur2PartitionsEqualTheJavaClients(t *testing.T) {
	file, err := os.ReadFile("testdata/murmur2.tsv")
	if err != nil {
		t.Fatal(err)
	}
	lines := bytes.Split(bytes.TrimRight(file, "\n"), []byte("\n"))
	if len(lines) < 200 {
		t.Fatalf("only %d keys", len(lines))
	}
	for _, line := range lines {
		fields := strings.Split(string(line), "\t")
		key, err := base64.StdEncoding.DecodeString(fields[0])
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range []int32{1, 6, 7, 50, 1000} {
			want, err := strconv.Atoi(fields[1+i])
			if err != nil {
				t.Fatal(err)
			}
			if got := partitionMurmur2(key, n); got != int32(want) {
				t.Errorf("key %q of %d partitions: got %d, Java says %d", key, n, got, want)
			}
		}
	}
}

// librdkafka's tests/0048-partitioner.c: crc32 (zlib's) over the key, modulo the number of partitions, unsigned.
func TestCRC32IsZlibs(t *testing.T) {
	for key, want := range map[string]uint32{"": 0, "a": 0xe8b7be43, "123456789": 0xcbf43926} {
		if got := partitionCRC32([]byte(key), 1000); got != int32(want%1000) {
			t.Errorf("partition of %q = %d, want %d", key, got, want%1000)
		}
	}
}

func BenchmarkPartition(b *testing.B) {
	key := []byte("0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01")
	for _, name := range Partitioners() {
		partition := newPartitioner(name)
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				partition(key, 6)
			}
		})
	}
}
