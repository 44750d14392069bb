package guard

import (
	"strings"
	"testing"

	"github.com/outbox-relay/relay/internal/fault"
	"github.com/outbox-relay/relay/outbox"
	"github.com/outbox-relay/relay/publisher"
)

// well is a relay of which everything is in order: its checkpoint lies a little ahead of the slot.
func well() *Facts {
	confirmed := outbox.LSN(0x1000)
	cp := &publisher.Checkpoint{
		Identity: publisher.Identity{
			Relay: "payments", Generation: 1, Of: 1, SystemID: "7311", DatabaseOID: 5, Database: "shop",
			Slot: "relay_payments", KafkaClusterID: "kafka", TopicID: "topic",
		},
		Timeline: 2, ResumeLSN: 0x1100, Seq: 7, EventsTotal: 42, Phase: publisher.PhaseStream,
		Publication: publisher.Publication{OID: 16, Xmin: 700, Tables: []publisher.PublishedTable{
			{Name: "outbox.event", OID: 17, MembershipOID: 18, MembershipXmin: 701},
		}},
	}
	return &Facts{
		Want: Want{Relay: "payments", Of: 1, Slot: "relay_payments", Publication: "outbox", Tables: []string{"outbox.event"}},
		Server: Server{
			SystemID: "7311", Timeline: 2, FlushLSN: 0x2000, Database: "shop", DatabaseOID: 5, Version: 170011, WALLevel: "logical",
			Role: "relay", History: []TimelineSwitch{{Timeline: 1, LSN: 0x800}},
		},
		Slot: &Slot{Plugin: "pgoutput", Database: "shop", ConfirmedFlush: &confirmed, WALStatus: "reserved"},
		Publication: &Publication{OID: 16, Xmin: 700, Insert: true, ViaPartitionRoot: true, Tables: []Table{
			{Name: "outbox.event", OID: 17, Published: true, MembershipOID: 18, MembershipXmin: 701, Partitioned: true},
		}},
		Kafka: Kafka{
			ClusterID: "kafka", CheckpointTopicFor: "relay.checkpoints.payments",
			CheckpointTopic: &Topic{Name: "relay.checkpoints.payments", ID: "topic", Compacted: true, CleanupPolicy: "compact", ReplicationFactor: 3, MinInsync: 2},
			Guarded:         []Topic{{Name: "__transaction_state", ReplicationFactor: 3, MinInsync: 2}},
		},
		Barrier:    &publisher.Barrier{Identity: cp.Identity, Timeline: 2},
		Checkpoint: cp,
	}
}

func TestWellRuns(t *testing.T) {
	f := well()
	if r := BeforeFence(f); r != nil {
		t.Errorf("BeforeFence: %v", r)
	}
	if r := AfterRead(f); r != nil {
		t.Errorf("AfterRead: %v", r)
	}
}

// TestElsewhere: of another relay, what needs no configuration is judged and nothing else.
func TestElsewhere(t *testing.T) {
	f := well()
	f.Publication, f.Want.Tables, f.Want.Publication = nil, nil, ""
	if r := Elsewhere(f); r != nil {
		t.Errorf("well: %v", r)
	}
	for code, harm := range map[fault.Code]func(*Facts){
		fault.SlotAhead:       func(f *Facts) { f.Checkpoint.ResumeLSN = 0xF00 },
		fault.SlotUnusable:    func(f *Facts) { f.Slot = nil },
		fault.IdentityDiffers: func(f *Facts) { f.Kafka.CheckpointTopic.ID = "recreated" },
		fault.HistoryLost:     func(f *Facts) { f.Checkpoint.ResumeLSN = 0x3000 },
		fault.InitInterrupted: func(f *Facts) { f.Checkpoint.Phase = publisher.PhaseCreating },
	} {
		f := well()
		harm(f)
		if r := Elsewhere(f); r == nil || r.Code != code {
			t.Errorf("verdict %v, want %v", r, code)
		}
	}
}

// verdictCase breaks one thing and says what the refusal must name.
type verdictCase struct {
	name string
	harm func(*Facts)
	code fault.Code
	says []string // in the summary or the details
}

func checkVerdicts(t *testing.T, judge func(*Facts) *Refusal, cases []verdictCase) {
	t.Helper()
	for _, tc := range cases {
		t.Run(tc.name, func(t *testing.T) {
			f := well()
			tc.harm(f)
			r := judge(f)
			if r == nil {
				t.Fatal("no refusal")
			}
			if r.Code != tc.code {
				t.Errorf("code %v, want %v: %v", r.Code, tc.code, r)
			}
			text := r.Error() + "\n" + strings.Join(r.Details, "\n")
			for _, want := range tc.says {
				if !strings.Contains(text, want) {
					t.Errorf("refusal does not say %q:\n%s", want, text)
				}
			}
			if r.Hint == "" || len(r.Watch) == 0 {
				t.Errorf("refusal without hint or facts to watch: %+v", r)
			}
		})
	}
}

