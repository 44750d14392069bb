package replication

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// Class says what an error of this package means for whoever called.
type Class int

// The classes.
const (
	// Doubt is everything that is not listed below: lost connections, protocol errors, time-outs. New session.
	Doubt Class = iota
	// Unreachable: nothing answered as a server that takes connections now.
	Unreachable
	// Authentication: wrong or missing password, or no such role.
	Authentication
	// Rejected: pg_hba.conf has no line for us.
	Rejected
	// NoDatabase: the database does not exist.
	NoDatabase
	// NoRight: the role lacks a right, as REPLICATION or CONNECT.
	NoRight
	// TooMany: no connection, walsender or slot is free.
	TooMany
	// Untrusted: TLS failed, as for a certificate that does not verify.
	Untrusted
	// SlotBusy: another connection reads the slot.
	SlotBusy
	// SlotMissing: the slot does not exist.
	SlotMissing
	// SlotUnusable: the slot is lost, invalidated, or not for us. The catalogue says which.
	SlotUnusable
	// PublicationMissing: the publication does not exist where the server decodes.
	PublicationMissing
	// Misconfigured: the connection string or a setting cannot work.
	Misconfigured
)

// SQLSTATEs: https://www.postgresql.org/docs/current/errcodes-appendix.html
const (
	codeInvalidAuthorization   = "28000"
	codeInvalidPassword        = "28P01"
	codeInvalidCatalogName     = "3D000"
	codeInsufficientPrivilege  = "42501"
	codeUndefinedObject        = "42704"
	codeInvalidParameterValue  = "22023"
	codeTooManyConnections     = "53300"
	codeLimitExceeded          = "53400"
	codeObjectInUse            = "55006"
	codeNotInPrerequisiteState = "55000"
	codeCannotConnectNow       = "57P03"
)

// Classify says what err means. What it does not know is Doubt.
func Classify(err error) Class {
	if class, ok := classifyOwn(err); ok {
		return class
	}
	connecting := errors.As(err, new(*pgconn.ConnectError))
	// Of several hosts one may have answered and another not: an answer says more than silence.
	if answer, ok := errors.AsType[*pgconn.PgError](err); ok {
		return classifyAnswer(answer, connecting)
	}
	switch {
	case !connecting:
		return Doubt
	case isTLS(err):
		return Untrusted
	case isClientAuthentication(err):
		return Authentication
	case errors.Is(err, context.Canceled):
		return Doubt // our own doing
	}
	return Unreachable // no route, refused, no such host, no answer in time
}

// classifyOwn knows the errors that this package makes.
func classifyOwn(err error) (Class, bool) {
	switch {
	case errors.As(err, new(*SlotActiveError)):
		return SlotBusy, true
	case errors.Is(err, ErrNoSlot):
		return SlotMissing, true
	case errors.Is(err, ErrSlotUnusable):
		return SlotUnusable, true
	case errors.Is(err, ErrNoPublication):
		return PublicationMissing, true
	case errors.As(err, new(*configError)):
		return Misconfigured, true
	case errors.As(err, new(*passwordError)):
		return Authentication, true
	}
	return Doubt, false
}

// classifyAnswer goes by SQLSTATE; texts are translated. connecting tells whether the server refused to let us in.
func classifyAnswer(e *pgconn.PgError, connecting bool) Class {
	switch e.Code {
	case codeInvalidPassword: // also for a role that does not exist, where passwords are asked for
		return Authentication
	case codeInvalidAuthorization:
		// ClientAuthentication raises "no pg_hba.conf entry" and "pg_hba.conf rejects"; the same code from elsewhere is a
		// role that does not exist or may not log in, or a peer or certificate check that failed.
		if e.Routine == "ClientAuthentication" {
			return Rejected
		}
		return Authentication
	case codeInvalidCatalogName:
		return NoDatabase
	case codeInsufficientPrivilege: // CONNECT, REPLICATION; in a query, a catalogue function that was revoked
		return NoRight
	case codeTooManyConnections: // max_connections, max_wal_senders, a limit of role or database
		return TooMany
	case codeLimitExceeded: // max_replication_slots
		return TooMany
	case codeCannotConnectNow: // starting up, shutting down, in recovery without hot_standby
		return Unreachable
	}
	if !connecting {
		return Doubt
	}
	switch e.Code {
	case codeInvalidParameterValue, codeUndefinedObject: // a start-up parameter from the connection string
		return Misconfigured
	}
	return Unreachable // a server that is going down answers with 57P01, a broken one with XX000
}

// isTLS tells whether a connection failed between TCP and Postgres.
func isTLS(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError)) ||
		errors.As(err, new(x509.UnknownAuthorityError)) ||
		errors.As(err, new(x509.HostnameError)) ||
		errors.As(err, new(x509.CertificateInvalidError)) ||
		errors.As(err, new(tls.AlertError)) ||
		errors.As(err, new(tls.RecordHeaderError)) ||
		strings.Contains(err.Error(), "server refused TLS connection") // pgconn has no type for it
}

// isClientAuthentication tells whether our own side refused to authenticate, as when there is no password to send or
// the server did not prove that it knows it. pgconn has no type for it.
func isClientAuthentication(err error) bool {
	text := err.Error()
	return strings.Contains(text, "SASL") || strings.Contains(text, "SCRAM") || strings.Contains(text, "require_auth")
}

// parseReason is why a connection string was not understood, without any piece of it: where it is malformed nobody can
// tell which piece is the password. Only errors about files are told in full.
func parseReason(err error) string {
	const prefix = "parse the connection string: "
	parse, ok := errors.AsType[*pgconn.ParseConfigError](err)
	if !ok {
		return prefix + "it is neither a valid URL nor valid keywords and values"
	}
	text := parse.Error()
	for _, reason := range []string{"failed to read service", "failed to configure TLS"} {
		if strings.Contains(text, "`: "+reason) {
			return prefix + strings.TrimPrefix(reason, "failed to ") + ": " + errors.Unwrap(parse).Error()
		}
	}
	for _, reason := range []string{
		"failed to parse as URL", "failed to parse as keyword/value", "could not match", "invalid port", "invalid connect_timeout",
		"invalid sslcertmode", "invalid require_auth", "unknown target_session_attrs value", "unknown channel_binding value",
		"invalid min_protocol_version", "invalid max_protocol_version",
	} {
		if strings.Contains(text, "`: "+reason) {
			return prefix + strings.TrimPrefix(reason, "failed to ")
		}
	}
	return prefix + "it is neither a valid URL nor valid keywords and values"
}
