package devstack

import (
	"context"
	"crypto/sha256"
	_ "embed"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// DefaultKafka is the major version where none is named.
const DefaultKafka = 4

//go:embed log4j2.properties
var log4jConf []byte

// kafkaInstall is a Kafka that is ready to be run.
type kafkaInstall struct {
	version   string
	java      java
	classpath string
	logConf   string
	features  string   // bootstrap.checkpoint, as StorageTool writes it
	jvm       []string // further options
}

// installKafka fetches and prepares a major version.
func installKafka(ctx context.Context, opts KafkaOptions) (kafkaInstall, error) {
	version, err := pomVersion("kafka." + strconv.Itoa(opts.Major))
	if err != nil {
		return kafkaInstall{}, err
	}
	k := kafkaInstall{version: version}
	if k.java, err = findJava(ctx); err != nil {
		return k, err
	}
	dir, err := cached(ctx, "kafka-"+version, func(dir string) error {
		opts.Progress.say("downloading Kafka %s", version)
		return fetchArtifacts(ctx, filepath.Join(dir, "libs"), "kafka", "kafka="+version)
	})
	if err != nil {
		return k, err
	}
	if k.logConf, err = kafkaLogConf(ctx); err != nil {
		return k, err
	}
	if k.classpath, err = classpath(filepath.Join(dir, "libs")); err != nil {
		return k, err
	}
	if err := k.prepareFeatures(ctx); err != nil {
		return k, err
	}
	if err := k.prepareArchive(ctx, opts.Progress); err != nil {
		return k, err
	}
	k.jvm = append(k.jvm, opts.JVM...)
	return k, nil
}

// kafkaLogConf gives a file with log4jConf. Its name changes with what it says.
func kafkaLogConf(ctx context.Context) (string, error) {
	const file = "log4j2.properties"
	sum := sha256.Sum256(log4jConf)
	dir, err := cached(ctx, "kafka-logging-"+hex.EncodeToString(sum[:4]), func(dir string) error {
		return os.WriteFile(filepath.Join(dir, file), log4jConf, 0o644)
	})
	return filepath.Join(dir, file), err
}

// classpath names each jar, sorted: a class data archive is only good for the very same path.
func classpath(libs string) (string, error) {
	jars, err := filepath.Glob(filepath.Join(libs, "*.jar"))
	if err != nil {
		return "", fmt.Errorf("find jars in %s: %w", libs, err)
	}
	if len(jars) == 0 {
		return "", fmt.Errorf("find jars in %s: none there", libs)
	}
	slices.Sort(jars)
	return strings.Join(jars, string(filepath.ListSeparator)), nil
}

// prepareFeatures formats a log directory once, for its bootstrap.checkpoint: it sets every feature (among them
// transaction.version) to what this release gives a new cluster. A directory with a hand-made meta.properties alone
// would set metadata.version only. The file names no cluster and no node, so it serves them all, and no later start
// pays the second that the tool takes.
func (k *kafkaInstall) prepareFeatures(ctx context.Context) error {
	dir, err := cached(ctx, "kafka-"+k.version+"-format", func(dir string) error {
		conf := filepath.Join(dir, "server.properties")
		text := "process.roles=broker,controller\nnode.id=1\ncontroller.quorum.voters=1@127.0.0.1:1\n" +
			"listeners=PLAINTEXT://127.0.0.1:2,CONTROLLER://127.0.0.1:1\ncontroller.listener.names=CONTROLLER\n" +
			"listener.security.protocol.map=PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT\n" +
			"log.dirs=" + filepath.Join(dir, "data") + "\n"
		if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
			return err
		}
		args := append(k.javaArgs(dir), "kafka.tools.StorageTool", "format", "-t", newClusterID(), "-c", conf)
		return run(ctx, owner{}, nil, k.java.program, args...)
	})
	if err != nil {
		return err
	}
	k.features = filepath.Join(dir, "data", "bootstrap.checkpoint")
	return nil
}

// prepareArchive lets a broker run once and keep its loaded classes (AppCDS), which makes every later start a third
// faster. An archive that does not fit is ignored by Java, so it belongs to one Java and one class path by its name only
// to be made anew.
func (k *kafkaInstall) prepareArchive(ctx context.Context, progress Progress) error {
	const file = "kafka.jsa"
	dir, err := cached(ctx, "kafka-"+k.version+"-classes-"+k.java.id, func(dir string) error {
		progress.say("preparing Kafka %s for quick starts", k.version)
		trained := *k
		trained.jvm = []string{"-XX:ArchiveClassesAtExit=" + filepath.Join(dir, file), "-Xlog:cds=off", "-Xlog:cds+dynamic=off"}
		cluster, err := newKafka(trained, KafkaOptions{Nodes: 1})
		if err != nil {
			return err
		}
		err = cluster.startAll(ctx)
		if err == nil {
			err = cluster.Stop(ctx, 0)
		}
		return errors.Join(err, cluster.Close())
	})
	if err != nil {
		return err
	}
	k.jvm = []string{"-XX:SharedArchiveFile=" + filepath.Join(dir, file), "-Xlog:cds=off", "-Xlog:cds+dynamic=off"}
	return nil
}

// javaArgs come before the main class. What Java writes by itself goes to dir.
func (k *kafkaInstall) javaArgs(dir string) []string {
	args := []string{
		"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx384m", "-XX:MaxDirectMemorySize=128m",
		"-Dlog4j2.configurationFile=" + k.logConf, "-Djava.awt.headless=true",
		"-Djava.io.tmpdir=" + dir, "-XX:-UsePerfData", // perf data would stay in /tmp/hsperfdata_* after a kill
	}
	args = append(args, k.jvm...)
	return append(args, "-cp", k.classpath)
}
