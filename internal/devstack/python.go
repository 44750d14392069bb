package devstack

import (
	"context"
	"fmt"
	"os/exec"
)

// Python finds an interpreter that has the modules psycopg and confluent_kafka: the one in PATH, or the system's, whose
// modules Debian installs.
func Python(ctx context.Context) (Program, error) {
	var errs []byte
	for _, program := range []string{"python3", "/usr/bin/python3"} {
		out, err := exec.CommandContext(ctx, program, "-c", "import psycopg, confluent_kafka").CombinedOutput()
		if err == nil {
			return Program{path: program}, nil
		}
		errs = fmt.Appendf(errs, "\n%s: %v: %s", program, err, tail(out))
	}
	return Program{}, fmt.Errorf("find Python 3 with psycopg 3 and confluent-kafka (Debian: apt-get install python3-psycopg "+
		"python3-confluent-kafka; elsewhere: pip install 'psycopg[binary]' confluent-kafka):%s", errs)
}
