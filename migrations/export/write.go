package export

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write writes the files of a plan for dir, which it makes when it does not exist. A file that came into being since the
// plan was made is not overwritten; an index is replaced as a whole or not at all.
func Write(dir string, files []File) error {
	for _, f := range files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		if err := f.write(path); err != nil {
			return fmt.Errorf("write %s: %w", path, err)
		}
	}
	return nil
}

func (f File) write(path string) error {
	switch f.State {
	case New:
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return err
		}
		return create(path, f.Text)
	case Extended:
		aside := path + ".relay"
		if err := create(aside, f.Text); err != nil {
			return err
		}
		return os.Rename(aside, path)
	}
	return nil
}

// create makes a file that must not exist. What it could not write whole it takes away again.
func create(path, text string) error {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return err
	}
	_, err = file.WriteString(text)
	if err = errors.Join(err, file.Close()); err != nil {
		return errors.Join(err, os.Remove(path))
	}
	return nil
}
