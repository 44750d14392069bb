package chaos

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/outbox-relay/relay/internal/model"
)

// Fleet launches relays of one name at one place, one after the other or beside each other.
type Fleet struct {
	Place     *Place
	Binary    string // as Build made it
	Dir       string // where configuration and logs are kept
	Settings  Settings
	Processes []*Process
}

// NewFleet writes the configuration and runs `relay init`.
func NewFleet(ctx context.Context, place *Place, binary, dir string, s Settings) (*Fleet, error) {
	f := &Fleet{Place: place, Binary: binary, Dir: dir, Settings: s}
	if err := place.WriteConfig(f.config(), s); err != nil {
		return nil, err
	}
	if out, err := exec.CommandContext(ctx, binary, "init", "--config", f.config()).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("relay init: %w\n%s", err, out)
	}
	return f, nil
}

func (f *Fleet) config() string { return filepath.Join(f.Dir, "relay.yaml") }

// Launch starts one more relay.
func (f *Fleet) Launch() (*Process, error) {
	p, err := Launch(f.Binary, f.config(), f.Dir, fmt.Sprintf("relay-%03d", len(f.Processes)+1))
	if err != nil {
		return nil, err
	}
	f.Processes = append(f.Processes, p)
	return p, nil
}

// replay holds the protocol logs of all relays, which must have ended, to the model. It says which action the model does
// not allow, if there is one.
func (f *Fleet) replay() (string, error) {
	var logs [][]model.Action
	for _, p := range f.Processes {
		file, err := os.Open(p.protocol.path)
		if err != nil {
			return "", err
		}
		actions, err := model.ReadLog(file, p.Name)
		if err := errors.Join(err, file.Close()); err != nil {
			return "", fmt.Errorf("relay %s: %w", p.Name, err)
		}
		logs = append(logs, actions)
	}
	err := model.Replay(model.Merge(logs...))
	if wrong, ok := errors.AsType[*model.ReplayError](err); ok {
		return wrong.Error(), nil
	}
	return "", err
}

// Close ends what still runs.
func (f *Fleet) Close() error {
	var errs []error
	for _, p := range f.Processes {
		errs = append(errs, p.close())
	}
	return errors.Join(errs...)
}