func TestBeforeFence(t *testing.T) {
	checkVerdicts(t, BeforeFence, []verdictCase{
		{"in recovery", func(f *Facts) { f.Server.InRecovery = true }, fault.InRecovery, []string{"standby"}},
		{"too old", func(f *Facts) { f.Server.Version = 120020 }, fault.ServerUnsuitable, []string{"12"}},
		{"messages on 13", func(f *Facts) { f.Server.Version, f.Want.Messages = 130023, true }, fault.ServerUnsuitable, []string{"wal_messages"}},
		{"wal_level", func(f *Facts) { f.Server.WALLevel = "replica" }, fault.ServerUnsuitable, []string{`"replica"`}},
		{"split brain", func(f *Facts) { f.Barrier.Timeline = 3 }, fault.HistoryLost, []string{"timeline 2", "timeline 3"}},
		{"foreign barrier", func(f *Facts) { f.Barrier.SystemID = "8000" }, fault.IdentityDiffers, []string{"system identifier", "8000", "7311"}},
		{"not initialised", func(f *Facts) { f.Slot, f.Checkpoint, f.Barrier = nil, nil, nil }, fault.NotInitialised, []string{"payments", "relay_payments"}},
		{"slot without topic", func(f *Facts) { f.Kafka.CheckpointTopic, f.Checkpoint, f.Barrier = nil, nil, nil }, fault.NoCheckpoint, []string{"0/1000"}},
		{"slot missing", func(f *Facts) { f.Slot = nil }, fault.SlotUnusable, []string{"[0/1100, 0/2000)"}},
		{"slot lost", func(f *Facts) { f.Slot.WALStatus, f.Slot.Invalidation = "lost", "wal_removed" }, fault.SlotUnusable, []string{"lost", "wal_removed", "[0/1100, 0/2000)"}},
		{"slot invalidated", func(f *Facts) { f.Slot.Invalidation = "idle_timeout" }, fault.SlotUnusable, []string{"idle_timeout"}},
		{"other plugin", func(f *Facts) { f.Slot.Plugin = "test_decoding" }, fault.SlotUnusable, []string{"test_decoding"}},
		{"other database", func(f *Facts) { f.Slot.Database = "ledger" }, fault.SlotUnusable, []string{"ledger", "shop"}},
		{"two phase", func(f *Facts) { f.Slot.TwoPhase = true }, fault.SlotUnusable, []string{"two_phase"}},
		{"temporary", func(f *Facts) { f.Slot.Temporary = true }, fault.SlotUnusable, []string{"temporary"}},
		{"no confirmed flush", func(f *Facts) { f.Slot.ConfirmedFlush = nil }, fault.SlotUnusable, []string{"confirmed_flush_lsn"}},
		{"no publication", func(f *Facts) { f.Publication = nil }, fault.OutboxUnusable, []string{`"outbox"`}},
		{"insert not published", func(f *Facts) { f.Publication.Insert = false }, fault.PublicationDiffers, []string{"insert"}},
		{"table missing", func(f *Facts) { f.Publication.Tables[0].OID = 0 }, fault.OutboxUnusable, []string{"outbox.event"}},
		{"table not published", func(f *Facts) { f.Publication.Tables[0].Published = false }, fault.PublicationDiffers, []string{"outbox.event"}},
		{"leaf unlogged", func(f *Facts) { f.Publication.Tables[0].Unlogged = []string{"outbox.event_tue"} }, fault.OutboxUnusable, []string{"outbox.event_tue"}},
		{"not via root", func(f *Facts) { f.Publication.ViaPartitionRoot = false }, fault.PublicationDiffers, []string{"partitions"}},
		{"row filter", func(f *Facts) { f.Publication.Tables[0].RowFilter = "(id > 3)" }, fault.OutboxUnusable, []string{"(id > 3)"}},
		{"column missing", func(f *Facts) { f.Publication.Tables[0].Unmappable = `no column "payload"` }, fault.OutboxUnusable, []string{"payload"}},
		{"column not listed", func(f *Facts) { f.Publication.Tables[0].Unlisted = `no column "payload"` }, fault.OutboxUnusable, []string{"column list", "payload"}},
		{"old Kafka", func(f *Facts) { f.Kafka.TooOld, f.Kafka.Release = true, "3.6" }, fault.KafkaTooOld, []string{"3.6"}},
		{"no verification", func(f *Facts) { f.Kafka.VerificationOff = true }, fault.KafkaTooOld, []string{"verify"}},
		{"one partition", func(f *Facts) { f.Kafka.CheckpointTopic.Partitions = 1 }, fault.TopicUnsuitable, []string{"has 1 partitions, and 2 are needed"}},
		{"not compacted", func(f *Facts) {
			f.Kafka.CheckpointTopic.Compacted, f.Kafka.CheckpointTopic.CleanupPolicy = false, "delete"
		}, fault.TopicUnsuitable, []string{"cleanup.policy=delete"}},
	})
}

