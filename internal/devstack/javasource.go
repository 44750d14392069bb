package devstack

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
)

// JavaSource compiles a Java source file into the directory out and gives the program of the class that it is named
// after, which has the Postgres JDBC driver. The compiler comes with the driver from Maven Central: no JDK is needed.
func JavaSource(ctx context.Context, source, out string) (Program, error) {
	const profile = "ecj"
	compiler, err := javaProgram(ctx, profile, "org.eclipse.jdt.internal.compiler.batch.Main")
	if err != nil {
		return Program{}, err
	}
	// It looks for classes where it was loaded from itself.
	if log, err := compiler.Command(ctx, "-17", "-d", out, source).CombinedOutput(); err != nil {
		return Program{}, fmt.Errorf("compile %s: %w: %s", source, err, tail(log))
	}
	return javaProgram(ctx, profile, strings.TrimSuffix(filepath.Base(source), ".java"), out)
}
