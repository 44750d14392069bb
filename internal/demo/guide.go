package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/pause"
)

const tourHead = `# A tour

What there is to see of a relay at work, command by command. This page is the record of a session: ` + "`go run ./internal/demo -tour docs/tour.md`" + `
makes it anew, with a real Postgres, a real Kafka, a shop that places %d orders a second, and a relay that was killed three
times a moment ago. ` + "`make demo STAY=1`" + ` runs the same, and prints what to type.
`

// show takes the tour while the shop goes on quietly, and writes down what was typed and what came.
func (g *guide) show(ctx context.Context, day *shop, file string) error {
	ctx, cancel := context.WithCancel(ctx)
	closed := make(chan error, 1)
	go func() { closed <- day.open(ctx, quietOrdersPerSecond) }()
	err := g.take(ctx)
	cancel()
	if err = errors.Join(err, <-closed); err != nil {
		return err
	}
	if err := os.WriteFile(file, g.page.Bytes(), 0o644); err != nil {
		return fmt.Errorf("write the tour: %w", err)
	}
	return nil
}

// guide takes the tour.
type guide struct {
	stage  *stage
	relay  *relay
	page   bytes.Buffer
	places map[string]string // what stands for {event}, {id}, {parked} and {listen}
}

func newGuide(s *stage, r *relay) *guide {
	return &guide{stage: s, relay: r, places: map[string]string{"{listen}": r.said("relay started").Listen}}
}

func (g *guide) take(ctx context.Context) error {
	fmt.Fprintf(&g.page, tourHead, quietOrdersPerSecond)
	if err := pause.For(ctx, time.Second); err != nil { // for the quiet shop's first orders
		return err
	}
	for _, l := range tour() {
		fmt.Fprintf(&g.page, "\n## %s\n\n%s\n\n```console\n", l.title, l.text)
		for i, command := range l.commands {
			if i > 0 {
				g.page.WriteByte('\n')
			}
			if err := g.run(ctx, command); err != nil {
				return err
			}
		}
		g.page.WriteString("```\n")
	}
	return nil
}

// run types a command and notes what it prints. All of them must succeed.
func (g *guide) run(ctx context.Context, command string) error {
	for name, value := range g.places {
		command = strings.ReplaceAll(command, name, value)
	}
	cmd := exec.CommandContext(ctx, "sh", "-c", command)
	cmd.Dir = filepath.Dir(g.stage.config())
	cmd.Env = []string{
		"PATH=" + cmd.Dir + ":" + os.Getenv("PATH"), "HOME=" + os.Getenv("HOME"),
		"SHOP=" + g.stage.postgres.URL(appRole, database), "DB=" + g.stage.postgres.URL(relayRole, database),
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", command, err, out)
	}
	g.note(command, out)
	fmt.Fprintf(&g.page, "$ %s\n%s", command, g.anonymous(string(out)))
	if len(out) > 0 && !bytes.HasSuffix(out, []byte("\n")) {
		g.page.WriteByte('\n')
	}
	return nil
}

// note keeps what later commands ask for: the newest event, and the parked one.
func (g *guide) note(command string, out []byte) {
	last := func(pattern string) string {
		all := regexp.MustCompile(pattern).FindAllString(string(out), -1)
		if all == nil {
			return ""
		}
		return all[len(all)-1]
	}
	switch {
	case strings.HasPrefix(command, "relay events tail"):
		g.places["{event}"], g.places["{id}"] = last(`[\w.]+/\d+@\d+`), last(`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`)
	case strings.HasPrefix(command, "relay parked list"):
		g.places["{parked}"] = last(`[0-9A-F]{8}-[0-9A-F]{16}-[0-9A-F]{8}`)
	}
}

// anonymous leaves out where the tour was taken.
func (g *guide) anonymous(out string) string {
	out = strings.ReplaceAll(out, filepath.Dir(g.stage.config()), "/srv/shop")
	if host, err := os.Hostname(); err == nil {
		out = regexp.MustCompile(`\b`+regexp.QuoteMeta(host)+`\b`).ReplaceAllString(out, "shop-1")
	}
	return out
}

// placeholder is what an earlier command has printed.
var placeholder = regexp.MustCompile(`\{(event|id|parked)\}`)

// toType are the tour's commands as whatToLookAt shows them: those that can be typed without having seen others.
func toType(listen string) []string {
	var commands []string
	for _, l := range tour() {
		for _, c := range l.commands {
			c = strings.ReplaceAll(c, "{listen}", listen)
			if !placeholder.MatchString(c) && !slices.Contains(commands, c) {
				commands = append(commands, c)
			}
		}
	}
	return commands
}
