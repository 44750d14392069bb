// Package migrations holds the SQL of Relay's tables and renders it with the names of a team's own schema and roles.
//
// The SQL is plain: no psql command, no statement that needs a transaction of its own, no extension. A file that was
// published never changes; a later version of Relay adds files. The package knows nothing of connections: who applies
// the SQL, and with which tool, is the team's business.
package migrations
