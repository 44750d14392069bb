package publisher

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/IBM/sarama"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"github.com/outbox-relay/relay/outbox"
)

// onFake is a relay on a Kafka double, for answers that a real broker does not give on demand. It proves what we do with
// an answer, not that a broker gives it.
func onFake(t *testing.T, options ...kfake.Opt) (*relayUnderTest, *kfake.Cluster) {
	t.Helper()
	cluster, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(3), kfake.SeedTopics(2, "orders", "checkpoints")}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(cluster.Close)
	r := &relayUnderTest{t: t, brokers: cluster.ListenAddrs(), log: &protocolLog{}}
	r.cfg = Config{Brokers: r.brokers, Relay: "shop", CheckpointTopic: "checkpoints", Protocol: slog.New(r.log)}
	return r, cluster
}

// What each answer makes of the transaction: asked again, doubt, or fenced; and whether EndTxn was asked for more than
// once, which only a definite "not yet" allows.
func TestAnswersInATransaction(t *testing.T) {
	for name, c := range map[string]struct {
		key     kmsg.Key
		answer  *kerr.Error
		commits bool
		fenced  bool
		ends    int // calls of EndTxn for the transaction
	}{
		"add: not yet":                   {key: kmsg.AddPartitionsToTxn, answer: kerr.ConcurrentTransactions, commits: true, ends: 1},
		"add: loading":                   {key: kmsg.AddPartitionsToTxn, answer: kerr.CoordinatorLoadInProgress, commits: true, ends: 1},
		"add: moved":                     {key: kmsg.AddPartitionsToTxn, answer: kerr.NotCoordinator},
		"add: fenced":                    {key: kmsg.AddPartitionsToTxn, answer: kerr.ProducerFenced, fenced: true},
		"add: mapping gone":              {key: kmsg.AddPartitionsToTxn, answer: kerr.InvalidProducerIDMapping, fenced: true},
		"produce: leader moved":          {key: kmsg.Produce, answer: kerr.NotLeaderForPartition},
		"produce: too few replicas":      {key: kmsg.Produce, answer: kerr.NotEnoughReplicas},
		"produce: timed out":             {key: kmsg.Produce, answer: kerr.RequestTimedOut},
		"produce: appended, not safe":    {key: kmsg.Produce, answer: kerr.NotEnoughReplicasAfterAppend},
		"produce: fenced":                {key: kmsg.Produce, answer: kerr.InvalidProducerEpoch, fenced: true},
		"produce: not added":             {key: kmsg.Produce, answer: kerr.InvalidTxnState},
		"produce: order":                 {key: kmsg.Produce, answer: kerr.OutOfOrderSequenceNumber},
		"produce: unknown":               {key: kmsg.Produce, answer: kerr.UnknownServerError},
		"end: not yet":                   {key: kmsg.EndTxn, answer: kerr.ConcurrentTransactions, commits: true, ends: 2},
		"end: loading":                   {key: kmsg.EndTxn, answer: kerr.CoordinatorLoadInProgress, commits: true, ends: 2},
		"end: moved":                     {key: kmsg.EndTxn, answer: kerr.NotCoordinator, ends: 1},
		"end: coordinator not available": {key: kmsg.EndTxn, answer: kerr.CoordinatorNotAvailable, ends: 1},
		"end: timed out":                 {key: kmsg.EndTxn, answer: kerr.RequestTimedOut, ends: 1},
		"end: fenced":                    {key: kmsg.EndTxn, answer: kerr.ProducerFenced, fenced: true, ends: 1},
		"end: unknown":                   {key: kmsg.EndTxn, answer: kerr.UnknownServerError, ends: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, cluster := onFake(t)
			_, p, _ := r.session()
			awaitEpoch(t, p)
			ends := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.EndTxn}, Observe: true, Count: -1})
			cluster.Fault(kfake.Fault{Keys: []kmsg.Key{c.key}, Err: c.answer})
			_, err := p.Publish(t.Context(), Commit{Batch: events("orders", 10), FirstSeq: 1, Checkpoint: r.checkpoint(1)})
			if (err == nil) != c.commits || errors.Is(err, ErrFenced) != c.fenced {
				t.Errorf("error is %v; want commit %v, fenced %v", err, c.commits, c.fenced)
			}
			if !c.commits && !errors.Is(err, sarama.KError(c.answer.Code)) {
				t.Errorf("error %v does not tell the answer", err)
			}
			if got := ends.Hits(); int(got) != c.ends {
				t.Errorf("%d calls of EndTxn, want %d", got, c.ends)
			}
			if _, again := p.Publish(t.Context(), Commit{Checkpoint: r.checkpoint(2)}); (again == nil) != c.commits {
				t.Errorf("after it, the producer says %v", again)
			}
		})
	}
}

