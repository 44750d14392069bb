package main

import (
	"context"
	"log/slog"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outbox-relay/relay/internal/config"
	"github.com/outbox-relay/relay/internal/relay"
	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/publisher"
)

func configured(change func(*config.Config)) relay.Config {
	c := config.Default()
	c.Name, c.Source.Slot, c.Source.URL, c.Kafka.Brokers = "payments", "relay_payments", "postgres://", []string{"k:1"}
	change(&c)
	return relayConfig(setup{config: c, version: "1", host: "h"})
}

func TestRelayConfig(t *testing.T) {
	r := configured(func(*config.Config) {})
	if r.Kafka.CheckpointTopic != "relay.checkpoints.payments" || r.Parked != "relay.parked.payments" || r.Source.SenderTimeout != 10*time.Second ||
		r.Table != "outbox.event" || r.Batch.Memory != 48<<20 || !r.Failover || r.Source.Password != nil || r.Source.Messages {
		t.Errorf("%+v", r)
	}
	if diff := cmp.Diff([]string{"relay.checkpoints", "relay.parked"}, r.Outbox.ReservedTopics); diff != "" {
		t.Error(diff)
	}
	if diff := cmp.Diff(&publisher.TopicSpec{Partitions: 6, ReplicationFactor: 3, MinInSync: 2}, r.InternalTopics); diff != "" || r.Kafka.CreateTopics != nil {
		t.Error(diff, r.Kafka.CreateTopics)
	}
}

// TestEveryKeyReachesTheRelay changes one key after the other: each must change what the packages get, except those that
// concern the process alone or have one value only.
func TestEveryKeyReachesTheRelay(t *testing.T) {
	elsewhere := []string{
		"Server.Listen", "Server.AdminSocket", "Server.ReadyMaxLag", "Log.Level", "Log.Format", "Failure.OnUnpublishable",
		"Kafka.CreateTopics", "Tracing.OTLPEndpoint",
	} // TestCreateTopics
	base := configured(func(*config.Config) {})
	eachKey(reflect.TypeFor[config.Config](), nil, "", func(index []int, name string) {
		changed := configured(func(c *config.Config) { alter(t, reflect.ValueOf(c).Elem().FieldByIndex(index)) })
		if reaches := !reflect.DeepEqual(base, changed); reaches == slices.Contains(elsewhere, name) {
			t.Errorf("%s reaches the relay: %v", name, reaches)
		}
	})
}

// TestSignalStopsTheEngineGracefully: only its own cause makes the engine finish what has begun, and end with nil.
func TestSignalStopsTheEngineGracefully(t *testing.T) {
	ctx, cancel := context.WithCancelCause(t.Context())
	c := config.Default()
	c.Name, c.Source.Slot, c.Source.URL, c.Kafka.Brokers = "payments", "relay_payments", "postgres://127.0.0.1:1/shop", []string{unusedAddress(t)}
	s := setup{config: c, logger: slog.New(slog.DiscardHandler), status: status.New("payments")}
	ended := make(chan error)
	go func() { ended <- realEngine{}.Run(ctx, s, runOptions{}) }()
	waitFor(t, func() bool { return s.status.State() == status.Unreachable })
	cancel(errInterrupted)
	if err := <-ended; err != nil {
		t.Errorf("Run ends with %v", err)
	}
}

func TestCreateTopics(t *testing.T) {
	for value, want := range map[string]struct{ internal, event bool }{"none": {false, false}, "internal": {true, false}, "all": {true, true}} {
		r := configured(func(c *config.Config) { c.Kafka.CreateTopics = value })
		if got := (struct{ internal, event bool }{r.InternalTopics != nil, r.Kafka.CreateTopics != nil}); got != want {
			t.Errorf("%s creates %+v, want %+v", value, got, want)
		}
	}
}

func eachKey(typ reflect.Type, index []int, prefix string, f func(index []int, name string)) {
	for i := range typ.NumField() {
		field, at := typ.Field(i), append(slices.Clone(index), i)
		if field.Type.Kind() == reflect.Struct {
			eachKey(field.Type, at, field.Name+".", f)
			continue
		}
		f(at, prefix+field.Name)
	}
}

// alter gives a value another one of its kind.
func alter(t *testing.T, v reflect.Value) {
	t.Helper()
	switch v.Kind() {
	case reflect.String:
		v.SetString("other")
	case reflect.Bool:
		v.SetBool(!v.Bool())
	case reflect.Int, reflect.Int64:
		v.SetInt(v.Int() + 1)
	case reflect.Slice:
		v.Set(reflect.Append(v, reflect.Zero(v.Type().Elem())))
	case reflect.Map:
		v.Set(reflect.ValueOf(map[string]string{"id": "other"}))
	default:
		t.Fatalf("no other value of %s", v.Type())
	}
}
