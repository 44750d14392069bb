package fault

import (
	"fmt"
	"strconv"
	"strings"
)

// Code is a stable number for one kind of error, printed as RLY1003. The thousands give the exit code:
// 1 refused, 2 usage, 3 configuration, 4 one event cannot be published, 5 unreachable, 6 found wanting, 7 timed out, 9 failed.
type Code int

// The codes. A published number never changes its meaning; add at the end of a block.
const (
	NotInitialised       Code = 1001
	NoCheckpoint         Code = 1002 // a slot without a checkpoint
	SlotAhead            Code = 1003
	SlotUnusable         Code = 1004 // missing, lost, invalidated, of another plugin or database, two-phase, temporary
	IdentityDiffers      Code = 1005
	HistoryLost          Code = 1006 // the checkpoint is not on this server's history
	PublicationDiffers   Code = 1007
	OutboxUnusable       Code = 1008 // table unlogged, missing, filtered, without a mapped column
	KafkaLostData        Code = 1009
	UnsafeReplication    Code = 1010
	KafkaTooOld          Code = 1011
	InitInterrupted      Code = 1012
	CheckpointUnreadable Code = 1013
	WitnessDiffers       Code = 1014
	InRecovery           Code = 1015
	ServerUnsuitable     Code = 1016 // wal_level, version, rights
	TopicUnsuitable      Code = 1017 // checkpoint topic missing, not compacted, foreign records
	AdoptRefused         Code = 1018
	Busy                 Code = 1019 // another command or relay holds what this one needs
	NameTaken            Code = 1020 // what is to be made is there already, and not ours to replace
	RepairRefused        Code = 1021 // a repair needs another decision

	Usage  Code = 2001
	Config Code = 3001

	Unpublishable Code = 4001

	PostgresUnreachable Code = 5001
	KafkaUnreachable    Code = 5002
	DaemonUnreachable   Code = 5003

	TooFarBehind Code = 6001 // more than lag --max
	NotFound     Code = 6002 // no such relay, event or offset
	NotOnce      Code = 6003 // an event is published more than once, or not although it should be
	AuditFailed  Code = 6004 // events missing, repeated, out of order or changed
	NotMigrated  Code = 6005 // tables, functions or grants are not as the migrations of this version make them
	NotWell      Code = 6006 // doctor found what does not work or loses events

	TimedOut Code = 7001 // wait

	Failed       Code = 9001
	ListenFailed Code = 9002 // the address of the status server cannot be listened on
)

// String prints the code as it appears in errors and documentation.
func (c Code) String() string { return fmt.Sprintf("RLY%04d", int(c)) }

// MarshalText makes a code stand in JSON and YAML as it is printed.
func (c Code) MarshalText() ([]byte, error) { return []byte(c.String()), nil }

// UnmarshalText reads what MarshalText wrote.
func (c *Code) UnmarshalText(text []byte) error {
	digits, ok := strings.CutPrefix(string(text), "RLY")
	n, err := strconv.ParseUint(digits, 10, 16)
	if !ok || err != nil || len(digits) != 4 {
		return fmt.Errorf("parse error code %q: want RLY and four digits", text)
	}
	*c = Code(n)
	return nil
}

// Refused tells whether a person must decide before anything can go on.
func (c Code) Refused() bool { return c.Exit() == ExitRefused }

// Exit is the exit code of a command that ends with this error.
func (c Code) Exit() int {
	switch int(c) / 1000 {
	case 1, 4:
		return ExitRefused
	case 2:
		return ExitUsage
	case 3:
		return ExitConfig
	case 5:
		return ExitUnreachable
	case 6:
		return ExitWanting
	case 7:
		return ExitTimeout
	}
	return ExitFailed
}
