package export

import (
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"strings"
	"time"
)

// sqitch: https://sqitch.org/docs/manual/sqitchtutorial/ and sqitch-plan. The directory is the one with sqitch.plan, and
// the scripts lie where Sqitch looks by default. It runs them with psql, without a transaction of its own.
func sqitch() tool {
	return tool{
		name: "sqitch",
		scripts: func(s source, _ string) []File {
			files := []File{
				{Path: "deploy/" + s.name + ".sql", Text: "-- Deploy " + s.name + " to pg\n\nBEGIN;\n\n" + s.up + "\nCOMMIT;\n"},
				{Path: "revert/" + s.name + ".sql", Text: "-- Revert " + s.name + " from pg\n\n" + s.down},
			}
			if s.verify != "" {
				files = append(files, File{Path: "verify/" + s.name + ".sql", Text: "-- Verify " + s.name + " on pg\n\n" + s.verify})
			}
			return files
		},
		index: sqitchIndex,
		next:  "sqitch --chdir %s deploy \"db:$OWNER_URL\"",
	}
}

const (
	sqitchPlanFile = "sqitch.plan"
	sqitchConfFile = "sqitch.conf"
)

// sqitchIndex is the plan with a line for each new change. A directory without a plan becomes a project.
func sqitchIndex(dir fs.FS, sources []source, _ []File, now time.Time) ([]File, error) {
	old, err := fs.ReadFile(dir, sqitchPlanFile)
	var index []File
	plan := string(old)
	state := Unchanged
	switch {
	case errors.Is(err, fs.ErrNotExist):
		plan, state = "%syntax-version=1.0.0\n%project=relay\n\n", New
		if index, err = sqitchConf(dir); err != nil {
			return nil, err
		}
	case err != nil:
		return nil, err
	case !regexp.MustCompile(`(?m)^%project=`).MatchString(plan):
		return nil, &ConflictError{Problem: sqitchPlanFile + " is not a plan of Sqitch: it names no project", Hint: "`sqitch init` makes one."}
	}
	for _, s := range sources {
		if regexp.MustCompile(`(?m)^[ \t]*` + s.name + `(\s|$)`).MatchString(plan) {
			continue
		}
		if !strings.HasSuffix(plan, "\n") {
			plan += "\n"
		}
		plan += fmt.Sprintf("%s %s Relay <relay@localhost> # %s\n", s.name, now.UTC().Format("2006-01-02T15:04:05Z"), s.about)
		if state == Unchanged {
			state = Extended
		}
	}
	return append(index, File{Path: sqitchPlanFile, Text: plan, State: state}), nil
}

// sqitchConf names the engine, where nobody has.
func sqitchConf(dir fs.FS) ([]File, error) {
	_, err := fs.Stat(dir, sqitchConfFile)
	if errors.Is(err, fs.ErrNotExist) {
		return []File{{Path: sqitchConfFile, Text: "[core]\n\tengine = pg\n", State: New}}, nil
	}
	return nil, err
}
