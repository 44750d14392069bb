package relay

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/internal/guard"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
	"github.com/outbox-relay/relay/replication"
)

// session is one pass through the start-up order and what follows. Whatever goes wrong ends it, and the next one begins
// at the top: there is no other way to recover. Its steps are, in this order, look, ask, own, fence, barrier and read;
// then a daemon passes the guard and streams, and a command does its work.
type session struct {
	cfg      *Config
	log      *slog.Logger
	protocol *slog.Logger
	mapper   *outbox.Mapper

	kafka    *publisher.Client
	pg       *replication.Conn
	side     *replication.Sibling // ordinary connection to the same server
	stream   *replication.Stream
	producer *publisher.Producer

	facts       guard.Facts
	fingerprint string
	slot        *replication.Slot        // as the catalogue has it
	publication *replication.Publication // as the catalogue has it
	tables      []replication.Table      // the outbox tables as the catalogue has them
	cluster     publisher.Facts          // what Kafka showed at the last look
	holds       heldKeys                 // read with the checkpoint
	readsParked bool                     // the barrier goes to the parked topic too
}

func newSession(cfg *Config) (*session, error) {
	mapper, err := outbox.NewMapper(cfg.Outbox)
	if err != nil {
		return nil, &fault.Error{Code: fault.Config, Summary: "configuration of outbox and routing is invalid", Err: err}
	}
	s := &session{cfg: cfg, log: cfg.Logger, protocol: cfg.Protocol.With(keyRelay, cfg.Kafka.Relay, "instance", cfg.Host), mapper: mapper}
	s.facts.Want = s.want()
	return s, nil
}

// look reaches Kafka before anything is taken, and reads the newest barrier and checkpoint without fencing anybody.
func (s *session) look(ctx context.Context) error {
	if err := s.reachKafka(ctx); err != nil {
		return err
	}
	look, err := s.kafka.Look(ctx)
	switch {
	case errors.Is(err, publisher.ErrNoTopic):
	case err != nil:
		return checkpointTrouble(s.cfg, err)
	}
	s.facts.Barrier, s.facts.Checkpoint = look.Furthest, look.Checkpoint
	return nil
}

// ask asks Postgres on the replication connection itself: a pooler or an address of several hosts must not answer for
// another server.
func (s *session) ask(ctx context.Context) error {
	var err error
	if s.pg, err = replication.Connect(ctx, s.cfg.Source); err != nil {
		return postgresTrouble(s.cfg, err)
	}
	s.fingerprint = s.pg.Fingerprint()
	for _, ask := range []func(context.Context) error{
		s.askServer,
		func(ctx context.Context) error { return s.askCatalog(ctx, &s.pg.Catalog) },
	} {
		if err := ask(ctx); err != nil {
			return postgresTrouble(s.cfg, err)
		}
	}
	return s.askKafka(ctx)
}

// own takes the slot, which only one connection can have. From here the server is kept informed that we live, and
// nothing is acknowledged.
func (s *session) own(ctx context.Context) error {
	var err error
	if s.side == nil {
		if s.side, err = s.pg.Sibling(ctx); err != nil {
			return postgresTrouble(s.cfg, err)
		}
	}
	if s.stream, err = s.pg.Start(ctx); err != nil {
		return postgresTrouble(s.cfg, err)
	}
	s.protocol.Info("own", keySlot, s.cfg.Source.Slot, keyPID, s.stream.PID(), "timeline", s.facts.Server.Timeline)
	s.log.Info("slot owned", keySlot, s.cfg.Source.Slot, "system_id", s.facts.Server.SystemID,
		"timeline", s.facts.Server.Timeline, "confirmed_flush", s.confirmed())
	return nil
}

// errSlotLost: the slot is not ours any more, so nothing that was found out can be trusted.
var errSlotLost = errors.New("the slot is not ours any more")

// stillOurs checks that our walsender has the slot: a relay that lost it must not fence the one that has it.
func (s *session) stillOurs(ctx context.Context) error {
	slot, err := s.side.Slot(ctx, s.cfg.Source.Slot)
	if err != nil {
		return err
	}
	s.facts.Slot = slotFacts(slot)
	if !s.owned() {
		return s.slotLost()
	}
	return nil
}

// owned tells whether the slot that was looked at last is read by our own walsender.
func (s *session) owned() bool {
	return s.facts.Slot != nil && s.facts.Slot.ActivePID == s.stream.PID()
}

// slotLost says why the slot is not ours any more: the server tells on the stream if it could not go on, as when the
// publication did not exist where it decodes.
func (s *session) slotLost() error {
	limit := time.AfterFunc(lastWords, func() { _ = s.stream.Close() })
	defer limit.Stop()
	for {
		_, err := s.stream.Next()
		if errors.Is(err, replication.ErrClosed) {
			return errSlotLost
		}
		if err != nil {
			return postgresTrouble(s.cfg, fmt.Errorf("%w: %w", errSlotLost, err))
		}
	}
}

// lastWords is how long the end of a stream may take that has lost its slot.
const lastWords = 2 * time.Second

