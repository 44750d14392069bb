package outbox

import (
	"fmt"
	"unicode/utf8"
)

// The limits of the table's domains and CHECK in package migrations, which WAL messages keep to as well. Together they
// leave room in Kafka's default message.max.bytes of 1048588: what the table accepts fits.
const (
	MaxPayloadBytes       = 1_000_000
	MaxHeadersBytes       = 32 << 10 // of the JSON text
	MaxAggregateTypeBytes = 200
	MaxAggregateIDBytes   = 1024
	MaxEventTypeBytes     = 255
)

// checkAggregateType applies the rule of domain outbox.aggregate_type: it becomes part of a topic name.
func checkAggregateType(s []byte) string {
	switch {
	case len(s) == 0 || len(s) > MaxAggregateTypeBytes:
		return lengthDetail("aggregate_type", len(s), MaxAggregateTypeBytes)
	case badTopicByte(string(s)) >= 0:
		return "aggregate_type has other characters than letters, digits, dot, underscore and hyphen"
	case string(s) == "." || string(s) == ".." || len(s) > 1 && s[0] == '_' && s[1] == '_':
		return "aggregate_type is a dot or two, or begins with two underscores"
	}
	return ""
}

// checkAggregateID applies the rule of domain outbox.aggregate_id.
func checkAggregateID(s []byte) string {
	if len(s) == 0 || len(s) > MaxAggregateIDBytes {
		return lengthDetail("aggregate_id", len(s), MaxAggregateIDBytes)
	}
	for _, c := range s {
		if c == 0 {
			return "aggregate_id has a NUL character"
		}
	}
	return ""
}

// checkEventType applies the rule of domain outbox.event_type.
func checkEventType(s []byte) string {
	if len(s) == 0 || len(s) > MaxEventTypeBytes {
		return lengthDetail("event_type", len(s), MaxEventTypeBytes)
	}
	for _, c := range s {
		if c < 0x20 || c == 0x7F {
			return "event_type has control characters"
		}
	}
	return ""
}

func lengthDetail(name string, n, most int) string {
	return fmt.Sprintf("%s has %d bytes, from 1 to %d are allowed", name, n, most)
}

// appendUUID appends the canonical form of a uuid, lower case as Postgres prints it.
func appendUUID(dst, text []byte) ([]byte, bool) {
	if len(text) != 36 {
		return dst, false
	}
	for i, c := range text {
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return dst, false
			}
		default:
			if _, ok := hexDigit(c); !ok {
				return dst, false
			}
			if 'A' <= c && c <= 'F' {
				c += 'a' - 'A'
			}
		}
		dst = append(dst, c)
	}
	return dst, true
}

// printable shortens what came from an application for an error: at most 64 bytes, whole characters.
func printable(p []byte) string {
	const most = 64
	if len(p) <= most {
		return string(p)
	}
	n := most
	for n > most-utf8.UTFMax && !utf8.RuneStart(p[n]) {
		n--
	}
	return string(p[:n]) + "..."
}
