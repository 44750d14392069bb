package publisher

import (
	"strconv"
	"time"

	"github.com/outbox-relay/relay/outbox"
)

// ownHeaders are the names as bytes, made once per packer.
type ownHeaders struct{ seq, position, piece, commitTime []byte }

func newOwnHeaders() ownHeaders {
	return ownHeaders{[]byte(HeaderSeq), []byte(HeaderPosition), []byte(HeaderPiece), []byte(HeaderCommitTime)}
}

// Names of the headers that we add, behind those of the application.
const (
	HeaderSeq        = "relay-seq"
	HeaderPosition   = "relay-position"
	HeaderPiece      = "relay-piece"
	HeaderCommitTime = "relay-commit-time"
)

const (
	maxOwnHeaders = 4
	// maxOwnText is the most that the values of our headers take besides the prefix of relay-seq.
	maxOwnText = maxUint64Text + outbox.PositionLen + maxUint32Text + maxTimeText

	maxUint64Text = 20
	maxUint32Text = 10
	maxTimeText   = 32
	timeLayout    = "2006-01-02T15:04:05.000Z07:00"
)

// stamp is what a transaction adds to each of its records.
type stamp struct {
	seqPrefix string // <relay>/<generation>/
	firstSeq  uint64
	piece     uint32
	now       int64 // publish time, milliseconds since the Unix epoch
}

func newStamp(relay string, generation int64, firstSeq uint64, piece uint32, now time.Time) stamp {
	return stamp{
		seqPrefix: seqPrefix(relay, generation),
		firstSeq:  firstSeq,
		piece:     piece,
		now:       now.UnixMilli(),
	}
}

func seqPrefix(relay string, generation int64) string {
	return relay + "/" + strconv.FormatInt(generation, 10) + "/"
}

// overhead is the most bytes that the added headers encode to.
func (s *stamp) overhead() int {
	names := len(HeaderSeq) + len(HeaderPosition) + len(HeaderPiece) + len(HeaderCommitTime)
	return names + maxOwnHeaders*headerOverhead + len(s.seqPrefix) + maxOwnText
}

// timestamp is a record's time in Kafka, and whether it replaces the record's own: the broker refuses a record that is
// older than message.timestamp.before.max.ms, and deletes one that is older than the retention with its segment, so
// from half of that age on the publish time stands in.
func (s *stamp) timestamp(own int64, oldest time.Duration) (ms int64, replaced bool) {
	if own < 0 || (oldest >= 0 && s.now-own > oldest.Milliseconds()) {
		return s.now, true
	}
	return own, false
}

func (s *stamp) appendSeq(dst []byte, record int32) []byte {
	dst = append(dst, s.seqPrefix...)
	return strconv.AppendUint(dst, s.firstSeq+uint64(record), 10)
}

func (s *stamp) appendPiece(dst []byte) []byte { return strconv.AppendUint(dst, uint64(s.piece), 10) }

func appendTime(dst []byte, ms int64) []byte {
	return time.UnixMilli(ms).UTC().AppendFormat(dst, timeLayout)
}
