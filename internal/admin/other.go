//go:build !unix

package admin

import (
	"errors"
	"io/fs"
	"os"
)

func writable(string) bool { return false }

func owner(fs.FileInfo) (uid int, ok bool) { return 0, false }

func lock(string) (file *os.File, taken bool, err error) {
	return nil, false, errors.New("no admin socket on this system")
}
