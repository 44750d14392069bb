package replication

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgproto3"
)

// serverMessage decodes the body of an ErrorResponse or NoticeResponse.
func serverMessage(body []byte) (*pgconn.PgError, error) {
	var r pgproto3.ErrorResponse
	if err := r.Decode(body); err != nil {
		return nil, protocolErrorf(body, "what the server has to say cannot be decoded")
	}
	return pgconn.ErrorResponseToPgError(&r), nil
}

// notice logs what the server has to say. One notice is as bad as an error: since 18 a publication that does not exist
// at the WAL being decoded is skipped with a warning, and its rows with it.
func (s *Stream) notice(body []byte) error {
	n, err := serverMessage(body)
	if err != nil {
		return fmt.Errorf("read notice: %w", err)
	}
	if isPublicationMissing(n) {
		return fmt.Errorf("%w: %w", ErrNoPublication, n)
	}
	s.logger.LogAttrs(context.Background(), noticeLevel(n), "postgres notice",
		slog.String("severity", n.Severity), slog.String("code", n.Code),
		slog.String("message", n.Message), slog.String("detail", n.Detail))
	return nil
}

func noticeLevel(n *pgconn.PgError) slog.Level {
	if n.SeverityUnlocalized == "WARNING" {
		return slog.LevelWarn
	}
	return slog.LevelInfo
}

// isPublicationMissing knows both forms of it: the error of 13 to 17 ("publication %s does not exist", raised in
// get_publication_oid) and the warning of 18 ("skipped loading publication", raised in LoadPublications of pgoutput).
// Message texts are translated to the server's lc_messages; the names of functions are not.
func isPublicationMissing(e *pgconn.PgError) bool {
	switch e.Routine {
	case "get_publication_oid", "GetPublicationByName", "LoadPublications":
		return true
	}
	return strings.HasPrefix(e.Message, "skipped loading publication")
}

// parameter watches over the pinned settings that the server reports: were one to change, the same row would have other
// bytes from then on.
func (s *Stream) parameter(body []byte) error {
	name, rest, ok := bytes.Cut(body, []byte{0})
	value, _, ok2 := bytes.Cut(rest, []byte{0})
	if !ok || !ok2 {
		return protocolErrorf(body, "read stream: ParameterStatus cannot be decoded")
	}
	if want, pinned := s.pinned[string(name)]; pinned && want != string(value) {
		return fmt.Errorf("session setting %s changed from %q to %q while streaming", name, want, value)
	}
	return nil
}
