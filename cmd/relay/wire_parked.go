package main

import (
	"context"
	"io"
	"time"

	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/publisher"
)

// Parked lists what is parked.
func (realEngine) Parked(ctx context.Context, s setup) ([]parkedEvent, error) {
	found, err := relay.LookParked(ctx, relayConfig(s))
	return describeParked(found), err
}

// ShowParked gives the parked events of that position or id with their values.
func (realEngine) ShowParked(ctx context.Context, s setup, name string) ([]parkedContent, error) {
	found, err := relay.ShowParked(ctx, relayConfig(s), name)
	contents := make([]parkedContent, len(found))
	for i := range found {
		contents[i] = describeContent(&found[i])
	}
	return contents, err
}

// PlanRelease looks what a retry or skip would do.
func (realEngine) PlanRelease(ctx context.Context, s setup, o releaseOptions) (releasePlan, error) {
	ctx, cancel := looking(ctx)
	defer cancel()
	plan, err := relay.PlanRelease(ctx, relayConfig(s), o.release())
	return releasePlan{Skip: describeParked(plan.Skip), Publish: describeParked(plan.Publish), Unknown: plan.Unknown}, err
}

// Release retries or skips.
func (realEngine) Release(ctx context.Context, s setup, o releaseOptions, out io.Writer) (releaseOutcome, error) {
	done, err := relay.ReleaseParked(ctx, relayConfig(s), o.release(), out)
	outcome := releaseOutcome{Published: done.Published, Skipped: done.Skipped, Left: describeParked(done.Left)}
	for _, e := range done.Events {
		outcome.Items = append(outcome.Items, describeRelease(describeOne(&e.Parked, e.Size), string(e.Fate)))
	}
	return outcome, err
}

func (o *releaseOptions) release() relay.Release {
	return relay.Release{
		Selection: relay.Selection{All: o.all, Events: o.events, Topic: o.topic, Reason: o.reason}, Skip: o.skip, ToTopic: o.toTopic,
	}
}

func describeParked(found []*relay.ParkedEvent) []parkedEvent {
	events := make([]parkedEvent, len(found))
	for i, e := range found {
		events[i] = describeOne(&e.Parked, e.Size)
	}
	return events
}

func describeOne(e *publisher.Parked, size int) parkedEvent {
	d := parkedEvent{
		Position: e.Position.String(), ID: e.ID, Topic: e.Topic, Reason: e.Reason, Detail: e.Detail, Behind: e.Behind, Kind: string(e.Kind),
		Bytes: size, Parked: e.Time, Committed: time.UnixMicro(e.CommitTime).UTC(), XID: e.XID, Offset: e.Offset,
	}
	d.Key, d.KeyBase64 = textOrBase64(e.Key)
	return d
}

func describeContent(e *publisher.Parked) parkedContent {
	size := len(e.Value)
	c := parkedContent{Headers: []parkedHeader{}}
	for _, h := range e.Headers {
		size += len(h.Key) + len(h.Value)
		header := parkedHeader{Name: string(h.Key)}
		header.Value, header.ValueBase64 = textOrBase64(h.Value)
		c.Headers = append(c.Headers, header)
	}
	c.parkedEvent = describeOne(e, size)
	c.Value, c.ValueBase64 = textOrBase64(e.Value)
	return c
}
