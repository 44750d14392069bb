package bench

import (
	"net/url"
	"regexp"
	"strings"
)

// withoutPassword is a connection string that may stand on a command line: the password goes by another way.
func withoutPassword(s string) string {
	if !strings.Contains(s, "://") {
		return regexp.MustCompile(`(?i)\bpassword\s*=\s*('(?:[^'\\]|\\.)*'|(?:\\.|\S)*)`).ReplaceAllString(s, "")
	}
	u, err := url.Parse(s)
	if err != nil {
		return s
	}
	if u.User != nil {
		u.User = url.User(u.User.Username())
	}
	query := u.Query()
	query.Del("password")
	u.RawQuery = query.Encode()
	return u.String()
}
