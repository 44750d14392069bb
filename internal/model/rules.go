package model

// RuleInfo describes a rule and names the scenario that breaks without it.
type RuleInfo struct {
	Name string
	When string // step of a session in which it counts
	Says string
	// Scenario breaks when the rule is taken out.
	Scenario string
	// With are rules that protect against the same thing: the scenario holds without any one of them, and breaks without
	// them and this rule. Such a rule is a second line of defence.
	With []Rule
	// InLog: a relay that breaks the rule shows it in its protocol log, and Replay sees it.
	InLog bool
}

// Rules describes all rules, each at its own index.
func Rules() []RuleInfo {
	var all []RuleInfo
	for _, group := range [][]RuleInfo{startupRules(), guardRules(), witnessRules(), pieceRules(), publishRules(), acknowledgeRules()} {
		all = append(all, group...)
	}
	return all
}

func startupRules() []RuleInfo {
	return []RuleInfo{
		{
			Name: "LookFirst", When: "look", Scenario: "split brain",
			Says: "a higher timeline in the newest barrier refuses before anybody is fenced",
		},
		{
			Name: "OwnBeforeFence", When: "own", Scenario: "two relays", InLog: true,
			Says: "the slot is taken before the fence, so a relay that stands by fences nobody",
		},
		{
			Name: "CheckSlotBeforeFence", When: "fence", Scenario: "large transaction, two relays", With: []Rule{BackOff},
			Says: "before each try to fence the slot must still be ours, else two relays fence each other in turn; init without a slot looks whether there still is none, and at its lock",
		},
		{
			Name: "FenceBeforeRead", When: "fence", Scenario: "late request", InLog: true,
			Says: "the checkpoint is read when no older instance can commit any more",
		},
		{
			Name: "BackOff", When: "fence", Scenario: "split brain",
			Says: "a relay that was fenced waits longer than a start-up takes",
		},
		{
			Name: "BarrierBeforeRead", When: "barrier", Scenario: "stale view", InLog: true,
			Says: "the checkpoint is looked for behind a barrier of our own: what the broker calls the end may be an older one",
		},
		{
			Name: "CommittedOnly", When: "read", Scenario: "late requests", InLog: true,
			Says: "aborted checkpoints are filtered out; the broker does not do it",
		},
		{
			Name: "LookAgain", When: "read", Scenario: "split brain",
			Says: "a higher timeline in a barrier between the checkpoint and ours refuses: it may have come after the look",
		},
		{
			Name: "NoneOnlyFromZero", When: "read", Scenario: "init over ruins",
			Says: "that there is no checkpoint is believed only of a log that begins at offset 0",
		},
	}
}

func guardRules() []RuleInfo {
	return []RuleInfo{
		{
			Name: "NeverFromNothing", When: "guard", Scenario: "init over ruins",
			Says: "a slot without a checkpoint refuses: where to begin is a person's decision",
		},
		{
			Name: "OwnerInSameRow", When: "guard", Scenario: "two relays",
			Says: "confirmed_flush is read in one row with the owner of the slot: if it is not us there is no verdict",
		},
		{
			Name: "OwnerLast", When: "guard", Scenario: "two relays",
			Says: "the owner is looked at after Kafka's logs: events of a relay that took over in between look like a stranger's",
		},
		{
			Name: "RefuseMissingSlot", When: "guard", Scenario: "slot lost",
			Says: "a checkpoint without a slot refuses",
		},
		{
			Name: "RefuseSlotAhead", When: "guard", Scenario: "slot advanced",
			Says: "a slot ahead of the checkpoint refuses: Postgres will not send again what is in between",
		},
		{
			Name: "OnHistory", When: "guard", Scenario: "split brain",
			Says: "the checkpoint's timeline is the server's, or was left by it at or after resume_lsn",
		},
		{
			Name: "WithinWAL", When: "guard", Scenario: "restored disk",
			Says: "resume_lsn is not beyond the flushed WAL",
		},
		{
			Name: "PartialOnHistory", When: "guard", Scenario: "lossy promotion of a large transaction",
			Says: "both count the commit of a transaction published in part, which is at or after resume_lsn",
		},
		{
			Name: "SameIdentity", When: "guard", Scenario: "topic mirrored", With: []Rule{TailIsKnown},
			Says: "a checkpoint that was written to another topic refuses",
		},
		{
			Name: "SamePublication", When: "guard", Scenario: "table out and in",
			Says: "a publication that is not the recorded one refuses: rows are lost in silence while a table is out of it",
		},
		{
			Name: "TailIsKnown", When: "guard", Scenario: "checkpoint lost",
			Says: "events of ours beyond events_total refuse: the checkpoint log lost its tail",
		},
		{
			Name: "EndsAreThere", When: "guard", Scenario: "events lost",
			Says: "a log that ends before what the checkpoint recorded refuses",
		},
	}
}

func witnessRules() []RuleInfo {
	return []RuleInfo{
		{
			Name: "StartAtZero", When: "own", Scenario: "idle",
			Says: "replication starts at confirmed_flush, not at the checkpoint, so that the witness comes again",
		},
		{
			Name: "SkipIsExclusive", When: "stream", Scenario: "late requests",
			Says: "skipped is what commits before resume_lsn, not what commits there: the next commit record may stand exactly there",
		},
		{
			Name: "ResumeIsEnd", When: "checkpoint", Scenario: "late requests",
			Says: "resume_lsn is the end of a commit record",
		},
		{
			Name: "WitnessMatches", When: "stream", Scenario: "restored disk",
			Says: "the transaction at the witness's place is the witness",
		},
		{
			Name: "WitnessSeen", When: "stream", Scenario: "restored disk that grows",
			Says: "a slot at or before the witness sends it again before anything beyond it",
		},
		{
			Name: "NothingAfterWitness", When: "stream", Scenario: "restored disk after an idle checkpoint",
			Says: "no transaction stands between witness and resume_lsn",
		},
		{
			Name: "FloorBeforeWitness", When: "stream", Scenario: "restored disk without a witness",
			Says: "as long as there is no witness, no transaction stands between where init began and resume_lsn",
		},
		{
			Name: "SettledBeforeAcknowledge", When: "acknowledge", Scenario: "restored disk that grows",
			Says: "nothing is acknowledged before the witness has come: it would never be sent again",
		},
	}
}

