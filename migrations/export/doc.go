// Package export writes Relay's migrations as files of a team's own migration tool: with the tool's names, numbers and
// markers, into a directory that holds other migrations already.
//
// Plan is pure: what a directory holds in, files out. It never changes the text of a file that is there, with one
// exception that the tools themselves make: an index of all migrations (atlas.sum, sqitch.plan) gets lines for the new
// ones, when what it says of the others is right. Planning twice gives the same files: a migration that was exported
// before is found by its name and keeps its number.
//
// Going down is refused everywhere, by the tool where it can say so and by the server where it cannot: to drop an outbox
// is to lose the events that are not published yet, and to break the slot that decodes with its publication.
package export
