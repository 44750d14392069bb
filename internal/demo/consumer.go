package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"strconv"
	"strings"
	"time"

	"github.com/outbox-relay/relay/internal/devstack"
)

const (
	topic           = "shop.events"
	consoleConsumer = "org.apache.kafka.tools.consumer.ConsoleConsumer"
)

// consumer is Kafka's console consumer. It gives what any consumer with isolation.level=read_committed would get.
type consumer struct {
	ledger *ledger
	cmd    *exec.Cmd
	stderr bytes.Buffer
}

// start starts the consumer. The topic need not exist: Relay makes it with the first event.
func (c *consumer) start(ctx context.Context, s *stage, fail context.CancelCauseFunc) error {
	cmd, err := devstack.KafkaTool(context.WithoutCancel(ctx), consoleConsumer,
		"--bootstrap-server", s.kafka.Brokers()[0], "--topic", topic, "--from-beginning",
		"--isolation-level", "read_committed",
		"--command-property", "allow.auto.create.topics=false",
		"--command-property", "metadata.max.age.ms=200", // how soon it finds the topic
		"--formatter-property", "print.timestamp=true",
		"--formatter-property", "print.partition=true",
		"--formatter-property", "print.offset=true",
		"--formatter-property", "print.headers=true",
		"--formatter-property", "print.key=true",
	)
	if err != nil {
		return err
	}
	c.cmd, cmd.Stderr = cmd, &c.stderr
	out, err := cmd.StdoutPipe()
	if err == nil {
		err = s.companions.Start(cmd)
	}
	if err != nil {
		return fmt.Errorf("start the consumer: %w", err)
	}
	go func() {
		if err := c.readAll(out); err != nil {
			fail(fmt.Errorf("read from Kafka: %w", err))
		}
		err := s.companions.Wait(cmd)
		fail(fmt.Errorf("the consumer ended by itself: %w: %s", err, c.stderr.String()))
	}()
	return nil
}

func (c *consumer) readAll(out io.Reader) error {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		seen := time.Now()
		r, err := parseRecord(lines.Text())
		if err != nil {
			return err
		}
		r.seen = seen
		c.ledger.read(r)
	}
	return lines.Err()
}

// parseRecord reads a line of the console consumer:
//
//	CreateTime:1795509639104 <tab> Partition:5 <tab> Offset:0 <tab> id:...,relay-seq:shop/.../8,... <tab> key <tab> value
func parseRecord(line string) (record, error) {
	fields := strings.SplitN(line, "\t", 6)
	if len(fields) != 6 {
		return record{}, fmt.Errorf("parse what the consumer says, %q: %d fields, want 6", line, len(fields))
	}
	committed, err1 := number(fields[0], "CreateTime:", 64)
	partition, err2 := number(fields[1], "Partition:", 32)
	offset, err3 := number(fields[2], "Offset:", 64)
	headers := make(map[string]string)
	for header := range strings.SplitSeq(fields[3], ",") {
		name, value, _ := strings.Cut(header, ":")
		headers[name] = value
	}
	seq := headers["relay-seq"]
	n, err4 := strconv.ParseUint(seq[strings.LastIndexByte(seq, '/')+1:], 10, 64)
	if err := errors.Join(err1, err2, err3, err4); err != nil {
		return record{}, fmt.Errorf("parse what the consumer says, %q: %w", line, err)
	}
	return record{
		partition: int32(partition), offset: offset, committed: time.UnixMilli(committed),
		id: headers["id"], seq: n, key: fields[4], payload: fields[5],
	}, nil
}

func number(field, prefix string, bits int) (int64, error) {
	text, ok := strings.CutPrefix(field, prefix)
	if !ok {
		return 0, fmt.Errorf("%q does not begin with %s", field, prefix)
	}
	return strconv.ParseInt(text, 10, bits)
}
