package export

import (
	"errors"
	"io/fs"
	"strings"
	"time"

	"github.com/outbox-relay/relay/migrations"
)

// Request says what is exported, and how.
type Request struct {
	Tool        string   // one of Tools
	Names       []string // of migrations; none: those that belong to every outbox
	Options     migrations.Options
	NextVersion string    // number of the first new file; "": the one after those in the directory
	Now         time.Time // for tools that number by the time
}

// State says what becomes of a file.
type State string

// The states of a File.
const (
	New       State = "new"
	Unchanged State = "unchanged" // it is there already
	Extended  State = "extended"  // an index that gets further lines
)

// File is one file of the tool.
type File struct {
	Path  string // below the directory, with slashes
	Text  string
	State State
}

// source is one migration as the tools' formats take it.
type source struct {
	id     string // as in 0001_outbox
	name   string // as in relay_outbox
	about  string
	up     string // ends with a newline, as down and verify do
	down   string // refuses
	verify string // "": nothing to look at
}

// Plan gives the files of the migrations that are asked for, in order, and then those of the tool's index. dir is the
// tool's directory, which may not exist. It fails with a *UsageError or a *ConflictError, or because dir cannot be read.
func Plan(dir fs.FS, req Request) ([]File, error) {
	t, err := find(req.Tool)
	if err != nil {
		return nil, err
	}
	sources, err := req.sources()
	if err != nil {
		return nil, err
	}
	versions, err := t.versions(dir, sources, req)
	if err != nil {
		return nil, err
	}
	var files []File
	for i, s := range sources {
		if t.forbidden != "" && strings.Contains(s.up, t.forbidden) {
			return nil, &UsageError{Problem: "a name has " + t.forbidden + " in it, which " + t.name + " would replace"}
		}
		files = append(files, t.scripts(s, versions[i])...)
	}
	if err := compare(dir, files); err != nil {
		return nil, err
	}
	if t.index == nil {
		return files, nil
	}
	index, err := t.index(dir, sources, files, req.Now)
	return append(files, index...), err
}

func (req Request) sources() ([]source, error) {
	selected, err := migrations.Select(req.Names...)
	if err != nil {
		return nil, &UsageError{Problem: err.Error()}
	}
	var sources []source
	for _, m := range selected {
		s := source{id: strings.TrimSuffix(m.File(), ".sql"), name: "relay_" + m.Name, about: m.About}
		for part, text := range map[*string]string{&s.down: down(m.Name), &s.verify: verify(m.Name)} {
			if *part, err = req.Options.Fill(text); err != nil {
				return nil, &UsageError{Problem: err.Error()}
			}
		}
		if s.up, err = m.Render(req.Options); err != nil {
			return nil, &UsageError{Problem: err.Error()}
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// compare sets the state of each file. One that is there with another text is a conflict.
func compare(dir fs.FS, files []File) error {
	var conflict ConflictError
	for i, f := range files {
		text, err := fs.ReadFile(dir, f.Path)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			files[i].State = New
		case err != nil:
			return err
		case string(text) == f.Text:
			files[i].State = Unchanged
		default:
			conflict.Files = append(conflict.Files, f.Path)
		}
	}
	if len(conflict.Files) > 0 {
		conflict.Problem = "there with another text: " + strings.Join(conflict.Files, ", ")
		conflict.Hint = "A migration that may have been applied never changes. Export with the names it was exported with, or into an empty directory to compare."
		return &conflict
	}
	return nil
}
