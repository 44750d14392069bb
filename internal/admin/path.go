package admin

import "path/filepath"

// None is the value of server.admin_socket that serves nothing.
const None = "none"

// systemDirectory is where service managers make a directory for the socket.
const systemDirectory = "/run/relay"

// Candidates are the paths where the socket of a relay may be: the configured one alone, else those of the system and of
// the user's session. runtimeDir is $XDG_RUNTIME_DIR. A directory that all users share, as /tmp, is never among them.
func Candidates(configured, relay, runtimeDir string) []string {
	switch {
	case configured == None:
		return nil
	case configured != "":
		return []string{configured}
	}
	paths := []string{filepath.Join(systemDirectory, relay+".sock")}
	if filepath.IsAbs(runtimeDir) {
		paths = append(paths, filepath.Join(runtimeDir, "relay-"+relay+".sock"))
	}
	return paths
}

// choose is the candidate to listen at: the first whose directory is there and can be written to. Empty: there is none.
func choose(candidates []string) string {
	for _, path := range candidates {
		if writable(filepath.Dir(path)) {
			return path
		}
	}
	return ""
}