func TestAfterRead(t *testing.T) {
	ahead := outbox.LSN(0x1200)
	checkVerdicts(t, AfterRead, []verdictCase{
		{"no checkpoint", func(f *Facts) { f.Checkpoint = nil }, fault.NoCheckpoint, []string{"relay.checkpoints.payments", "0/1000"}},
		{"split brain seen late", func(f *Facts) { f.Barrier.Timeline = 3 }, fault.HistoryLost, []string{"timeline 2", "timeline 3"}},
		{"init interrupted", func(f *Facts) { f.Checkpoint.Phase = publisher.PhaseCreating }, fault.InitInterrupted, nil},
		{"another relay", func(f *Facts) { f.Checkpoint.Relay = "ledger" }, fault.IdentityDiffers, []string{"ledger", "payments"}},
		{"another shard", func(f *Facts) { f.Checkpoint.Of = 4 }, fault.IdentityDiffers, []string{"0 of 4", "0 of 1"}},
		{"another system", func(f *Facts) { f.Checkpoint.SystemID = "1" }, fault.IdentityDiffers, []string{"system identifier"}},
		{"another database", func(f *Facts) { f.Checkpoint.DatabaseOID = 6 }, fault.IdentityDiffers, []string{"oid 6", "oid 5"}},
		{"another slot", func(f *Facts) { f.Checkpoint.Slot = "s" }, fault.IdentityDiffers, []string{"relay_payments"}},
		{"another cluster", func(f *Facts) { f.Checkpoint.KafkaClusterID = "mirror" }, fault.IdentityDiffers, []string{"mirror"}},
		{"another topic", func(f *Facts) { f.Checkpoint.TopicID = "old" }, fault.IdentityDiffers, []string{"old"}},
		{"beyond the WAL", func(f *Facts) { f.Server.FlushLSN = 0x10ff }, fault.HistoryLost, []string{"[0/10FF, 0/1100)"}},
		{"part beyond the WAL", func(f *Facts) { f.Checkpoint.Partial = &publisher.Transaction{CommitLSN: 0x2000} }, fault.HistoryLost, []string{"0/2001"}},
		{"abandoned timeline", func(f *Facts) { f.Checkpoint.Timeline = 3 }, fault.HistoryLost, []string{"timeline 3"}},
		{"past the switch", func(f *Facts) { f.Checkpoint.Timeline = 1 }, fault.HistoryLost, []string{"[0/800, 0/1100)"}},
		{"slot ahead", func(f *Facts) { f.Slot.ConfirmedFlush = &ahead }, fault.SlotAhead, []string{"[0/1100, 0/1200)"}},
		{"publication recreated", func(f *Facts) { f.Publication.OID = 99 }, fault.PublicationDiffers, []string{"99", "16"}},
		{"publication altered", func(f *Facts) { f.Publication.Xmin = 999 }, fault.PublicationDiffers, []string{"999"}},
		{"table recreated", func(f *Facts) { f.Publication.Tables[0].OID = 99 }, fault.PublicationDiffers, []string{"outbox.event", "99"}},
		{"table out and in", func(f *Facts) { f.Publication.Tables[0].MembershipOID = 99 }, fault.PublicationDiffers, []string{"put back"}},
		{"membership altered", func(f *Facts) { f.Publication.Tables[0].MembershipXmin = 99 }, fault.PublicationDiffers, []string{"put back"}},
		{"log lost its tail", func(f *Facts) { f.Kafka.Lost = []string{"orders partition 3 ends at 5"} }, fault.KafkaLostData, []string{"orders partition 3"}},
		{"unknown events", func(f *Facts) { f.Kafka.ForeignSeq = []string{"orders partition 3 event 50"} }, fault.KafkaLostData, []string{"orders partition 3"}},
		{"replication factor", func(f *Facts) { f.Kafka.CheckpointTopic.ReplicationFactor = 1 }, fault.UnsafeReplication, []string{"relay.checkpoints.payments"}},
		{"min insync", func(f *Facts) { f.Kafka.Guarded[0].MinInsync = 1 }, fault.UnsafeReplication, []string{"__transaction_state"}},
	})
}

