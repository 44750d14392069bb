package relay

import (
	"context"
	"errors"
	"fmt"

	"github.com/outbox-relay/relay/internal/pause"
)

// errSlotFree ends the wait of a standby.
var errSlotFree = errors.New("slot is free")

// awaitSlot waits, on the connections that the session already has, until nobody reads the slot. It takes nothing: the
// next session begins at the top.
func (s *session) awaitSlot(ctx context.Context) error {
	for {
		if err := s.answered(ctx, s.slotBusy); err != nil {
			return err
		}
		s.cfg.Status.SlotHeldElsewhere()
		if err := pause.For(ctx, standbyEvery); err != nil {
			return err
		}
	}
}

// slotBusy is errSlotFree when it is not.
func (s *session) slotBusy(ctx context.Context) error {
	slot, err := s.side.Slot(ctx, s.cfg.Source.Slot)
	if err != nil {
		return fmt.Errorf("look at the slot: %w", err)
	}
	if slot == nil || slot.ActivePID == 0 {
		return errSlotFree
	}
	return nil
}
