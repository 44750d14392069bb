package main

import (
	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/fault"
)

func newCmdCompletion(a *app) *cobra.Command {
	cmd := &cobra.Command{
		Use:   "completion bash|zsh|fish",
		Short: "Print a completion script for a shell",
		Long:  "Print a script that makes a shell complete commands, flags and their values.",
		Example: `  source <(relay completion bash)
  relay completion zsh > "${fpath[1]}/_relay"
  relay completion fish > ~/.config/fish/completions/relay.fish`,
		ValidArgs: []string{"bash", "zsh", "fish"},
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usageError(cmd, "name a shell: bash, zsh or fish")
			}
			return atMostOne(cmd, args)
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, err := a.format(cmd, "text"); err != nil {
				return err
			}
			switch args[0] {
			case "bash":
				return cmd.Root().GenBashCompletionV2(a.out, true)
			case "zsh":
				return cmd.Root().GenZshCompletion(a.out)
			case "fish":
				return cmd.Root().GenFishCompletion(a.out, true)
			}
			return usageError(cmd, "unknown shell %q; there are bash, zsh and fish", args[0])
		},
	}
	exits(cmd, fault.ExitDone)
	return cmd
}