func TestAfterReadAccepts(t *testing.T) {
	for name, change := range map[string]func(*Facts){
		"slot at the checkpoint": func(f *Facts) { at := f.Checkpoint.ResumeLSN; f.Slot.ConfirmedFlush = &at },
		"older timeline in time": func(f *Facts) {
			f.Checkpoint.Timeline, f.Checkpoint.ResumeLSN, *f.Slot.ConfirmedFlush = 1, 0x800, 0x700
		},
		"end of the WAL": func(f *Facts) { f.Server.FlushLSN = f.Checkpoint.ResumeLSN },
		"development":    func(f *Facts) { f.Want.Development, f.Kafka.CheckpointTopic.ReplicationFactor = true, 1 },
		"a table was added": func(f *Facts) {
			f.Publication.Tables = append(f.Publication.Tables, Table{Name: "b", OID: 9, Published: true})
		},
		"settings not to be seen":  func(f *Facts) { f.Kafka.Guarded[0].MinInsync = 0 },
		"generation is not judged": func(f *Facts) { f.Checkpoint.Generation = 99 },
	} {
		t.Run(name, func(t *testing.T) {
			f := well()
			change(f)
			if r := AfterRead(f); r != nil {
				t.Errorf("refused: %v %v", r, r.Details)
			}
		})
	}
}

// TestValuesFollowWatchedFacts: a refused relay tries again when, and only when, a fact that the verdict names changes.
func TestValuesFollowWatchedFacts(t *testing.T) {
	later := outbox.LSN(0x1300)
	for fact, change := range map[Fact]func(*Facts){
		FactServer:      func(f *Facts) { f.Server.Timeline++ },
		FactSlot:        func(f *Facts) { f.Slot.ConfirmedFlush = &later },
		FactPublication: func(f *Facts) { f.Publication.Tables[0].Unlogged = []string{"x"} },
		FactTopics:      func(f *Facts) { f.Kafka.CheckpointTopic.ID = "new" },
		FactCheckpoint:  func(f *Facts) { f.Checkpoint.Seq++ },
		FactBarrier:     func(f *Facts) { f.Barrier.Timeline++ },
	} {
		before, after := well(), well()
		change(after)
		for _, watched := range []Fact{FactServer, FactSlot, FactPublication, FactTopics, FactCheckpoint, FactBarrier} {
			r := &Refusal{Watch: []Fact{watched}}
			if changed := r.Values(before) != r.Values(after); changed != (watched == fact) {
				t.Errorf("change of %s: value of %s changed: %v", fact, watched, changed)
			}
		}
	}
	grown := well()
	grown.Server.FlushLSN += 0x1000
	if r := (&Refusal{Watch: []Fact{FactServer}}); r.Values(well()) != r.Values(grown) {
		t.Error("growing WAL counts as a changed server: a refused relay would start again and again")
	}
}

// TestBeforeInit: what is missing is what init makes; anything else that is not fit refuses before it begins.
func TestBeforeInit(t *testing.T) {
	f := well()
	f.Slot, f.Checkpoint, f.Barrier, f.Kafka.CheckpointTopic = nil, nil, nil, nil
	if r := BeforeInit(f); r != nil {
		t.Errorf("nothing there yet: %v", r)
	}
	for name, harm := range map[string]func(*Facts){
		"no publication":      func(f *Facts) { f.Publication = nil },
		"insert unpublished":  func(f *Facts) { f.Publication.Insert = false },
		"table missing":       func(f *Facts) { f.Publication.Tables[0].OID = 0 },
		"table not published": func(f *Facts) { f.Publication.Tables[0].Published = false },
		"unlogged leaf":       func(f *Facts) { f.Publication.Tables[0].Unlogged = []string{"leaf"} },
		"row filter":          func(f *Facts) { f.Publication.Tables[0].RowFilter = "(x)" },
		"column missing":      func(f *Facts) { f.Publication.Tables[0].Unmappable = "no column" },
		"column not listed":   func(f *Facts) { f.Publication.Tables[0].Unlisted = "no column" },
		"two-phase slot":      func(f *Facts) { f.Slot = &Slot{Plugin: "pgoutput", Database: "shop", TwoPhase: true} },
		"wal_level":           func(f *Facts) { f.Server.WALLevel = "replica" },
	} {
		f := well()
		f.Slot, f.Checkpoint, f.Barrier = nil, nil, nil
		harm(f)
		if BeforeInit(f) == nil {
			t.Errorf("%s: not refused", name)
		}
	}
}
