package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/admin"
	"github.com/outbox-relay/relay/internal/config"
)

func newCmdReload(a *app) *cobra.Command {
	return a.newCmdAsk(admin.Reload, &cobra.Command{
		Short: "Let the running relay read its configuration again",
		Long: `Let the relay that runs on this machine read its configuration again: the file, variables and flags that it was started
with. The configuration is checked first; if it cannot work the relay goes on as it was. Then the Kafka transaction that
has begun is finished and a new session begins. Secrets in files are read again. SIGHUP does the same.

Name, slot and checkpoint topic are the relay's identity and cannot change. server.listen, server.admin_socket,
log.format and tracing.otlp_endpoint take effect when the process is started again; the answer says so.`,
		Example: "  relay config validate && relay reload",
	}, func(w io.Writer, _ config.Config, answer *admin.Answer) error {
		v := answer.Status
		_, err := fmt.Fprintf(w, "%s has loaded its configuration again (%s, pid %d); a new session begins.\n", v.Relay, v.Host, v.PID)
		return err
	})
}
