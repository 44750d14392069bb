package publisher

import (
	"encoding/binary"
	"hash/crc32"
)

// partitioner maps a key to one of n partitions.
type partitioner func(key []byte, n int32) int32

func newPartitioner(name string) partitioner {
	if name == "crc32" {
		return partitionCRC32
	}
	return partitionMurmur2
}

// partitionMurmur2 is the Java client's choice for a record with a key: toPositive(murmur2(key)) % n
// (org.apache.kafka.clients.producer.internals.BuiltInPartitioner.partitionForKey). Kafka Streams relies on it.
func partitionMurmur2(key []byte, n int32) int32 {
	return int32(murmur2(key)&0x7fffffff) % n
}

// partitionCRC32 is librdkafka's "consistent" partitioner: crc32(key) % n over unsigned numbers.
func partitionCRC32(key []byte, n int32) int32 {
	return int32(crc32.ChecksumIEEE(key) % uint32(n))
}

// murmur2 is org.apache.kafka.common.utils.Utils.murmur2: 32 bits, little endian, with Kafka's own seed.
func murmur2(data []byte) uint32 {
	const (
		seed uint32 = 0x9747b28c
		m    uint32 = 0x5bd1e995
		r           = 24
	)
	h := seed ^ uint32(len(data))
	for ; len(data) >= 4; data = data[4:] {
		k := binary.LittleEndian.Uint32(data)
		k *= m
		k ^= k >> r
		k *= m
		h *= m
		h ^= k
	}
	switch len(data) {
	case 3:
		h ^= uint32(data[2]) << 16
		fallthrough
	case 2:
		h ^= uint32(data[1]) << 8
		fallthrough
	case 1:
		h ^= uint32(data[0])
		h *= m
	}
	h ^= h >> 13
	h *= m
	h ^= h >> 15
	return h
}
