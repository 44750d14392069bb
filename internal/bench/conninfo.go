package bench

import (
	"errors"
	"net/url"
	"regexp"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/outbox-relay/relay/internal/config"
)

// splitPassword gives a connection string that may stand on a command line, where everybody on the machine can read it,
// and the password to be passed in another way; empty when there is none.
func splitPassword(s config.Source) (conninfo, password string, err error) {
	parsed, err := pgx.ParseConfig(s.URL)
	if err != nil {
		return "", "", errUnparsable
	}
	if password = parsed.Password; s.PasswordFile != "" {
		if password, err = s.Password(); err != nil {
			return "", "", err
		}
	}
	conninfo, err = withoutPassword(s.URL)
	return conninfo, password, err
}

// errUnparsable leaves out the cause, which may show the password.
var errUnparsable = errors.New("source.url cannot be parsed")

func withoutPassword(s string) (string, error) {
	if !strings.HasPrefix(s, "postgres://") && !strings.HasPrefix(s, "postgresql://") {
		return regexp.MustCompile(`(?i)\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|(?:\\.|\S)*)\s*`).ReplaceAllString(s, ""), nil
	}
	u, err := url.Parse(s)
	if err != nil {
		return "", errUnparsable
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	query := u.Query()
	query.Del("password")
	u.RawQuery = query.Encode()
	if u.Host == "" && u.User == nil && u.Path == "" { // everything comes from the environment
		return u.Scheme + "://" + strings.TrimPrefix(u.String(), u.Scheme+":"), nil
	}
	return u.String(), nil
}
