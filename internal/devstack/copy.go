package devstack

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// copyTree copies a directory, contents and modes, owned by who. skip names paths (slash-separated, relative) whose
// contents are left out: a directory is made empty, a file is not made. A file that vanishes while the tree is copied
// is left out too: a running Postgres removes files, and what it does to them is in its write-ahead log.
func copyTree(from, to string, who owner, skip ...string) error {
	left := make(map[string]bool, len(skip))
	for _, s := range skip {
		left[s] = true
	}
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		target := filepath.Join(to, rel)
		switch {
		case entry.IsDir():
			if err := copyDir(path, target, who); err != nil {
				return err
			}
			if left[filepath.ToSlash(rel)] {
				return fs.SkipDir
			}
			return nil
		case left[filepath.ToSlash(rel)] || !entry.Type().IsRegular():
			return nil
		}
		err = copyFile(path, target, who)
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return err
	})
}

func copyDir(from, to string, who owner) error {
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if err := os.Mkdir(to, info.Mode().Perm()); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return who.own(to)
}

// copyFile lets the kernel copy (io.Copy between files), which shares blocks on file systems that can.
func copyFile(from, to string, who owner) (err error) {
	src, err := os.Open(from)
	if err != nil {
		return err
	}
	defer src.Close()
	info, err := src.Stat()
	if err != nil {
		return err
	}
	dst, err := os.OpenFile(to, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, info.Mode().Perm())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, dst.Close()) }()
	if _, err := io.Copy(dst, src); err != nil {
		return fmt.Errorf("copy %s: %w", from, err)
	}
	return who.own(to)
}
