package model

// Rule is one rule of the protocol. Without it something breaks, which the mutation of that name shows.
type Rule uint8

// The rules, in the order in which a session meets them.
const (
	LookFirst Rule = iota
	OwnBeforeFence
	CheckSlotBeforeFence
	FenceBeforeRead
	BackOff
	BarrierBeforeRead
	CommittedOnly
	LookAgain
	NoneOnlyFromZero
	NeverFromNothing
	OwnerInSameRow
	OwnerLast
	RefuseMissingSlot
	RefuseSlotAhead
	OnHistory
	WithinWAL
	PartialOnHistory
	SameIdentity
	SamePublication
	TailIsKnown
	EndsAreThere
	StartAtZero
	SkipIsExclusive
	ResumeIsEnd
	WitnessMatches
	WitnessSeen
	NothingAfterWitness
	FloorBeforeWitness
	SettledBeforeAcknowledge
	PartialMatches
	PartialSeen
	PartialSkipsRows
	WholeOrPartial
	HaltBeforeTransaction
	IgnoreNonTransactional
	OneTransaction
	ProducedBeforeEnd
	EndOnce
	NoAbort
	PartitionsVerified
	DoubtIsNotAborted
	DoubtIsNotCommitted
	BumpPerTransaction
	BumpOwnEpoch
	OffsetsGrow
	AcknowledgeAfterCommit
	AcknowledgeCheckpoint
	AcknowledgeReceived
	IdleMovesOn
	IdleOnlyWhenEmpty
	IdleInStreamOrder
	IdleOutsideTransaction
	IdleCarriesOver
	WatchPublication
	CreatingBeforeSlot
	numRules
)

// String is the name of the rule.
func (r Rule) String() string { return Rules()[r].Name }

// RuleSet is a set of rules.
type RuleSet uint64

// setOf makes a set.
func setOf(rules ...Rule) RuleSet {
	var s RuleSet
	for _, r := range rules {
		s |= 1 << r
	}
	return s
}

// Has tells whether r is in the set.
func (s RuleSet) Has(r Rule) bool { return s&(1<<r) != 0 }
