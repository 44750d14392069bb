package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/publisher"
)

// writeInitPlan prints a shell script that does by hand what init does. It is made of the configuration alone.
func writeInitPlan(w io.Writer, c config.Config) error {
	p := &plan{c: c}
	p.linef("#!/bin/sh -eu")
	p.linef("# What `relay init` does for relay %q. Connect with rights to create slots, topics and ACLs.", c.Name)
	p.postgres()
	p.topics()
	p.acls()
	_, err := io.WriteString(w, p.text.String())
	return err
}

type plan struct {
	c    config.Config
	text strings.Builder
}

func (p *plan) linef(format string, args ...any) { fmt.Fprintf(&p.text, format+"\n", args...) }

func (p *plan) postgres() {
	create := "SELECT lsn FROM pg_create_logical_replication_slot('" + p.c.Source.Slot + "', 'pgoutput'" // a validated name
	p.linef("\n# Postgres: the slot. From here on WAL is kept for it, so start the relay soon or drop it again.")
	if p.c.Source.Failover == "auto" {
		p.linef("# Before version 17 leave out \", false, false, true\": there are no failover slots.")
		create += ", false, false, true"
	}
	p.linef(`psql %s -c "%s)"`, shellQuote(config.RedactURL(p.c.Source.URL)), create)
	p.linef("# A slot that was made by hand gets its first checkpoint from `relay adopt --from LSN`, with the LSN printed above.")
}

func (p *plan) topics() {
	k := p.c.Kafka
	p.linef("\n# Kafka: the topics that the relay keeps for itself.")
	p.topic(checkpointTopic(p.c), 2,
		"cleanup.policy=compact", "segment.bytes=16777216", "segment.ms=3600000", "max.compaction.lag.ms=3600000", "compression.type=uncompressed")
	p.topic(parkedTopic(p.c), 1,
		"cleanup.policy=compact", fmt.Sprintf("max.message.bytes=%d", publisher.ParkedRecordBytes), "compression.type=uncompressed")
	if k.CreateTopics == "all" {
		p.linef("# Event topics are created when they are first named, with %d partitions and %d replicas.", k.Partitions, k.ReplicationFactor)
	}
}

func (p *plan) topic(name string, partitions int, settings ...string) {
	settings = append(settings, fmt.Sprintf("min.insync.replicas=%d", minInSync(p.c.Kafka.ReplicationFactor)))
	p.linef("kafka-topics.sh %s --create --if-not-exists --topic %s --partitions %d --replication-factor %d \\\n  --config %s",
		p.bootstrap(), shellQuote(name), partitions, p.c.Kafka.ReplicationFactor, strings.Join(settings, " --config "))
}

func (p *plan) acls() {
	p.linef("\n# Kafka: the rights of the relay. Give the principal that it logs in as, and your event topics.")
	p.linef(`PRINCIPAL="${PRINCIPAL:-User:relay}"`)
	p.linef(`EVENT_TOPICS="${EVENT_TOPICS:-}"`)
	p.acl("--transactional-id "+shellQuote("relay-"+p.c.Name), "Write", "Describe")
	for _, topic := range []string{checkpointTopic(p.c), parkedTopic(p.c)} {
		p.acl("--topic "+shellQuote(topic), "Read", "Write", "Describe", "DescribeConfigs")
	}
	p.linef("for topic in $EVENT_TOPICS; do")
	p.text.WriteString("  ")
	p.acl(`--topic "$topic"`, "Read", "Write", "Describe", "DescribeConfigs")
	p.linef("done")
	p.acl("--topic __transaction_state", "Describe", "DescribeConfigs")
	p.acl("--cluster", "DescribeConfigs")
	if p.c.Kafka.CreateTopics == "all" {
		p.acl("--cluster", "Create")
	}
}

func (p *plan) acl(resource string, operations ...string) {
	p.linef(`kafka-acls.sh %s --add --allow-principal "$PRINCIPAL" --operation %s %s`,
		p.bootstrap(), strings.Join(operations, " --operation "), resource)
}

func (p *plan) bootstrap() string {
	return "--bootstrap-server " + shellQuote(strings.Join(p.c.Kafka.Brokers, ","))
}

// minInSync is how many replicas must have a record before it counts as written.
func minInSync(replicationFactor int) int {
	if replicationFactor < 3 {
		return 1
	}
	return 2
}

// shellQuote makes s one word for a shell, unless it is one already.
func shellQuote(s string) string {
	if s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789@%+=:,./_-", r)
	}) {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
