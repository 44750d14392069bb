package config

import (
	"errors"
	"io/fs"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// maxIdentifier is the longest name in Postgres, in bytes (NAMEDATALEN - 1).
const maxIdentifier = 63

func (c Config) checkName(k *checker) {
	k.required("name", c.Name, "it is the relay's identity: the transactional id in Kafka is made of it")
	if c.Name != "" && !regexp.MustCompile(`^[a-z][a-z0-9-]{0,39}$`).MatchString(c.Name) {
		k.addf("name", "%q is not a name; write 1 to 40 of a-z, 0-9 and -, beginning with a letter: slot, transactional id and topics are made of it", c.Name)
	}
}

func (s Source) check(k *checker) {
	k.required("source.url", s.URL, "write postgres:// to take everything from the PG* variables")
	if s.URL != "" {
		s.checkURL(k)
	}
	if !k.failed("name") && !regexp.MustCompile(`^[a-z0-9_]{1,63}$`).MatchString(s.Slot) {
		k.addf("source.slot", "%q is not a slot name; write 1 to 63 of a-z, 0-9 and _: Postgres refuses others", s.Slot)
	}
	k.oneOf("source.failover", s.Failover, "auto", "never")
	k.required("source.publication", s.Publication, "without one Postgres sends nothing")
	if len(s.Publication) > maxIdentifier {
		k.addf("source.publication", "%q has more than %d bytes; Postgres cuts longer names", s.Publication, maxIdentifier)
	}
	between(k, "source.wal_sender_timeout", s.WalSenderTimeout, Duration(time.Second), Duration(10*time.Minute),
		"shorter ends healthy sessions, longer leaves the slot with a hung relay for as long")
}

// checkURL lets the driver read the connection string. Its error is not printed whole: a password with an unescaped
// slash or at-sign ends up in any part of it.
func (s Source) checkURL(k *checker) {
	if !strings.HasPrefix(s.URL, "postgres://") && !strings.HasPrefix(s.URL, "postgresql://") && !strings.Contains(s.URL, "=") {
		k.addf("source.url", "is neither a URL (postgres://user@host:5432/database) nor libpq keywords (host=... dbname=...)")
		return
	}
	_, err := pgconn.ParseConfig(s.URL)
	if err == nil {
		return
	}
	reason := "cannot be parsed"
	if file, ok := errors.AsType[*fs.PathError](err); ok {
		reason = "names a file that cannot be read: " + file.Error()
	} else if parse, ok := errors.AsType[*pgconn.ParseConfigError](err); ok {
		blank := *parse
		blank.ConnString = ""
		message, _, _ := strings.Cut(strings.TrimPrefix(blank.Error(), "cannot parse ``: "), " (")
		reason = "cannot be parsed: " + message
	}
	k.addf("source.url", "%s; write %%xx for special characters in user and password, or use source.password_file", reason)
}
