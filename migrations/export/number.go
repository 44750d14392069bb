package export

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// numbering is how a tool numbers its files.
type numbering struct {
	file      *regexp.Regexp // a file's name: its number, then the name of the migration
	width     int            // of the first number, filled up with zeros; 0: it is the time
	gapless   bool           // the tool wants each number
	recursive bool           // the tool looks into directories below, too
	parts     bool           // a number may have parts, as 1.2
}

// stamp is a number that is a time in UTC, the way several tools write it.
const stamp = "20060102150405"

// taken are the numbers in a directory.
type taken struct {
	byName  map[string]string
	highest string // "": there are none
	file    string // that has the highest
	parted  string // a file whose number has parts, as in V1.2__; "": none has
}

// assign gives each migration its number: the one it has, or the next.
func (n *numbering) assign(dir fs.FS, sources []source, req Request) ([]string, error) {
	t, err := n.read(dir)
	if err != nil {
		return nil, err
	}
	versions := make([]string, len(sources))
	next := ""
	for i, s := range sources {
		if versions[i] = t.byName[s.name]; versions[i] != "" {
			continue
		}
		if next == "" {
			next, err = n.first(t, req)
		} else {
			next, err = successor(next, req.Now)
		}
		if err != nil {
			return nil, err
		}
		versions[i] = next
	}
	return versions, nil
}

func (n *numbering) read(dir fs.FS) (taken, error) {
	t := taken{byName: map[string]string{}}
	err := fs.WalkDir(dir, ".", func(p string, d fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist) && p == ".":
			return fs.SkipAll
		case err != nil:
			return err
		case d.IsDir():
			if p != "." && !n.recursive {
				return fs.SkipDir
			}
			return nil
		}
		return t.add(p, n.file.FindStringSubmatch(path.Base(p)))
	})
	return t, err
}

// add takes in a file; parts are its number and name, nil for one that is not the tool's.
func (t *taken) add(file string, parts []string) error {
	if parts == nil {
		return nil
	}
	whole, _, isParted := strings.Cut(strings.ReplaceAll(parts[1], "_", "."), ".")
	if isParted {
		t.parted = file
	}
	n, err := strconv.ParseUint(whole, 10, 64)
	if err != nil {
		return &UsageError{Problem: fmt.Sprintf("the number of %s is too large", file)}
	}
	if t.highest == "" || n > number(t.highest) {
		t.highest, t.file = whole, file
	}
	t.byName[parts[2]] = parts[1]
	return nil
}

// first is the number of the first new file.
func (n *numbering) first(t taken, req Request) (string, error) {
	given := req.NextVersion
	switch {
	case given != "":
		return n.check(t, given)
	case t.parted != "":
		return "", &UsageError{
			Problem: "which number comes after those of " + t.parted + " is for you to say",
			Hint:    "Give it with --next-version.",
		}
	case t.highest != "":
		return successor(t.highest, req.Now)
	case n.width == 0:
		return req.Now.UTC().Format(stamp), nil
	}
	return fmt.Sprintf("%0*d", n.width, 1), nil
}

// check looks at a number that was given, and writes it as wide as the others.
func (n *numbering) check(t taken, given string) (string, error) {
	if n.parts && strings.ContainsAny(given, "._") {
		return t.checkParts(given)
	}
	v, err := strconv.ParseUint(given, 10, 64)
	if err != nil {
		return "", &UsageError{Problem: fmt.Sprintf("--next-version %q is not a number", given)}
	}
	width := n.width
	if t.highest != "" {
		width = len(t.highest)
		highest := number(t.highest)
		if v <= highest {
			return "", &UsageError{
				Problem: fmt.Sprintf("--next-version %s is not above %s: the tool would not apply it", given, t.file),
				Hint:    "Leave it out to take the next one.",
			}
		}
		if n.gapless && v != highest+1 {
			return "", &UsageError{Problem: fmt.Sprintf("--next-version %s leaves a gap after %s, which the tool refuses", given, t.file)}
		}
	} else if n.gapless && v != 1 {
		return "", &UsageError{Problem: fmt.Sprintf("--next-version %s in a directory without migrations leaves a gap, which the tool refuses", given)}
	}
	return fmt.Sprintf("%0*d", width, v), nil
}

// checkParts looks at a number with parts, and leaves it as it was given.
func (t taken) checkParts(given string) (string, error) {
	parts, ok := numberParts(given)
	if !ok {
		return "", &UsageError{Problem: fmt.Sprintf("--next-version %q is not a number, nor numbers with dots between", given)}
	}
	for _, there := range t.byName {
		if others, ok := numberParts(there); ok && slices.Compare(parts, others) <= 0 {
			return "", &UsageError{Problem: fmt.Sprintf("--next-version %s is not above %s, which is there: the tool would not apply it", given, there)}
		}
	}
	return given, nil
}

// numberParts are the parts of a number, without zeros at the end, which mean nothing.
func numberParts(v string) ([]uint64, bool) {
	var parts []uint64
	for text := range strings.SplitSeq(strings.ReplaceAll(v, "_", "."), ".") {
		n, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return nil, false
		}
		parts = append(parts, n)
	}
	for len(parts) > 0 && parts[len(parts)-1] == 0 {
		parts = parts[:len(parts)-1]
	}
	return parts, true
}

// successor is the number after v: for a time the next second, or now if that is later. Of a number with parts the last
// one counts on.
func successor(v string, now time.Time) (string, error) {
	if last := strings.LastIndexAny(v, "._"); last >= 0 {
		next, err := successor(v[last+1:], now)
		return v[:last+1] + next, err
	}
	if t, err := time.Parse(stamp, v); err == nil {
		if t = t.Add(time.Second); now.After(t) {
			t = now
		}
		return t.UTC().Format(stamp), nil
	}
	n := number(v)
	if n+1 == 0 {
		return "", &UsageError{Problem: "there is no number after " + v}
	}
	return fmt.Sprintf("%0*d", len(v), n+1), nil
}

// number is the value of digits that were read before.
func number(digits string) uint64 {
	n, err := strconv.ParseUint(digits, 10, 64)
	if err != nil {
		panic(err) // add and check let nothing else in
	}
	return n
}
