package outbox_test

import (
	"strings"
	"testing"

	"github.com/outbox-relay/relay/outbox"
)

func TestIDsAreUUIDsOfVersion7(t *testing.T) {
	db := newDatabase(t, "")
	id := outbox.NewID()
	// The server reads the time out of it as RFC 9562 places it; it would be off by years if a bit were wrong.
	var text string
	var age float64
	check(t, db.conn.QueryRow(t.Context(), `SELECT $1::text::uuid::text,
		extract(epoch FROM now()) - ('x' || translate(left($1::text, 13), '-', ''))::bit(48)::bigint / 1000.0`, id.String()).Scan(&text, &age))
	if text != id.String() || age < -3600 || age > 3600 {
		t.Errorf("%s is %s, %f seconds old", id, text, age)
	}
	if text[14] != '7' || !strings.Contains("89ab", text[19:20]) {
		t.Errorf("%s has another version or variant", id)
	}
	if outbox.NewID() == id {
		t.Error("two ids are the same")
	}
}

func TestParseID(t *testing.T) {
	id := outbox.NewID()
	for _, text := range []string{id.String(), strings.ToUpper(id.String())} {
		if got, err := outbox.ParseID(text); got != id || err != nil {
			t.Errorf("ParseID(%q) is %v, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "x", strings.ReplaceAll(id.String(), "-", ""), id.String() + "0", "g" + id.String()[1:], "{" + id.String()[2:] + "}"} {
		if got, err := outbox.ParseID(text); err == nil {
			t.Errorf("ParseID(%q) is %v", text, got)
		}
	}
}
