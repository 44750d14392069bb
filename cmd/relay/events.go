package main

import "github.com/spf13/cobra"

func newCmdEvents(a *app) *cobra.Command {
	return noun(&cobra.Command{
		Use:   "events",
		Short: "Look at published events: tail, show, find",
		Long: `Look at events in Kafka as a read_committed consumer sees them, with the headers that Relay adds decoded. No consumer
group is used and nothing is written.

Without --topic, tail and find read the topics that the routing of the configuration can yield and those that the
checkpoint remembers. A topic that an event names itself is not among them.`,
		Example: "  relay events tail -f\n  relay events show payment.events/3@99120\n  relay events find 0197a5b2-6c1e-7d11-9f5e-0d2c5a3b7f01",
	}, newCmdEventsTail(a, nil), newCmdEventsShow(a, nil), newCmdEventsFind(a, nil))
}