func pieceRules() []RuleInfo {
	return []RuleInfo{
		{
			Name: "PartialMatches", When: "stream", Scenario: "restored disk under a large transaction",
			Says: "the first transaction at or after resume_lsn is the one that was published in part",
		},
		{
			Name: "PartialSeen", When: "stream", Scenario: "restored disk without the large transaction",
			Says: "a keepalive beyond the transaction published in part refuses if it has not come",
		},
		{
			Name: "PartialSkipsRows", When: "stream", Scenario: "large transaction",
			Says: "rows of it that are published are skipped",
		},
		{
			Name: "WholeOrPartial", When: "batch", Scenario: "large transaction",
			Says: "a transaction is published whole, or in pieces whose checkpoints say how far",
		},
		{
			Name: "HaltBeforeTransaction", When: "batch", Scenario: "bad event",
			Says: "a relay halts before the transaction that holds a bad event, not before the event",
		},
		{
			Name: "IgnoreNonTransactional", When: "stream", Scenario: "rolled back",
			Says: "messages that are not transactional are never published: rolled-back transactions leave them too",
		},
	}
}

func publishRules() []RuleInfo {
	return []RuleInfo{
		{
			Name: "OneTransaction", When: "transaction", Scenario: "late requests",
			Says: "events and checkpoint are committed in one Kafka transaction",
		},
		{
			Name: "ProducedBeforeEnd", When: "transaction", Scenario: "late requests", InLog: true,
			Says: "EndTxn is sent after every produce request is acknowledged",
		},
		{
			Name: "EndOnce", When: "transaction", Scenario: "late requests", With: []Rule{BumpPerTransaction}, InLog: true,
			Says: "EndTxn is sent once; asking again under the same epoch may commit half of the next transaction (KAFKA-17754)",
		},
		{
			Name: "NoAbort", When: "transaction", Scenario: "late batches", With: []Rule{PartitionsVerified},
			Says: "EndTxn(abort) is never sent: the next fence aborts under a higher epoch, which kills late writes",
		},
		{
			Name: "PartitionsVerified", When: "guard", Scenario: "late batches", With: []Rule{NoAbort},
			Says: "brokers ask the coordinator before they take a batch, so that a late one finds no other transaction",
		},
		{
			Name: "DoubtIsNotAborted", When: "transaction", Scenario: "late requests", InLog: true,
			Says: "an EndTxn without answer is not taken for an abort",
		},
		{
			Name: "DoubtIsNotCommitted", When: "transaction", Scenario: "late requests", InLog: true,
			Says: "an EndTxn without answer is not taken for a commit",
		},
		{
			Name: "BumpPerTransaction", When: "transaction", Scenario: "doubled marker", InLog: true,
			Says: "each transaction has an epoch of its own: a late marker of the one before is refused",
		},
		{
			Name: "BumpOwnEpoch", When: "transaction", Scenario: "two relays", InLog: true,
			Says: "the bump names its own epoch: InitProducerID(-1, -1) would let a relay that was fenced work again",
		},
		{
			Name: "OffsetsGrow", When: "transaction", Scenario: "events lost",
			Says: "an acknowledged offset not above the last known one refuses",
		},
	}
}

func acknowledgeRules() []RuleInfo {
	return []RuleInfo{
		{
			Name: "AcknowledgeAfterCommit", When: "acknowledge", Scenario: "idle", InLog: true,
			Says: "Postgres hears of a position when the checkpoint with it is committed",
		},
		{
			Name: "AcknowledgeCheckpoint", When: "acknowledge", Scenario: "idle", InLog: true,
			Says: "what is acknowledged is the checkpoint's resume_lsn, not what was received",
		},
		{
			Name: "AcknowledgeReceived", When: "acknowledge", Scenario: "restored disk after an idle checkpoint",
			Says: "nothing above what was received in this session is acknowledged",
		},
		{
			Name: "IdleMovesOn", When: "idle", Scenario: "idle",
			Says: "keepalives move checkpoint and slot on while no event comes",
		},
		{
			Name: "IdleOnlyWhenEmpty", When: "idle", Scenario: "idle", InLog: true,
			Says: "an idle checkpoint is written only when nothing is in the pipeline",
		},
		{
			Name: "IdleInStreamOrder", When: "idle", Scenario: "idle",
			Says: "a keepalive counts when everything before it has gone through the pipeline",
		},
		{
			Name: "IdleOutsideTransaction", When: "idle", Scenario: "large transaction",
			Says: "a keepalive inside of a transaction does not count",
		},
		{
			Name: "IdleCarriesOver", When: "idle", Scenario: "restored disk after an idle checkpoint",
			Says: "an idle checkpoint keeps the witness",
		},
		{
			Name: "WatchPublication", When: "watch", Scenario: "table out and in",
			Says: "the publication is watched while streaming: a table that leaves it is silent",
		},
		{
			Name: "CreatingBeforeSlot", When: "init", Scenario: "init",
			Says: "init commits a creating record before it makes the slot, and can so finish what was interrupted",
		},
	}
}
