package main

import (
	"fmt"
	"io"
	"log/slog"
	"time"

	"github.com/lmittmann/tint"

	"github.com/outbox-relay/relay/internal/config"
)

// newLogger writes to w: for people on a terminal, else as JSON, or logfmt when text is asked for.
func newLogger(w io.Writer, c config.Log, terminal, colour bool) *slog.Logger {
	level := new(slog.LevelVar)
	setLevel(level, c)
	return newLeveledLogger(w, level, c.Format, terminal, colour)
}

// setLevel changes the level of loggers that are in use.
func setLevel(level *slog.LevelVar, c config.Log) {
	var to slog.Level
	if err := to.UnmarshalText([]byte(c.Level)); err != nil {
		to = slog.LevelInfo // validated before; a log is never a reason to stop
	}
	level.Set(to)
}

func newLeveledLogger(w io.Writer, level slog.Leveler, format string, terminal, colour bool) *slog.Logger {
	switch {
	case format != "json" && terminal:
		return slog.New(tint.NewTextHandler(w, &tint.Options{
			Level: level, TimeFormat: time.TimeOnly, NoColor: !colour, ReplaceAttr: forPeople,
		}))
	case format == "text":
		return slog.New(slog.NewTextHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: forMachines}))
	}
	return slog.New(slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level, ReplaceAttr: forMachines}))
}

// messageWidth aligns the attributes behind short messages.
const messageWidth = 16

// forPeople prints whole words for levels and aligns them and the messages.
func forPeople(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.LevelKey:
		level, _ := a.Value.Any().(slog.Level)
		return tint.Attr(levelColour(level), slog.String(a.Key, fmt.Sprintf("%-5s", level)))
	case slog.MessageKey:
		return slog.String(a.Key, fmt.Sprintf("%-*s", messageWidth, a.Value.String()))
	}
	return a
}

// levelColour is an ANSI colour.
func levelColour(l slog.Level) uint8 {
	switch {
	case l < slog.LevelInfo:
		return 8
	case l < slog.LevelWarn:
		return 10
	case l < slog.LevelError:
		return 11
	}
	return 9
}

// forMachines writes times in UTC and durations with their unit.
func forMachines(_ []string, a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindTime:
		a.Value = slog.TimeValue(a.Value.Time().UTC())
	case slog.KindDuration:
		a.Value = slog.StringValue(a.Value.Duration().String())
	}
	return a
}
