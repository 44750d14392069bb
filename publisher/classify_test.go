package publisher

import (
	"errors"
	"strings"
	"testing"

	"github.com/IBM/sarama"
)

// Everything that is not listed is doubt, whatever codes Kafka may still invent.
func TestClassify(t *testing.T) {
	type table map[sarama.KError]meaning
	coordinator := table{0: fine, 14: again, 51: again, 47: fenced, 90: fenced, 49: fenced, 53: denied}
	add := table{0: fine, 14: again, 51: again, 47: fenced, 90: fenced, 49: fenced, 53: denied, 3: badEvent, 29: badEvent}
	read := table{0: fine, 78: again, 29: denied}
	for call, want := range map[api]table{
		apiFindCoordinator: {0: fine, 15: again, 53: denied},
		apiInit:            coordinator,
		apiAdd:             add,
		apiEnd:             coordinator,
		apiProduce: {
			0: fine, 3: badEvent, 29: badEvent, 32: badEvent, 87: badEvent, 10: tooLarge, 18: tooLarge,
			47: fenced, 90: fenced, 49: fenced,
		},
		apiMetadata: {0: fine, 3: badEvent, 17: badEvent, 29: badEvent, 5: again},
		apiFetch:    read,
		apiOffsets:  read,
		apiCreate: {
			0: fine, 36: fine, 29: badEvent, 31: badEvent, 17: badEvent, 44: badEvent, 37: badEvent, 38: badEvent, 40: badEvent, 42: badEvent,
		},
	} {
		for code := sarama.KError(-1); code < 200; code++ {
			if got := classify(call, code); got != want[code] {
				t.Errorf("%s answered %s: got meaning %d, want %d", call, codeName(code), got, want[code])
			}
		}
	}
}

// Each answer that concerns records has a word of its own.
func TestCauses(t *testing.T) {
	for code, want := range map[sarama.KError]Cause{
		3: CauseUnknownTopic, 10: CauseTooLarge, 17: CauseBadTopic, 18: CauseTooLarge, 29: CauseNotAuthorised, 32: CauseTimestamp, 87: CauseInvalidRecord,
	} {
		if got := causeOf(code); got != want {
			t.Errorf("%s is %q, want %q", codeName(code), got, want)
		}
	}
}

func TestFencedIsSaidWhateverTheCode(t *testing.T) {
	for _, code := range []sarama.KError{47, 49, 90} {
		err := refusal(apiEnd, code)
		if !errors.Is(err, ErrFenced) || !errors.Is(err, code) {
			t.Errorf("%v is not both ErrFenced and %d", err, code)
		}
	}
	if err := refusal(apiEnd, 16); errors.Is(err, ErrFenced) {
		t.Errorf("%v says fenced", err)
	}
}

// sarama has no text for PRODUCER_FENCED and prints "how did this happen?".
func TestEveryCodeHasAName(t *testing.T) {
	if got := refusal(apiEnd, sarama.ErrProducerFenced).Error(); !strings.Contains(got, "PRODUCER_FENCED (90)") {
		t.Error(got)
	}
	if got := codeName(199); got != "error code 199" {
		t.Error(got)
	}
}
