package main

import (
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/connector"
	"github.com/outbox-relay/relay/internal/fault"
)

func newCmdConfigImport(a *app) *cobra.Command {
	return noun(&cobra.Command{
		Use:   "import",
		Short: "Make a configuration of another program's",
		Long: `Translate the configuration of another program that publishes an outbox into one of Relay's. Nothing is connected to,
and nothing is written but to standard output.`,
		Example: "  relay config import debezium connector.json > relay.yaml",
	}, newCmdConfigImportDebezium(a, nil))
}

func newCmdConfigImportDebezium(a *app, runF func(file string, w connector.Wanted) error) *cobra.Command {
	if runF == nil {
		runF = a.importDebezium
	}
	var w connector.Wanted
	cmd := &cobra.Command{
		Use:   "debezium FILE",
		Short: "Make a configuration of a Debezium connector's",
		Long: `Translate the configuration of a Debezium connector for Postgres with the outbox event router. FILE is its JSON, as it
is sent to Kafka Connect or as GET /connectors/NAME answers, or the properties of a standalone worker or of Debezium
Server; - is standard input.

The file for Relay goes to standard output. Every option that is not carried over is named on standard error, with what
that means; with one that changes what consumers see, or that is not known, the exit code is 3. Passwords are never
copied. docs/moving-from-debezium.md says how to switch over without losing or repeating an event.`,
		Example: `  relay config import debezium connector.json --brokers kafka-1:9092 > relay.yaml
  curl -s http://connect:8083/connectors/outbox | relay config import debezium - > relay.yaml`,
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usageError(cmd, "want one file, or - for standard input")
			}
			if _, err := a.format(cmd, "file"); err != nil {
				return err
			}
			return runF(args[0], w)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&w.Name, "name", "", "name of the relay (default made of the connector's)")
	flags.StringSliceVar(&w.Brokers, "brokers", nil, "brokers of Kafka, host:port with commas between")
	flags.StringVar(&w.Table, "table", "", "outbox table as schema.table, where table.include.list does not name one")
	exits(cmd, fault.ExitDone, fault.ExitConfig)
	return cmd
}

func (a *app) importDebezium(file string, w connector.Wanted) error {
	text, err := readArgument(file)
	if err != nil {
		return &fault.Error{Code: fault.Config, Summary: fmt.Sprintf("read %q", file), Err: err}
	}
	options, err := connector.Read(text)
	if err != nil {
		return &fault.Error{
			Code: fault.Config, Summary: fmt.Sprintf("read %q", file), Err: err,
			Hint: "The file is a connector's JSON (curl http://CONNECT:8083/connectors/NAME), or properties.",
		}
	}
	imported := connector.Translate(options, w)
	unsupported := imported.Unsupported()
	for _, note := range imported.Notes[len(unsupported):] {
		fmt.Fprintf(a.err, "Warning: %s\n", note)
	}
	if err := a.printImported(imported); err != nil {
		return err
	}
	return cannotImport(file, unsupported)
}

// printImported prints the file, unless it would not be valid.
func (a *app) printImported(i *connector.Import) error {
	if err := i.Config.Validate(); err != nil {
		for _, note := range i.Unsupported() {
			fmt.Fprintf(a.err, "Warning: %s\n", note)
		}
		return err
	}
	yaml, err := config.Changed(i.Config)
	if err != nil {
		return fmt.Errorf("print the configuration: %w", err)
	}
	var b strings.Builder
	b.WriteString("# Made of the configuration of a Debezium connector. docs/moving-from-debezium.md says how to switch over.\n")
	for _, note := range i.Notes {
		if note.Kind != connector.Unneeded {
			b.WriteString("# " + note.String() + "\n")
		}
	}
	_, err = io.WriteString(a.out, b.String()+"\n"+yaml)
	return err
}

func cannotImport(file string, notes []connector.Note) error {
	if len(notes) == 0 {
		return nil
	}
	e := &fault.Error{
		Code: fault.Config, Summary: fmt.Sprintf("%d options of %q cannot be carried over", len(notes), file),
		Hint: "The file on standard output is valid without them. Look at each: consumers may see something else.",
	}
	if len(notes) == 1 {
		e.Summary = fmt.Sprintf("one option of %q cannot be carried over", file)
	}
	for _, note := range notes {
		e.Details = append(e.Details, note.String())
	}
	return e
}

// readArgument reads a file, or standard input for -.
func readArgument(file string) ([]byte, error) {
	if file == "-" {
		return io.ReadAll(os.Stdin)
	}
	return os.ReadFile(file)
}
