package export

import (
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"
)

// atlas: https://atlasgo.io/concepts/migration-directory-integrity. There is no way down in a versioned directory but the
// one that Atlas computes.
func atlas() tool {
	return tool{
		name:    "atlas",
		numbers: &numbering{file: regexp.MustCompile(`^(\d+)_?(.*)\.sql$`)},
		scripts: func(s source, version string) []File {
			return []File{{Path: version + "_" + s.name + ".sql", Text: s.up}}
		},
		index: atlasIndex,
		next:  "atlas migrate apply --dir file://%s --url \"$OWNER_URL\"",
	}
}

const atlasSumFile = "atlas.sum"

// atlasIndex is atlas.sum with the new files. It is extended only where it is right about the others: else somebody has
// changed a migration, and a sum made now would hide that.
func atlasIndex(dir fs.FS, _ []source, files []File, _ time.Time) ([]File, error) {
	texts := map[string]string{}
	names, err := fs.Glob(dir, "*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			return nil, err
		}
		texts[name] = string(text)
	}
	old, err := fs.ReadFile(dir, atlasSumFile)
	switch {
	case errors.Is(err, fs.ErrNotExist) && len(texts) == 0:
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return nil, err
	case string(old) != atlasSum(texts):
		return nil, &ConflictError{
			Problem: atlasSumFile + " does not match the migrations beside it",
			Hint:    "See which one was changed (`atlas migrate validate`); when all is well, `atlas migrate hash`, then export again.",
		}
	}
	for _, f := range files {
		texts[f.Path] = f.Text
	}
	sum := File{Path: atlasSumFile, Text: atlasSum(texts), State: Extended}
	switch string(old) {
	case sum.Text:
		sum.State = Unchanged
	case "":
		sum.State = New
	}
	return []File{sum}, nil
}

// atlasSum is the text of atlas.sum: each file's hash covers the files before it, too, and the first line all of them
// (https://github.com/ariga/atlas/blob/master/sql/migrate/dir.go, NewHashFile).
func atlasSum(texts map[string]string) string {
	ignored := regexp.MustCompile(`^[ -~]*atlas:sum +ignore(?:[^ -~]|$)`)
	running, total := sha256.New(), sha256.New()
	var lines strings.Builder
	var names []string
	for name := range texts {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		running.Write([]byte(name))
		if ignored.MatchString(texts[name]) {
			continue
		}
		running.Write([]byte(texts[name]))
		hash := base64.StdEncoding.EncodeToString(running.Sum(nil))
		total.Write([]byte(name + hash))
		fmt.Fprintf(&lines, "%s h1:%s\n", name, hash)
	}
	return "h1:" + base64.StdEncoding.EncodeToString(total.Sum(nil)) + "\n" + lines.String()
}
