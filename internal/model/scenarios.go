package model

// Scenarios are all small worlds that are walked.
func Scenarios() []Scenario {
	var all []Scenario
	for _, group := range [][]Scenario{relayScenarios(), kafkaScenarios(), historyScenarios(), tamperScenarios(), initScenarios()} {
		all = append(all, group...)
	}
	return all
}

// relayScenarios are about relays that crash and sleep.
func relayScenarios() []Scenario {
	return []Scenario{
		{
			Name: "two relays", About: "one works, the other stands by and takes over; the first may crash or sleep at any step",
			WAL: "aw", Before: 1, Relays: 2, Faults: map[Fault]int{crash: 1, pause: 1},
			Deep: map[Fault]int{crash: 1},
		},
		{
			Name: "all crash", About: "a relay and Postgres crash, with an idle stretch",
			WAL: "a.", Before: 1, Relays: 2, Faults: map[Fault]int{crash: 1, postgresCrash: 1},
			Deep: map[Fault]int{crash: 1},
		},
		{
			Name: "zombies", About: "both relays sleep while the slot is given away",
			WAL: "aa", Before: 1, Relays: 2, Faults: map[Fault]int{pause: 2},
			Deep: map[Fault]int{pause: 1},
		},
		{
			Name: "large transaction", About: "a transaction in pieces, then another; a crash between any two steps",
			WAL: ".la", Before: 2, Relays: 1, Faults: map[Fault]int{crash: 2, postgresCrash: 1},
			Deep: map[Fault]int{pause: 1},
		},
		{
			Name: "large transaction, two relays", About: "the second relay finishes what the first began",
			WAL: "l", Relays: 2, Faults: map[Fault]int{crash: 1, pause: 1},
			Deep: map[Fault]int{late: 1},
		},
		{
			Name: "bad event", About: "an event that no broker takes: the relay halts before its transaction",
			WAL: "axa", Before: 2, Relays: 1, Faults: map[Fault]int{crash: 2},
			Deep: map[Fault]int{late: 1, pause: 1},
		},
		{
			Name: "rolled back", About: "a message that is not transactional, left behind by a rolled-back transaction",
			WAL: "ara", Relays: 1, Faults: map[Fault]int{crash: 1, postgresCrash: 1},
		},
		{
			Name: "idle", About: "other WAL between transactions, with idle checkpoints, and a crash",
			WAL: "a..a.", Before: 2, Relays: 1, Faults: map[Fault]int{crash: 2, postgresCrash: 1},
		},
	}
}

// kafkaScenarios are about requests that are late, lost or doubled, and about brokers.
func kafkaScenarios() []Scenario {
	return []Scenario{
		{
			Name: "late request", About: "one request gets no answer, and is executed at any time after, or never",
			WAL: "a", Relays: 2, Faults: map[Fault]int{late: 1, pause: 1},
			Deep: map[Fault]int{late: 1},
		},
		{
			Name: "late requests", About: "two requests of one relay get no answer",
			WAL: "wa", Before: 2, Relays: 1, Faults: map[Fault]int{late: 2},
			Deep: map[Fault]int{late: 1, crash: 1},
		},
		{
			Name: "doubled requests", About: "requests that are answered, and executed once more later",
			WAL: "wa", Relays: 1, Faults: map[Fault]int{doubledRequest: 2, crash: 1},
			Deep: map[Fault]int{late: 1},
		},
		{
			Name: "late and crash", About: "a late request beside a crash",
			WAL: "aa", Before: 2, Relays: 1, Faults: map[Fault]int{late: 1, crash: 1},
			Deep: map[Fault]int{late: 1, pause: 1},
		},
		{
			Name: "doubled marker", About: "a transaction marker comes a second time, late (KAFKA-17754)",
			WAL: "ww", Before: 1, Relays: 1, Faults: map[Fault]int{doubledMarker: 1, crash: 1},
			Deep: map[Fault]int{late: 1},
		},
		{
			Name: "transaction times out", About: "the coordinator aborts the open transaction of a relay that lives",
			WAL: "aw", Before: 2, Relays: 2, Faults: map[Fault]int{transactionTimeout: 1, pause: 1},
			Deep: map[Fault]int{late: 1},
		},
		{
			Name: "stale view", About: "the end of the checkpoint log is not visible to a reader: a new leader, or a foreign transaction",
			WAL: "a", Relays: 2, Faults: map[Fault]int{staleView: 1, crash: 1},
			Deep: map[Fault]int{late: 1},
		},
		{
			Name: "late batches", About: "two requests get no answer while one transaction is published",
			WAL: "a", Before: 1, Relays: 1, Faults: map[Fault]int{late: 2},
			Deep: map[Fault]int{late: 1, crash: 1},
		},
		{
			Name: "checkpoint lost", About: "the checkpoint partition loses its tail",
			WAL: "aa", Before: 1, Relays: 1, Faults: map[Fault]int{checkpointLost: 1, crash: 1},
		},
		{
			Name: "events lost", About: "an event partition loses its tail",
			WAL: "w.a", Before: 2, Relays: 1, Faults: map[Fault]int{eventsLost: 1, crash: 1},
		},
		{
			Name: "topic emptied", About: "the checkpoint topic is deleted and made again",
			WAL: "a", Relays: 1, Faults: map[Fault]int{topicEmptied: 1, crash: 1, postgresCrash: 1},
		},
		{
			Name: "topic mirrored", About: "the checkpoint topic is replaced by an older copy",
			WAL: "aa", Before: 1, Relays: 1, Faults: map[Fault]int{topicMirrored: 1, crash: 1, postgresCrash: 1},
		},
	}
}

