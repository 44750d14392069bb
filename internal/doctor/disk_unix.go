//go:build linux || darwin

package doctor

import "syscall"

// freeSpace looks at the file system of a directory, if there is such a directory on this host.
func freeSpace(directory string) disk {
	if directory == "" {
		return disk{}
	}
	var stat syscall.Statfs_t
	if err := syscall.Statfs(directory, &stat); err != nil {
		return disk{}
	}
	return disk{known: true, free: stat.Bavail * uint64(stat.Bsize)}
}
