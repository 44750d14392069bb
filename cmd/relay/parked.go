package main

import (
	"context"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/relay"
)

func newCmdParked(a *app) *cobra.Command {
	return noun(&cobra.Command{
		Use:   "parked",
		Short: "Look at events that could not be published; retry or skip them",
		Long: `With failure.on_unpublishable: park, an event that cannot be published is set aside in the parked topic, and later ones
of the same topic and key wait there behind it (reason "held"). Everything else goes on.

list and show read Kafka directly, also while the relay is down. retry publishes events when their cause is mended; skip
gives them up. Both take the slot for a moment: a running relay steps aside and goes on by itself.`,
		Example: `  relay parked list
  relay parked show 00000001-0000000007A41C60-00000000
  relay parked retry --reason unknown_topic --apply
  relay parked skip 0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01 --apply`,
	}, newCmdParkedList(a, nil), newCmdParkedShow(a, nil), newCmdParkedRetry(a, nil), newCmdParkedSkip(a, nil))
}

// parkedEvent is an event of the parked topic as it is shown.
type parkedEvent struct {
	Position string `json:"position"`
	ID       string `json:"id,omitempty"`
	Topic    string `json:"topic"` // empty: none could be found
	// Key is null for a null key. One that is no text is in KeyBase64.
	Key       *string `json:"key"`
	KeyBase64 string  `json:"key_base64,omitempty"`
	Reason    string  `json:"reason"`
	Detail    string  `json:"detail,omitempty"`
	// Behind is the position of the event that this one waits behind.
	Behind    string    `json:"behind,omitempty"`
	Kind      string    `json:"kind"` // record, row or message
	Bytes     int       `json:"bytes"`
	Parked    time.Time `json:"parked_at"`
	Committed time.Time `json:"committed_at"`
	XID       uint32    `json:"xid"`
	Offset    int64     `json:"offset"` // in the parked topic
}

// parkedContent is the whole of a parked event.
type parkedContent struct {
	parkedEvent
	Headers []parkedHeader `json:"headers"`
	// Value is null for a tombstone. One that is no text is in ValueBase64.
	Value       *string `json:"value"`
	ValueBase64 string  `json:"value_base64,omitempty"`
}

type parkedHeader struct {
	Name        string  `json:"name"`
	Value       *string `json:"value"`
	ValueBase64 string  `json:"value_base64,omitempty"`
}

// textOrBase64 gives bytes as JSON can carry them; neither for nil.
func textOrBase64(b []byte) (text *string, encoded string) {
	switch {
	case b == nil:
		return nil, ""
	case utf8.Valid(b):
		s := string(b)
		return &s, ""
	}
	return nil, base64.StdEncoding.EncodeToString(b)
}

// keyText is the key for people.
func (e *parkedEvent) keyText() string {
	switch {
	case e.Key != nil:
		return *e.Key
	case e.KeyBase64 != "":
		return "base64:" + e.KeyBase64
	}
	return none
}

// name is what retry and skip know the event by.
func (e *parkedEvent) name() string { return "parked/" + e.Position }

// parkedSelection says which events are meant.
type parkedSelection struct {
	all           bool
	events        []string
	topic, reason string
}

func (s *parkedSelection) bind(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.topic, "topic", "", "events for this topic")
	cmd.Flags().StringVar(&s.reason, "reason", "", "events that are parked for this reason, as in unknown_topic")
	registerCompletion(cmd, "reason", relay.ParkedReasons()...)
}

// check refuses a reason that no event can have: a slip would look as if nothing were parked.
func (s *parkedSelection) check(cmd *cobra.Command) error {
	if known := relay.ParkedReasons(); s.reason != "" && !slices.Contains(known, s.reason) {
		return usageError(cmd, "--reason %q is no reason for which events are parked; those are %s", s.reason, strings.Join(known, ", "))
	}
	return nil
}

// matches tells whether a filter lets an event through.
func (s *parkedSelection) matches(e *parkedEvent) bool {
	return (s.topic == "" || s.topic == e.Topic) && (s.reason == "" || s.reason == e.Reason)
}

// looking bounds a command that only reads.
func looking(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, commandTimeout, fmt.Errorf("no answer within %s", commandTimeout))
}