// fence makes every older instance powerless, then commits a barrier: what was committed before it is all there is.
func (s *session) fence(ctx context.Context, stillOurs func(context.Context) error) error {
	var err error
	if s.producer, err = s.kafka.Fence(ctx, stillOurs); err != nil {
		return fmt.Errorf("fence: %w", err)
	}
	_, epoch := s.producer.Epoch()
	s.cfg.Status.Fenced(epoch)
	s.log.Info("producer fenced", "transactional_id", s.cfg.Kafka.TransactionalID(), "epoch", epoch)
	barrier := publisher.Barrier{Identity: s.identity(), Timeline: s.facts.Server.Timeline, Writer: s.writer()}
	commit := s.producer.Barrier
	if s.readsParked {
		commit = s.producer.BarrierForParked
	}
	if err := commit(ctx, barrier); err != nil {
		return fmt.Errorf("commit barrier: %w", err)
	}
	return nil
}

// read reads the checkpoint behind the barrier.
func (s *session) read(ctx context.Context) error {
	found, err := s.producer.ReadCheckpoint(ctx)
	if err != nil {
		return checkpointTrouble(s.cfg, err)
	}
	s.facts.Checkpoint, s.facts.Barrier = found.Checkpoint, found.Furthest
	if cp := found.Checkpoint; cp != nil {
		s.cfg.Status.CheckpointRead(shown(cp), cp.Time)
		s.log.Info("checkpoint read", keyResumeLSN, cp.ResumeLSN, "events", cp.EventsTotal, "age", time.Since(cp.Time).Round(time.Second))
	}
	return nil
}

// guard asks everything again that may have changed while an older instance was still at work, then judges.
func (s *session) guard(ctx context.Context) error {
	err := s.refresh(ctx)
	if err != nil {
		return err
	}
	s.show()
	refusal := guard.AfterRead(&s.facts)
	s.protocol.Info("guard", "verdict", verdict(refusal), "confirmed_flush", s.confirmed())
	if refusal != nil {
		return refusal
	}
	for _, acl := range s.cluster.Denied {
		s.log.Warn("not authorised to check Kafka settings", "missing_acl", acl)
	}
	if err := s.warnForgeable(ctx); err != nil {
		return err
	}
	if added := guard.Added(&s.facts); len(added) > 0 {
		s.log.Warn("table was added to the publication: what was written to it before is not published", "tables", added)
		if s.facts.Checkpoint.TableAdded, err = s.beginning(ctx); err != nil {
			return err
		}
	}
	s.log.Info("guard passed", "skip_until", s.facts.Checkpoint.ResumeLSN)
	return nil
}

// refresh reads topics, WAL end, publication and slot after the fence. The slot comes last, with its owner in one row:
// if it is still ours, nobody else has published while the rest was looked at; if not, there is no verdict, only a new
// session.
func (s *session) refresh(ctx context.Context) error {
	if err := s.askKafka(ctx); err != nil {
		return err
	}
	flush, err := s.walEnd(ctx)
	if err != nil {
		return err
	}
	s.facts.Server.FlushLSN = flush
	if err := s.askCatalog(ctx, &s.side.Catalog); err != nil {
		return fmt.Errorf("ask catalogue: %w", err)
	}
	if !s.owned() {
		return s.slotLost()
	}
	return nil
}

// walEnd is the end of the WAL that Postgres has flushed.
func (s *session) walEnd(ctx context.Context) (outbox.LSN, error) {
	var text string
	if err := s.side.QueryRow(ctx, "SELECT pg_current_wal_flush_lsn()::text").Scan(&text); err != nil {
		return 0, fmt.Errorf("ask WAL end: %w", err)
	}
	return outbox.ParseLSN(text)
}

func (s *session) identity() publisher.Identity {
	id := publisher.Identity{
		Relay: s.facts.Want.Relay, Shard: s.facts.Want.Shard, Of: s.facts.Want.Of,
		SystemID: s.facts.Server.SystemID, DatabaseOID: s.facts.Server.DatabaseOID, Database: s.facts.Server.Database,
		Slot: s.facts.Want.Slot, KafkaClusterID: s.facts.Kafka.ClusterID,
	}
	if t := s.facts.Kafka.CheckpointTopic; t != nil {
		id.TopicID = t.ID
	}
	if cp := s.facts.Checkpoint; cp != nil {
		id.Generation = cp.Generation
	}
	return id
}

func (s *session) writer() publisher.Writer {
	return publisher.Writer{Version: s.cfg.Version, Host: s.cfg.Host, Time: time.Now().UTC()}
}

// close releases the slot first, then everything else.
func (s *session) close() {
	var errs []error
	if s.stream != nil {
		errs = append(errs, s.stream.Close())
	}
	if s.pg != nil {
		errs = append(errs, s.pg.Close())
	}
	if s.side != nil {
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		errs = append(errs, s.side.Close(ctx))
	}
	if s.kafka != nil {
		errs = append(errs, s.kafka.Close())
	}
	if err := errors.Join(errs...); err != nil {
		s.log.Debug("session closed", keyError, err)
	}
}

func verdict(r *guard.Refusal) string {
	if r == nil {
		return "run"
	}
	return r.Code.String()
}