// The answer to EndTxn is lost, and the call must not be repeated: it may have committed.
func TestALostAnswerToTheCommitIsDoubt(t *testing.T) {
	for name, lose := range map[string]func(*kfake.Cluster) error{
		"connection closed": func(*kfake.Cluster) error { return errors.New("close") },
		"silence":           func(*kfake.Cluster) error { return nil },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r, cluster := onFake(t)
			_, p, _ := r.session()
			awaitEpoch(t, p)
			var ends atomic.Int32
			cluster.ControlKey(int16(kmsg.EndTxn), func(kmsg.Request) (kmsg.Response, error, bool) {
				cluster.KeepControl()
				ends.Add(1)
				return nil, lose(cluster), true
			})
			_, err := p.Publish(t.Context(), Commit{Batch: events("orders", 10), FirstSeq: 1, Checkpoint: r.checkpoint(1)})
			if err == nil {
				t.Fatal("committed without an answer")
			}
			if _, again := p.Publish(t.Context(), Commit{Checkpoint: r.checkpoint(2)}); again == nil || ends.Load() != 1 {
				t.Errorf("the producer went on: %v; EndTxn was asked for %d times", again, ends.Load())
			}
		})
	}
}

func TestFencingAsksWhetherTheSlotIsStillOurs(t *testing.T) {
	r, cluster := onFake(t)
	c := r.connect()
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ConcurrentTransactions, Count: 3, TopLevel: true})
	asked := 0
	if _, err := c.Fence(t.Context(), func(context.Context) error { asked++; return nil }); err != nil || asked != 4 {
		t.Errorf("asked %d times, want once for each of four tries; error %v", asked, err)
	}
	lost := errors.New("the slot is another's")
	inits := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Observe: true, TopLevel: true, Count: -1})
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ConcurrentTransactions, Count: -1, TopLevel: true})
	asked = 0
	_, err := c.Fence(t.Context(), func(context.Context) error {
		if asked++; asked == 3 {
			return lost
		}
		return nil
	})
	if !errors.Is(err, lost) || asked != 3 || inits.Hits() > 2 {
		t.Errorf("error %v after asking %d times and %d calls", err, asked, inits.Hits())
	}
}

func TestAnotherCoordinatorNeedsANewSession(t *testing.T) {
	for _, answer := range []*kerr.Error{kerr.NotCoordinator, kerr.CoordinatorNotAvailable} {
		r, cluster := onFake(t)
		cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: answer, TopLevel: true})
		if _, err := r.connect().Fence(t.Context(), always); !errors.Is(err, sarama.KError(answer.Code)) {
			t.Errorf("error is %v, want %v", err, answer)
		}
	}
}

// A broker that hangs holds up neither the bootstrap nor the question for the coordinator.
func TestABrokerThatHangsIsNotWaitedFor(t *testing.T) {
	r, cluster := onFake(t)
	hung := func(kmsg.Request) (kmsg.Response, error, bool) {
		cluster.KeepControl()
		return nil, nil, cluster.CurrentNode() == 0
	}
	cluster.ControlKey(int16(kmsg.Metadata), hung)
	cluster.ControlKey(int16(kmsg.FindCoordinator), hung)
	if _, err := r.connect().findCoordinator(t.Context()); err != nil {
		t.Error(err)
	}
}

