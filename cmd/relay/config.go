package main

import "github.com/spf13/cobra"

func newCmdConfig(a *app) *cobra.Command {
	return noun(&cobra.Command{
		Use:   "config",
		Short: "Check and show the configuration",
		Long: `The configuration is one YAML file: --config, else $RELAY_CONFIG, else ./relay.yaml, else /etc/relay/relay.yaml. A flag
(--set key=value) wins over a variable (RELAY_KAFKA_BROKERS), a variable over the file, the file over defaults.
These commands read the file and connect to nothing.`,
		Example: "  relay config example > relay.yaml\n  relay config validate\n  relay config print",
	}, newCmdConfigValidate(a, nil), newCmdConfigPrint(a, nil), newCmdConfigExample(a), newCmdConfigImport(a))
}
