package config

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"regexp"
	"strings"
)

// Password reads the password of the source from its file; empty when no file is named. Call it for every connection: a
// rotated password must work without a restart. The error names the file and never what is in it.
func (s Source) Password() (string, error) {
	if s.PasswordFile == "" {
		return "", nil
	}
	text, err := os.ReadFile(s.PasswordFile)
	if err != nil {
		if cause, ok := errors.AsType[*fs.PathError](err); ok {
			err = cause.Err
		}
		return "", fmt.Errorf("read source.password_file %q: %w", s.PasswordFile, err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return "", fmt.Errorf("read source.password_file %q: the file is empty", s.PasswordFile)
	}
	return password, nil
}

const redacted = "xxxxx"

// RedactURL hides the passwords of a connection string, well-formed or not. It hides too much rather than too little:
// an unescaped slash or at-sign in a password makes it impossible to tell where it ends, so everything up to the last
// at-sign goes.
func RedactURL(s string) string {
	if scheme, rest, ok := strings.Cut(s, "://"); ok && !strings.ContainsAny(scheme, " =") {
		at, colon := strings.LastIndexByte(rest, '@'), strings.IndexByte(rest, ':')
		if colon >= 0 && colon < at {
			rest = rest[:colon+1] + redacted + rest[at:]
		}
		return scheme + "://" + regexp.MustCompile(`(?i)(password=)[^&]*`).ReplaceAllString(rest, "${1}"+redacted)
	}
	return regexp.MustCompile(`(?i)(password\s*=\s*)('(?:[^'\\]|\\.)*'|'.*|(?:\\.|\S)+)`).ReplaceAllString(s, "${1}"+redacted)
}
