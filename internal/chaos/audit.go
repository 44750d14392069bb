package chaos

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// audit lets the relay's own proof judge too. It says what that finds wrong; empty: the run is proved.
func (f *Fleet) audit(ctx context.Context) (string, error) {
	cmd := exec.CommandContext(ctx, f.Binary, "audit", "--config", f.config())
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	err := cmd.Run()
	if err == nil {
		return "", nil
	}
	if ctx.Err() != nil {
		return "", context.Cause(ctx)
	}
	return strings.TrimSpace(fmt.Sprintf("%v\n%s%s", err, errOut.String(), out.String())), nil
}
