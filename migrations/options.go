package migrations

import (
	"fmt"
	"strings"
)

// Options are the names in the SQL. The zero value gives the names of the documentation and grants nothing.
type Options struct {
	Schema      string // of the outbox; "": outbox
	Inbox       string // schema of the inbox; "": inbox
	Publication string // "": outbox
	AppRole     string // the application writes as it; "": the owner does, no grants
	RelayRole   string // Relay connects as it; "": no grants
}

// names are Options with defaults, quoted as SQL.
type names Options

func (o Options) names() (names, error) {
	n := names(o)
	for _, f := range []struct {
		option, byDefault string
		name              *string
	}{
		{"schema", "outbox", &n.Schema},
		{"inbox schema", "inbox", &n.Inbox},
		{"publication", "outbox", &n.Publication},
		{"application role", "", &n.AppRole},
		{"relay role", "", &n.RelayRole},
	} {
		quoted, err := identifier(*f.name, f.byDefault)
		if err != nil {
			return names{}, fmt.Errorf("%s: %w", f.option, err)
		}
		*f.name = quoted
	}
	return n, nil
}

// Fill puts the names into a text of the caller's, in which they stand as in the files: {{.Schema}}.
func (o Options) Fill(text string) (string, error) {
	n, err := o.names()
	if err != nil {
		return "", err
	}
	return n.render(text), nil
}

// maxIdentifier is NAMEDATALEN - 1 of Postgres, which cuts longer names off.
const maxIdentifier = 63

// identifier quotes a name. The default stays as it is: it is no keyword, and the SQL reads better. A dollar could end
// the body of a function that the name stands in.
func identifier(name, byDefault string) (string, error) {
	if name == "" || name == byDefault {
		return byDefault, nil
	}
	bad := strings.ContainsFunc(name, func(r rune) bool { return r < ' ' || r == 0x7F || strings.ContainsRune(`"$'\`, r) })
	if bad || len(name) > maxIdentifier {
		return "", fmt.Errorf("name %q: want at most %d bytes without quotes, dollars, backslashes and control characters", name, maxIdentifier)
	}
	return `"` + name + `"`, nil
}
