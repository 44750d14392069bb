package devstack

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
)

// JavaSource prepares a run of the class that a Java source file is named after, with the Postgres JDBC driver. Classes
// go into the directory out. The compiler comes with the driver from Maven Central at first use: no JDK is needed.
func JavaSource(ctx context.Context, source, out string, args ...string) (*exec.Cmd, error) {
	java, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	driver, err := pomVersion("pgjdbc")
	if err != nil {
		return nil, err
	}
	compiler, err := pomVersion("ecj")
	if err != nil {
		return nil, err
	}
	dir, err := cached(ctx, "jdbc-"+driver+"-ecj-"+compiler, func(dir string) error {
		return fetchArtifacts(ctx, filepath.Join(dir, "libs"), "jdbc")
	})
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", source, err)
	}
	jars, err := classpath(filepath.Join(dir, "libs"))
	if err != nil {
		return nil, err
	}
	options := []string{"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData"}
	compile := append(options[:len(options):len(options)],
		"-cp", jars, "org.eclipse.jdt.internal.compiler.batch.Main", "-17", "-cp", jars, "-d", out, source)
	if log, err := exec.CommandContext(ctx, java.program, compile...).CombinedOutput(); err != nil {
		return nil, fmt.Errorf("compile %s: %w: %s", source, err, tail(log))
	}
	class := filepath.Base(source[:len(source)-len(filepath.Ext(source))])
	options = append(options, "-cp", jars+string(filepath.ListSeparator)+out, class)
	return exec.CommandContext(ctx, java.program, append(options, args...)...), nil
}
