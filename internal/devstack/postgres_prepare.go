package devstack

import (
	"archive/zip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// PostgresMajors are the major versions that can be started.
func PostgresMajors() []int { return []int{13, 14, 15, 16, 17, 18} }

// DefaultPostgres is the major version where none is named.
const DefaultPostgres = 17

// templateRevision is part of the name of a prepared data directory: raise it when initdb's options or
// templateConf change.
const templateRevision = 1

// templateConf is appended to postgresql.conf; ownConf is written anew at each start.
const (
	ownConf      = "devstack.conf"
	templateConf = "\ninclude '" + ownConf + "'\n"
)

// installPostgres gives the directory of a Postgres installation (bin, lib, share).
func installPostgres(ctx context.Context, major int, progress Progress) (string, error) {
	version, err := pomVersion("postgres." + strconv.Itoa(major))
	if err != nil {
		return "", err
	}
	name := "postgres-" + version + "-" + platform()
	return cached(ctx, name, func(dir string) error {
		progress.say("downloading Postgres %s", version)
		jars := filepath.Join(dir, "jars")
		err := fetchArtifacts(ctx, jars, "postgres", "postgres="+version, "platform="+platform())
		if err != nil {
			return err
		}
		if err := unpackPostgres(ctx, jars, dir); err != nil {
			return err
		}
		return os.RemoveAll(jars)
	})
}

// unpackPostgres unpacks the tar.xz inside the only jar of dir.
func unpackPostgres(ctx context.Context, jars, dir string) error {
	names, err := filepath.Glob(filepath.Join(jars, "*.jar"))
	if err != nil {
		return fmt.Errorf("find the jar in %s: %w", jars, err)
	}
	if len(names) != 1 {
		return fmt.Errorf("find the jar in %s: found %q, want one", jars, names)
	}
	jar, err := zip.OpenReader(names[0])
	if err != nil {
		return fmt.Errorf("open %s: %w", names[0], err)
	}
	defer jar.Close()
	for _, f := range jar.File {
		if strings.HasSuffix(f.Name, ".txz") {
			return unpackTar(ctx, f, dir)
		}
	}
	return fmt.Errorf("find the archive in %s: no .txz", names[0])
}

func unpackTar(ctx context.Context, f *zip.File, dir string) error {
	archive, err := f.Open()
	if err != nil {
		return fmt.Errorf("open %s: %w", f.Name, err)
	}
	defer archive.Close()
	return run(ctx, owner{}, archive, "tar", "-xJf", "-", "--no-same-owner", "-C", dir)
}

// postgresTemplate gives a data directory as initdb makes it, to copy from.
func postgresTemplate(ctx context.Context, install string) (string, error) {
	name := fmt.Sprintf("%s-data-%d", filepath.Base(install), templateRevision)
	return cached(ctx, name, func(dir string) error {
		who := serverUser()
		password := filepath.Join(dir, "password")
		data := filepath.Join(dir, "data")
		if err := os.Mkdir(data, 0o700); err != nil {
			return err
		}
		if err := os.WriteFile(password, []byte(Password+"\n"), 0o600); err != nil {
			return err
		}
		if err := errors.Join(who.own(data), who.own(password)); err != nil {
			return err
		}
		err := run(ctx, who, nil, filepath.Join(install, "bin", "initdb"), "-D", data, "-U", Superuser,
			"--pwfile="+password, "--auth-local=trust", "--auth-host=scram-sha-256",
			"--encoding=UTF8", "--locale=C", "--no-sync")
		if err != nil {
			return err
		}
		return appendFile(filepath.Join(data, "postgresql.conf"), templateConf)
	})
}

// run runs a program of the preparation to its end.
func run(ctx context.Context, who owner, in io.Reader, program string, args ...string) error {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdin = in
	cmd.Dir = "/"
	cmd.SysProcAttr = who.attributes()
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("run %s: %w: %s", filepath.Base(program), err, tail(out))
	}
	return nil
}

func appendFile(path, text string) error {
	f, err := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		return err
	}
	_, err = f.WriteString(text)
	return errors.Join(err, f.Close())
}
