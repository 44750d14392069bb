package model

import "testing"

// TestKafkaFacts holds the model to what was seen on real brokers.
func TestKafkaFacts(t *testing.T) {
	// fresh is a coordinator that has given epoch 1 to a producer, with a transaction open on the first event partition.
	fresh := func() *kafka {
		k := &kafka{verifies: true}
		k.coordinator.fence()
		k.coordinator.add(1, 1<<firstEvents)
		return k
	}
	send := func(k *kafka, epoch uint8, e events) answer {
		return k.produce(&payload{events: e, epoch: epoch, toWhere: firstEvents})
	}
	finish := func(k *kafka) {
		for at := range numPartitions {
			if k.coordinator.unmarked&(1<<at) != 0 {
				k.writeMarker(at)
			}
		}
	}
	for name, run := range map[string]func(k *kafka) bool{
		"what is committed is visible when its marker is written": func(k *kafka) bool {
			send(k, 1, event(1, 0))
			k.coordinator.end(1, true)
			before := k.visible()
			finish(k)
			return before == 0 && k.visible() == event(1, 0)
		},
		"a fence over an open transaction aborts it and has to be asked again": func(k *kafka) bool {
			send(k, 1, event(1, 0))
			first := k.coordinator.fence()
			second := k.coordinator.fence()
			finish(k)
			return first == notYet && second == notYet && k.coordinator.fence() == granted && k.visible() == 0 && k.coordinator.epoch == 3
		},
		"after a fence the old epoch can do nothing": func(k *kafka) bool {
			k.coordinator.fence()
			finish(k)
			k.coordinator.fence()
			return k.coordinator.add(1, 1) == denied && k.coordinator.end(1, true) == denied && send(k, 1, event(1, 0)) == denied &&
				k.coordinator.bump(1) == denied
		},
		"a bump that was not answered can be asked again, but not over a fence": func(k *kafka) bool {
			k.coordinator.end(1, false)
			finish(k)
			first, again := k.coordinator.bump(1), k.coordinator.bump(1)
			once := k.coordinator.epoch == 2
			k.coordinator.fence()
			return first == granted && again == granted && once && k.coordinator.bump(2) == denied
		},
		"a partition that was not added takes nothing": func(k *kafka) bool {
			return k.produce(&payload{events: event(1, 1), epoch: 1, toWhere: secondEvents}) == denied
		},
		"a late batch of an aborted transaction is refused, verified or not": func(k *kafka) bool {
			k.verifies = false
			k.coordinator.fence()
			finish(k)
			return send(k, 1, event(1, 0)) == denied
		},
		"after EndTxn(abort) an unverified leader takes a late batch": func(k *kafka) bool {
			k.verifies = false
			k.coordinator.end(1, false)
			finish(k)
			return send(k, 1, event(1, 0)) == granted
		},
		"a late COMMIT marker commits half of the next transaction of the same epoch": func(k *kafka) bool {
			send(k, 1, event(1, 0))
			k.coordinator.end(1, true)
			finish(k)
			k.coordinator.add(1, 1<<firstEvents)
			send(k, 1, event(2, 0))
			k.mark(firstEvents, 1, true)
			return k.visible() == event(1, 0)|event(2, 0)
		},
		"and is refused when the next one has an epoch of its own": func(k *kafka) bool {
			send(k, 1, event(1, 0))
			k.coordinator.end(1, true)
			finish(k)
			k.coordinator.bump(1)
			k.coordinator.add(2, 1<<firstEvents)
			send(k, 2, event(2, 0))
			k.mark(firstEvents, 1, true)
			return k.visible() == event(1, 0)
		},
		"ending again what was committed is answered well": func(k *kafka) bool {
			k.coordinator.end(1, true)
			busy := k.coordinator.end(1, true)
			finish(k)
			return busy == notYet && k.coordinator.end(1, true) == granted
		},
		"ending nothing is refused": func(k *kafka) bool {
			k.coordinator.end(1, false)
			finish(k)
			k.coordinator.bump(1)
			return k.coordinator.end(2, true) == denied
		},
	} {
		t.Run(name, func(t *testing.T) {
			if !run(fresh()) {
				t.Error("the model's Kafka does not do this")
			}
		})
	}
}

func TestOnHistory(t *testing.T) {
	srv := server{timeline: 3, forks: [maxTimelines]uint8{1: 4, 2: 6}, n: 9}
	for _, tc := range []struct {
		timeline, lsn uint8
		want          bool
	}{
		{3, 9, true}, {2, 6, true}, {2, 7, false}, {1, 4, true}, {1, 5, false}, {4, 1, false},
	} {
		if got := srv.onHistory(tc.timeline, tc.lsn); got != tc.want {
			t.Errorf("timeline %d, LSN %d: %v, want %v", tc.timeline, tc.lsn, got, tc.want)
		}
	}
}

// TestCommonHistory: two branches share what they have up to where the first of them left.
func TestCommonHistory(t *testing.T) {
	s := state{branches: [maxBranches]branch{1: {parent: 0, fork: 5}, 2: {parent: 1, fork: 7}, 3: {parent: 0, fork: 3}}}
	for _, tc := range []struct{ a, b, want uint8 }{
		{0, 0, maxWAL}, {0, 1, 5}, {1, 2, 7}, {0, 2, 5}, {2, 3, 3}, {3, 1, 3},
	} {
		if got := s.common(tc.a, tc.b); got != tc.want {
			t.Errorf("common(%d, %d) = %d, want %d", tc.a, tc.b, got, tc.want)
		}
	}
}
