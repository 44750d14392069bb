package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/outbox-relay/relay/internal/doctor"
	"github.com/outbox-relay/relay/internal/fault"
)

// doctorDocument is the document of doctor.
type doctorDocument struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	*doctor.Report
}

// doctorOptions say what is looked at.
type doctorOptions struct {
	categories []doctor.Category
	appRole    string
}

type doctorFlags struct {
	lookFlags
	doctorOptions
	failOn string
}

func newCmdDoctor(a *app, runF func(context.Context, doctorFlags) error) *cobra.Command {
	if runF == nil {
		runF = a.doctor
	}
	var f doctorFlags
	var categories []string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything that the relay rests on, with what mends it",
		Long: `Check everything that the relay rests on: server, slot, publication, table and rights in Postgres; brokers, topics and
their settings in Kafka; checkpoint and parked events. Below each thing that is not well stands the SQL or command that
mends it. What may not be looked at is said to be skipped, never to be well.

It reads Postgres and Kafka directly, whether the relay runs or not, and changes nothing: no slot is taken, no producer
fenced. The exit code is 6 when something says FAIL, or warn with --fail-on warn, and 5 when a server does not answer.
-o wide adds the names of the checks and the codes of the refusals that a relay would end with.`,
		Example: `  relay doctor
  relay doctor --category topics --category kafka
  relay doctor --fail-on warn --role-app shop
  relay doctor -o json | jq -r '.items[].sql // [] | .[]'`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var err error
			if f.format, err = a.format(cmd, "table", "wide", "json", "yaml", "name"); err != nil {
				return err
			}
			if f.failOn != "fail" && f.failOn != "warn" {
				return usageError(cmd, "--fail-on %q is none of fail, warn", f.failOn)
			}
			if f.categories, err = categoriesNamed(cmd, categories); err != nil {
				return err
			}
			if err := f.watch.check(cmd); err != nil {
				return err
			}
			return runF(cmd.Context(), f)
		},
	}
	cmd.Flags().StringSliceVar(&categories, "category", nil, "check only these: "+strings.Join(categoryNames(), ", "))
	cmd.Flags().StringVar(&f.failOn, "fail-on", "fail", "what makes the exit code 6: fail or warn")
	cmd.Flags().StringVar(&f.appRole, "role-app", "", "role of the application, to look at its grants")
	registerCompletion(cmd, "category", categoryNames()...)
	registerCompletion(cmd, "fail-on", "fail", "warn")
	f.watch.bind(cmd)
	looks(cmd, fault.ExitWanting)
	return cmd
}

func categoryNames() []string {
	var names []string
	for _, c := range doctor.Categories() {
		names = append(names, string(c))
	}
	return names
}

func categoriesNamed(cmd *cobra.Command, names []string) ([]doctor.Category, error) {
	var categories []doctor.Category
	for _, name := range names {
		if !slices.Contains(categoryNames(), name) {
			return nil, usageError(cmd, "--category %q is none of %s", name, strings.Join(categoryNames(), ", "))
		}
		categories = append(categories, doctor.Category(name))
	}
	return categories, nil
}

func (a *app) doctor(ctx context.Context, f doctorFlags) error {
	l, err := a.load()
	if err != nil {
		return err
	}
	s := a.commandSetup(l.Config)
	return a.watch(ctx, f.watch, func(ctx context.Context, out io.Writer) error {
		ctx, cancel := looking(ctx)
		defer cancel()
		report, err := a.engine.Doctor(ctx, s, f.doctorOptions)
		if report == nil {
			return err
		}
		if writeErr := writeDoctor(out, report, f.format); writeErr != nil {
			return errors.Join(err, writeErr)
		}
		if err != nil {
			return err
		}
		return notWell(report, f.failOn)
	})
}

// notWell is what exits with 6.
func notWell(r *doctor.Report, failOn string) error {
	failures, warnings := r.Count(doctor.Fail), r.Count(doctor.Warn)
	if failures == 0 && (failOn != "warn" || warnings == 0) {
		return nil
	}
	return &fault.Error{
		Code: fault.NotWell, Summary: fmt.Sprintf("relay %s is not well: %s, %s", r.Relay, plural(failures, "failure"), plural(warnings, "warning")),
		Hint: "What mends each stands below it. Nothing was changed.",
	}
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}
