package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/admin"
	"github.com/outbox-relay/relay/internal/config"
)

func newCmdResume(a *app) *cobra.Command {
	return a.newCmdAsk(admin.Resume, &cobra.Command{
		Short: "End a pause",
		Long: `End the pause of the relay that runs on this machine: it goes on where it was, with everything that has come meanwhile.
A relay that is not paused stays as it is.`,
		Example: "  relay resume -c relay.yaml",
	}, func(w io.Writer, _ config.Config, answer *admin.Answer) error {
		v := answer.Status
		_, err := fmt.Fprintf(w, "%s is %s (%s, pid %d); %d events wait, %s behind.\n", v.Relay, v.State, v.Host, v.PID, v.Lag.PendingEvents, byteCount(int64(v.Lag.Bytes)))
		return err
	})
}