// historyScenarios are about servers that are replaced.
func historyScenarios() []Scenario {
	return []Scenario{
		{
			Name: "promotion", About: "standbys that have everything are promoted, with the slot",
			WAL: "a.a", Before: 2, Relays: 2, Faults: map[Fault]int{promotion: 1},
			Deep: map[Fault]int{crash: 1},
		},
		{
			Name: "lossy promotion", About: "a standby without the last entry is promoted; what was published of it is not there",
			WAL: "aaaa", Before: 2, Relays: 1, Faults: map[Fault]int{lossyPromotion: 1, crash: 1},
			Deep: map[Fault]int{lossyPromotion: 1, late: 1},
		},
		{
			Name: "lossy promotion of a large transaction", About: "a transaction that was published in part is lost",
			WAL: "al", Before: 1, Relays: 1, Faults: map[Fault]int{lossyPromotion: 1, crash: 1},
		},
		{
			Name: "slot lost", About: "a standby without the slot is promoted",
			WAL: "aa", Before: 1, Relays: 1, Faults: map[Fault]int{slotLostAtSwitch: 1, crash: 1},
		},
		{
			Name: "split brain", About: "the old primary goes on beside the promoted one, with a relay on each",
			WAL: "aa", Before: 1, Relays: 2, Faults: map[Fault]int{split: 1, strayCommit: 1},
			Deep: map[Fault]int{crash: 1, pause: 1},
		},
		{
			Name: "restored disk", About: "an old copy of the disk is started: the same timeline, other commits at the same places",
			WAL: "aaa", Before: 0, Relays: 1, Faults: map[Fault]int{coldCopy: 1, restoredCopy: 1, crash: 1},
		},
		{
			Name: "restored disk that grows", About: "a restored disk whose other WAL passes what was published",
			WAL: "aa..", Before: 1, Relays: 1, Faults: map[Fault]int{coldCopy: 1, restoredCopy: 1, crash: 1},
			Deep: map[Fault]int{crash: 1, late: 1},
		},
		{
			Name: "restored disk after an idle checkpoint", About: "commits that take the place of other WAL",
			WAL: "a.a", Before: 1, Relays: 1, Faults: map[Fault]int{coldCopy: 1, restoredCopy: 1, crash: 1},
		},
		{
			Name: "restored disk without a witness", About: "nothing was published yet, but the checkpoint has moved on",
			WAL: ".a.", Before: 0, Relays: 1, Faults: map[Fault]int{coldCopy: 1, restoredCopy: 1},
		},
		{
			Name: "restored disk under a large transaction", About: "another large transaction stands where one was published in part",
			WAL: "l.l", Before: 0, Relays: 1, Faults: map[Fault]int{coldCopy: 1, restoredCopy: 1},
		},
		{
			Name: "restored disk without the large transaction", About: "nothing stands where a transaction was published in part",
			WAL: "l..", Before: 0, Relays: 1, Faults: map[Fault]int{coldCopy: 1, restoredCopy: 1},
		},
		{
			Name: "promoted apart", About: "two standbys are promoted apart, to the same timeline",
			WAL: "aa", Before: 0, Relays: 1, Faults: map[Fault]int{coldCopy: 1, restoredCopy: 1, promotion: 2},
			Deep: map[Fault]int{crash: 1},
		},
	}
}

// tamperScenarios are about people.
func tamperScenarios() []Scenario {
	return []Scenario{
		{
			Name: "slot advanced", About: "somebody advances the slot while no relay has it",
			WAL: "aa", Relays: 2, Faults: map[Fault]int{slotAdvanced: 1, crash: 1},
		},
		{
			Name: "slot recreated", About: "somebody drops the slot and makes it again",
			WAL: "aa", Relays: 1, Faults: map[Fault]int{slotRecreated: 1, pause: 1, late: 1},
		},
		{
			Name: "slot dropped", About: "somebody drops the slot",
			WAL: "aa", Before: 1, Relays: 1, Faults: map[Fault]int{slotDropped: 1, crash: 1},
		},
		{
			Name: "table out and in", About: "the outbox table leaves the publication for a while",
			WAL: "aaa", Before: 1, Relays: 1, Faults: map[Fault]int{tableOut: 1, tableIn: 1, crash: 1},
		},
	}
}

// initScenarios begin with nothing.
func initScenarios() []Scenario {
	return []Scenario{
		{
			Name: "init", About: "two people run init at once, and it is interrupted",
			WAL: "aa", Before: 1, Relays: 2, Init: true, Faults: map[Fault]int{crash: 1, pause: 1},
			Deep: map[Fault]int{late: 1},
		},
		{
			Name: "init over ruins", About: "init runs again after slot and checkpoint log were lost",
			WAL: "aa", Relays: 1, Init: true, Faults: map[Fault]int{crash: 1, slotDropped: 1, logTrimmed: 1},
		},
	}
}
