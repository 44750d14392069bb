// Package connector translates the configuration of a Debezium connector with the outbox event router into Relay's: JSON
// as Kafka Connect's REST interface takes and gives it, and the properties of a standalone worker or of Debezium Server.
//
// Nothing is dropped in silence: every option of the file is in the result, or is the subject of a Note. An option that
// changes what consumers see and that Relay has no equal for, and one that is not known here, is Unsupported: a person
// has to look. Values of options that are not carried over are never repeated, since any of them may be a secret; a
// password is not carried over.
//
// Files: file reads, option and known say what options there are, translate and the files named after parts of the
// configuration put it together. The package reads no file and connects to nothing.
package connector
