package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/admin"
	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/status"
)

func newCmdPause(a *app) *cobra.Command {
	return a.newCmdAsk(admin.Pause, &cobra.Command{
		Short: "Let the running relay publish nothing until it is resumed",
		Long: `Pause the relay that runs on this machine. The Kafka transaction that has begun is finished; after that nothing is
published. The relay keeps the slot and goes on telling Postgres that it lives, so no standby takes over, and Postgres
keeps all WAL from here on: the answer says how much, and how much it may become before the slot is lost.

A pause binds that process and ends with it. A standby goes on only after the paused process has ended. While it lasts
/readyz answers 503 with the state "paused".`,
		Example: "  relay pause -c relay.yaml\n  relay resume -c relay.yaml",
	}, writePaused)
}

// newCmdAsk makes a command that asks the relay on this machine to do something, and says what it answered.
func (a *app) newCmdAsk(c admin.Command, cmd *cobra.Command, say func(io.Writer, config.Config, *admin.Answer) error) *cobra.Command {
	cmd.Use, cmd.Args = string(c), noArguments
	cmd.RunE = func(cmd *cobra.Command, _ []string) error {
		format, err := a.format(cmd, "text", "json", "yaml")
		if err != nil {
			return err
		}
		a.lead = "cannot " + string(c)
		l, err := a.load()
		if err != nil {
			return err
		}
		ctx, cancel := looking(cmd.Context())
		defer cancel()
		answer, err := admin.Ask(ctx, a.adminSockets(l.Config), l.Config.Name, c)
		if err != nil {
			return err
		}
		for _, warning := range answer.Warnings {
			io.WriteString(a.err, "Warning: "+warning+"\n")
		}
		if format != "text" {
			return writeDocument(a.out, format, answer)
		}
		return say(a.out, l.Config, answer)
	}
	exits(cmd, fault.ExitDone, fault.ExitFailed, fault.ExitConfig, fault.ExitUnreachable, fault.ExitInterrupted)
	return cmd
}

func writePaused(w io.Writer, c config.Config, answer *admin.Answer) error {
	v := answer.Status
	text := fmt.Sprintf("%s is paused (%s, pid %d).\n", v.Relay, v.Host, v.PID)
	if v.State == status.Paused {
		text += fmt.Sprintf("It keeps slot %s and publishes nothing. Postgres keeps %s of WAL for it now, and all that comes%s.\n",
			c.Source.Slot, byteCount(int64(v.Slot.Retained)), untilLost(v.Slot))
	} else {
		text += fmt.Sprintf("It is %s at the moment; when that is over it publishes nothing.\n", v.State)
	}
	text += "The pause binds this process: a standby goes on only after it has ended. `relay resume` ends the pause.\n"
	_, err := io.WriteString(w, text)
	return err
}

// untilLost says what the server's limit on WAL means for a pause.
func untilLost(s status.SlotView) string {
	if s.SafeBytes < 0 {
		return "; it has no limit (max_slot_wal_keep_size), so the disk is the limit"
	}
	return fmt.Sprintf("; after %s more the slot is lost", byteCount(s.SafeBytes))
}
