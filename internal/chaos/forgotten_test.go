package chaos

import (
	"testing"

	"github.com/outbox-relay/relay/internal/devstack"
	"github.com/outbox-relay/relay/internal/status"
)

// TestForgottenConnections: all connections to Postgres fall silent for ever, those of the relay that works and of the one
// that stands by, and nobody is told. The server frees the slot; both relays must find out.
func TestForgottenConnections(t *testing.T) {
	t.Parallel()
	place := newPlace(t, 0, relaxed())
	door, err := devstack.NewProxy(place.Server.Address())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { door.Close() })
	place.RelayDoor = door.Addr()
	f := newFleet(t, place, Settings{WalSenderTimeout: senderTimeout})
	launch(t, f, status.Streaming)
	launch(t, f, status.Standby)
	reader := newReader(t, place)
	awaitMark(t, place, reader)
	door.HalfOpen()
	awaitMark(t, place, reader)
	expectClean(t, f)
}
