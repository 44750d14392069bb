package chaos

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"strconv"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Campaigns with parking give one event topic a limit that some of the workload's events exceed, and forbid tombstones, so
// that relays park them and whatever comes behind them. Now and then that is mended, so that they can be retried.

// limitedBytes is a max.message.bytes that one event in fifty exceeds, roomyBytes one that none does.
const (
	limitedBytes = 8_000
	roomyBytes   = 1_000_000
)

// limitedTopic is the one whose limit changes.
func (p *Place) limitedTopic() string { return p.topic(aggregateTypes()[0]) }

// makeTopics creates the event topics, one of them limited.
func (p *Place) makeTopics(ctx context.Context) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	req := kmsg.NewPtrCreateTopicsRequest()
	for _, name := range p.topics() {
		t := kmsg.NewCreateTopicsRequestTopic()
		t.Topic, t.NumPartitions, t.ReplicationFactor = name, partitions, 1
		req.Topics = append(req.Topics, t)
	}
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("create event topics: %w", err)
	}
	for _, t := range resp.Topics {
		if err := kerr.ErrorForCode(t.ErrorCode); err != nil {
			return fmt.Errorf("create topic %s: %w", t.Topic, err)
		}
	}
	return p.limit(ctx, limitedBytes)
}

// limit sets max.message.bytes of the limited topic.
func (p *Place) limit(ctx context.Context, bytes int) error {
	client, err := kgo.NewClient(kgo.SeedBrokers(p.Brokers...))
	if err != nil {
		return err
	}
	defer client.Close()
	req := kmsg.NewPtrIncrementalAlterConfigsRequest()
	resource := kmsg.NewIncrementalAlterConfigsRequestResource()
	resource.ResourceType, resource.ResourceName = kmsg.ConfigResourceTypeTopic, p.limitedTopic()
	setting := kmsg.NewIncrementalAlterConfigsRequestResourceConfig()
	setting.Name, setting.Value = "max.message.bytes", kmsg.StringPtr(strconv.Itoa(bytes))
	resource.Configs = append(resource.Configs, setting)
	req.Resources = append(req.Resources, resource)
	resp, err := req.RequestWith(ctx, client)
	if err != nil {
		return fmt.Errorf("limit topic %s: %w", p.limitedTopic(), err)
	}
	return kerr.ErrorForCode(resp.Resources[0].ErrorCode)
}

// everParked are the positions of all events that were parked at any time, from the parked topic itself: it is not
// compacted while a campaign lasts.
func (p *Place) everParked(ctx context.Context) (map[string]bool, error) {
	reader, err := NewReader(p.Brokers, "relay.parked."+p.Name)
	if err != nil {
		return nil, err
	}
	defer reader.Close()
	ever := make(map[string]bool)
	err = reader.Read(ctx, Offsets{}, func(rec *kgo.Record) error {
		ever[string(rec.Key)] = true
		return nil
	})
	return ever, err
}

// judgeParked is judge for a place where events were parked, and some of them given up.
func (p *Place) judgeParked(ctx context.Context, reader *Reader, snapshots []Offsets, skipped map[string]bool) (*Verdict, error) {
	written, published, err := p.contents(ctx, reader)
	if err != nil {
		return nil, err
	}
	ever, err := p.everParked(ctx)
	if err != nil {
		return nil, err
	}
	for i := range published {
		published[i].Late = ever[published[i].Position]
	}
	return compare(written, published, snapshots, skipped), nil
}

// parkedNow is an item of `relay parked list -o json`.
type parkedNow struct {
	Position string `json:"position"`
	ID       string `json:"id"`
	Reason   string `json:"reason"`
}

// listParked asks the relay command what is parked.
func (f *Fleet) listParked(ctx context.Context) ([]parkedNow, error) {
	out, err := exec.CommandContext(ctx, f.Binary, "parked", "list", "-o", "json", "--config", f.config()).Output()
	if err != nil {
		return nil, fmt.Errorf("relay parked list: %w", err)
	}
	var list struct{ Items []parkedNow }
	return list.Items, json.Unmarshal(out, &list)
}

// Command starts a command that works on the relay's slot, as an instance of its own.
func (f *Fleet) Command(args ...string) (*Process, error) {
	p, err := launchCommand(f.Binary, f.Dir, fmt.Sprintf("command-%03d", len(f.Processes)+1), append(args, "--config", f.config())...)
	if err != nil {
		return nil, err
	}
	f.Processes = append(f.Processes, p)
	return p, nil
}

// finish waits for a command and gives its exit code.
func (p *Process) finish(ctx context.Context) (int, error) {
	select {
	case <-p.ended:
	case <-ctx.Done():
		return 0, fmt.Errorf("wait for %s: %w", p.Name, context.Cause(ctx))
	}
	if err := p.settle(); err != nil {
		return 0, err
	}
	if exit, ok := errors.AsType[*exec.ExitError](p.err); ok {
		return exit.ExitCode(), nil
	}
	return 0, p.err
}
