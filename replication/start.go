package replication

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgconn"
)

// Start sends START_REPLICATION at 0/0, which is the slot's confirmed_flush. It owns the slot when it returns nil. After
// an error that the server answered, as *SlotActiveError, the connection can be used again.
//
// It never names another position: one ahead of the slot's would skip silently, and one beyond the server's WAL is
// accepted and drops new commits. Whoever knows better compares what comes.
func (c *Conn) Start(ctx context.Context) (*Stream, error) {
	if c.config.Messages && c.version < 140000 {
		return nil, &configError{fmt.Sprintf("stream logical messages: Postgres %d cannot, 14 is the first that can", c.version/10000)}
	}
	// The connection is taken over before the command, not after it: pgconn reads ahead, and there is nothing to read
	// ahead now. What comes after the answer goes straight into our own buffer.
	if err := c.pg.SyncConn(ctx); err != nil {
		return nil, fmt.Errorf("start replication: %w", err)
	}
	hijacked, err := c.pg.Hijack()
	if err != nil {
		return nil, fmt.Errorf("start replication: %w", err)
	}
	in := newFrames(hijacked.Conn)
	refused, err := startReplication(ctx, hijacked.Conn, in, c.startCommand())
	if err != nil {
		_ = hijacked.Conn.Close()
		return nil, fmt.Errorf("start replication: %w", err)
	}
	if refused != nil {
		if c.pg, err = pgconn.Construct(hijacked); err != nil {
			return nil, fmt.Errorf("start replication: %w", err)
		}
		return nil, startError(c.config.Slot, refused)
	}
	return newStream(hijacked.Conn, socketOf(hijacked.Conn), in, hijacked.PID, c.config, reportedSettings()), nil
}

// startCommand is in the replication grammar: identifiers in double quotes, and inside the option a list of identifiers
// in quotes of its own.
func (c *Conn) startCommand() string {
	options := "proto_version '1', publication_names " + quoteLiteral(quoteIdentifier(c.config.Publication))
	if c.config.Messages {
		options += ", messages 'true'"
	}
	return fmt.Sprintf("START_REPLICATION SLOT %s LOGICAL 0/0 (%s)", quoteIdentifier(c.config.Slot), options)
}

// startReplication sends the command and reads the answer: nil, nil when the server streams from now on; what it
// refuses with when it is ready for another command; an error when the connection is of no more use.
func startReplication(ctx context.Context, conn net.Conn, in *frames, command string) (refused *pgconn.PgError, err error) {
	stop := context.AfterFunc(ctx, func() { _ = conn.SetDeadline(time.Unix(1, 0)) })
	defer func() {
		if !stop() {
			refused, err = nil, context.Cause(ctx) // the deadline has been set, or is being set right now
		}
	}()
	query := append([]byte{'Q'}, binary.BigEndian.AppendUint32(nil, uint32(4+len(command)+1))...)
	query = append(append(query, command...), 0)
	if _, err := conn.Write(query); err != nil {
		return nil, err
	}
	for {
		kind, body, err := in.next()
		if err != nil {
			return refused, errors.Join(refusedError(refused), err)
		}
		switch kind {
		case frameCopyBoth:
			return nil, nil
		case frameError:
			if refused, err = serverMessage(body); err != nil {
				return nil, err
			}
		case frameReady:
			if refused == nil {
				return nil, errors.New("the server did not begin to stream")
			}
			return refused, nil
		case frameNotice, frameParameter:
		default:
			return nil, protocolErrorf(body, "frame %q is out of place; its body", kind)
		}
	}
}

// refusedError makes a nil *PgError a nil error.
func refusedError(e *pgconn.PgError) error {
	if e == nil {
		return nil
	}
	return e
}

// startError tells apart why the server refused to stream from a slot.
func startError(slot string, e *pgconn.PgError) error {
	switch e.Code {
	case codeObjectInUse:
		return &SlotActiveError{Slot: slot, PID: pidIn(e.Message)}
	case codeUndefinedObject: // the publication is looked up later, when the first row is decoded
		return fmt.Errorf("start replication: %w: %w", ErrNoSlot, e)
	case codeNotInPrerequisiteState: // lost, invalidated, of another database or kind; three texts, seven versions
		return fmt.Errorf("start replication: %w: %w", ErrSlotUnusable, e)
	}
	return fmt.Errorf("start replication: %w", e)
}

// pidIn finds the process id in `replication slot "relay_2" is active for PID 4711`, in any language: the last number.
func pidIn(message string) uint32 {
	numbers := regexp.MustCompile(`[0-9]+`).FindAllString(message, -1)
	if len(numbers) == 0 {
		return 0
	}
	pid, err := strconv.ParseUint(numbers[len(numbers)-1], 10, 32)
	if err != nil {
		return 0
	}
	return uint32(pid)
}

// socketOf finds the dialled socket below what pgconn made of it.
func socketOf(conn net.Conn) *socket {
	if over, ok := conn.(interface{ NetConn() net.Conn }); ok { // *tls.Conn
		conn = over.NetConn()
	}
	return conn.(*socket)
}

func quoteIdentifier(s string) string { return `"` + strings.ReplaceAll(s, `"`, `""`) + `"` }

// quoteLiteral relies on standard_conforming_strings, which the session pins.
func quoteLiteral(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }
