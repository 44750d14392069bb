package replication

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// setting is a session setting in the start-up packet, where it wins over the defaults of role and database.
type setting struct {
	name, value string
}

// textSettings decide what values look like in text form. They are pinned so that a row has the same bytes whoever
// connects, now and after a restart; ALTER ROLE ... SET would change them silently otherwise.
func textSettings() []setting {
	return []setting{
		{"client_encoding", "UTF8"},
		{"DateStyle", "ISO, MDY"},
		{"IntervalStyle", "postgres"},
		{"TimeZone", "UTC"},
		{"extra_float_digits", "3"},
		{"bytea_output", "hex"},
		{"lc_monetary", "C"},             // money
		{"search_path", "pg_catalog"},    // regclass, regtype and the like leave out a schema that is on it
		{"quote_all_identifiers", "off"}, // the same types
		{"xmlbinary", "base64"},
		{"standard_conforming_strings", "on"}, // how our own queries quote
	}
}

// sessionSettings are pinned too, but do not change what a row looks like.
func sessionSettings(senderTimeout time.Duration) []setting {
	return []setting{
		{"wal_sender_timeout", fmt.Sprintf("%dms", senderTimeout.Milliseconds())},
		// A role with client_min_messages = error would never hear that 18 skips its publication.
		{"client_min_messages", "warning"},
		// Where a policy would hide rows of the table, audit and clean-up fail instead of taking it for empty.
		{"row_security", "off"},
	}
}

// applySettings puts the pinned settings into start-up parameters, whatever spelling stood there.
func applySettings(parameters map[string]string, settings []setting) {
	for _, s := range settings {
		maps.DeleteFunc(parameters, func(name, _ string) bool { return strings.EqualFold(name, s.name) })
		parameters[s.name] = s.value
	}
}

// reportedSettings are those pinned settings that a server reports when they change.
func reportedSettings() map[string]string {
	reported := []string{"client_encoding", "DateStyle", "IntervalStyle", "TimeZone", "standard_conforming_strings", "search_path"}
	pinned := make(map[string]string)
	for _, s := range textSettings() {
		if slices.Contains(reported, s.name) {
			pinned[s.name] = s.value
		}
	}
	return pinned
}

// fingerprint names everything that decides which bytes the stream has for the same WAL.
func fingerprint(messages bool, version int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "pgoutput=1 messages=%t major=%d", messages, version/10000)
	for _, s := range textSettings() {
		fmt.Fprintf(&b, " %s=%q", s.name, s.value)
	}
	return b.String()
}
