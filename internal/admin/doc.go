// Package admin is the way to speak to a relay that runs: a Unix socket on which it takes pause, resume and reload.
//
// Whoever may open the socket may use it: it is made with mode 0600 in a directory that other users cannot write to, and
// each connection's peer must be the relay's own user or root. Requests and answers are HTTP with JSON, so curl
// --unix-socket works too. Nothing is served over TCP that changes anything.
//
// A lock file beside the socket is held for as long as the relay lives: whoever has the lock may replace what an older
// process left behind, and two relays of one name on one machine do not take the socket from each other.
//
// The package knows nothing of replication: a Daemon does the work.
package admin
