package devstack

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strconv"
)

// KafkaTool prepares a run of one of Kafka's own command-line tools, by its main class, of the DefaultKafka release:
//
//	org.apache.kafka.tools.consumer.ConsoleConsumer   kafka-console-consumer
//	org.apache.kafka.tools.TopicCommand               kafka-topics
//	org.apache.kafka.tools.FeatureCommand             kafka-features
//	org.apache.kafka.tools.TransactionsCommand        kafka-transactions
//
// Standard output has what the tool prints, and no log lines. The tools are fetched at first use. The caller runs the
// command; it is killed when ctx ends.
func KafkaTool(ctx context.Context, class string, args ...string) (*exec.Cmd, error) {
	version, err := pomVersion("kafka." + strconv.Itoa(DefaultKafka))
	if err != nil {
		return nil, err
	}
	java, err := findJava(ctx)
	if err != nil {
		return nil, err
	}
	logConf, err := kafkaLogConf(ctx)
	if err != nil {
		return nil, err
	}
	dir, err := cached(ctx, "kafka-tools-"+version, func(dir string) error {
		return fetchArtifacts(ctx, filepath.Join(dir, "libs"), "kafka-tools", "kafka="+version)
	})
	if err != nil {
		return nil, fmt.Errorf("prepare %s: %w", class, err)
	}
	jars, err := classpath(filepath.Join(dir, "libs"))
	if err != nil {
		return nil, err
	}
	options := []string{
		"-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-XX:-UsePerfData", "-Xmx256m",
		"-Dlog4j2.configurationFile=" + logConf, "-cp", jars, class,
	}
	return exec.CommandContext(ctx, java.program, append(options, args...)...), nil
}