func TestNoBrokerAnswers(t *testing.T) {
	_, err := Connect(t.Context(), Config{Brokers: []string{"127.0.0.1:1", "127.0.0.1:2"}, Relay: "shop", CheckpointTopic: "checkpoints"})
	if err == nil || !strings.Contains(err.Error(), "127.0.0.1:1") || !strings.Contains(err.Error(), "127.0.0.1:2") {
		t.Errorf("error is %v, want one that names both brokers", err)
	}
}

// A commit is followed by a bump. When that fails the transaction has still committed, and the next one finds out.
func TestAFailedBumpEndsTheProducerBetweenTransactions(t *testing.T) {
	r, cluster := onFake(t)
	_, p, _ := r.session()
	awaitEpoch(t, p)
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.InitProducerID}, Err: kerr.ProducerFenced, TopLevel: true})
	if _, err := p.Publish(t.Context(), Commit{Batch: events("orders", 1), FirstSeq: 1, Checkpoint: r.checkpoint(1)}); err != nil {
		t.Fatal(err)
	}
	<-p.Done()
	if _, err := p.Publish(t.Context(), Commit{Checkpoint: r.checkpoint(2)}); !errors.Is(err, ErrFenced) {
		t.Errorf("error is %v, want ErrFenced", err)
	}
}

func TestTheNextIdentityMustFollow(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, who identity
		ok       bool
	}{
		{"the next epoch", identity{7, 3}, identity{7, 4}, true},
		{"a new producer id after the last epoch", identity{7, 32766}, identity{8, 0}, true},
		{"two epochs on: somebody else was here", identity{7, 3}, identity{7, 5}, false},
		{"the same epoch", identity{7, 3}, identity{7, 3}, false},
		{"an older epoch", identity{7, 3}, identity{7, 2}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &Producer{who: c.old}
			err := p.become(c.old, c.who)
			if (err == nil) != c.ok || err == nil && p.who != c.who {
				t.Errorf("error %v, identity %v", err, p.who)
			}
		})
	}
}

// With an id or epoch below 0 a broker appends outside any transaction and every reader sees it at once.
func TestNothingIsProducedWithoutAnIdentity(t *testing.T) {
	r, cluster := onFake(t)
	_, p, _ := r.session()
	awaitEpoch(t, p)
	produced := cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Observe: true, Count: -1})
	for _, who := range []identity{{-1, 0}, {5, -1}, {-1, -1}} {
		plan, err := p.c.Plan(t.Context(), events("orders", 1), nil)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.produce(t.Context(), who, &job{plan: plan}); err == nil {
			t.Errorf("produced as %+v", who)
		}
	}
	if produced.Hits() != 0 {
		t.Errorf("%d requests were sent", produced.Hits())
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	cluster.ControlKey(int16(kmsg.InitProducerID), func(req kmsg.Request) (kmsg.Response, error, bool) {
		answer := req.ResponseKind().(*kmsg.InitProducerIDResponse)
		answer.ProducerID, answer.ProducerEpoch = -1, -1
		return answer, nil, true
	})
	if _, err := r.connect().Fence(ctx, always); err == nil {
		t.Error("a producer was made of id -1")
	}
}

// OFFSET_NOT_AVAILABLE comes from a new leader that does not know its high watermark yet.
func TestReadingWaitsForANewLeader(t *testing.T) {
	r, cluster := onFake(t)
	_, p, _ := r.session()
	r.publish(p, 1, &outbox.Batch{})
	cluster.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Fetch, kmsg.ListOffsets}, Err: kerr.OffsetNotAvailable, Count: 5})
	if _, _, cp := r.session(); cp == nil || cp.Seq != 1 {
		t.Errorf("checkpoint is %+v, want seq 1", cp)
	}
}
