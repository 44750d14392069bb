package model

import (
	"fmt"
	"strings"
)

// label names a step.
type label struct {
	who    uint8
	do     deed
	answer deedAnswer
	what   string
	detail string
}

// world is who acts when it is no relay.
const world = 0xFF

// deed is an action that the real relay writes to its protocol log.
type deed uint8

const (
	noDeed deed = iota
	ownDeed
	initDeed
	addDeed
	produceDeed
	endDeed
	bumpDeed
	readDeed
	guardDeed
	skipDeed
	acknowledgeDeed
)

func (d deed) String() string {
	return [...]string{"", "own", "init", "add", "produce", "end", "bump", "read", "guard", "skip", "acknowledge"}[d]
}

// deedAnswer is what came of a deed.
type deedAnswer uint8

const (
	answerOK deedAnswer = iota
	answerBusy
	answerFenced
	answerBadEvent
	answerOldOffset
	answerRefused // the guard's verdict
	answerNone
)

// did is a deed that succeeded.
func did(who uint8, do deed, what, detail string) label {
	return label{who, do, answerOK, what, detail}
}

// told is a deed that did not.
func told(who uint8, do deed, a deedAnswer, what, detail string) label {
	return label{who, do, a, what, detail}
}

// note is a step that no protocol log has.
func note(who uint8, what, detail string) label {
	return label{who: who, what: what, detail: detail}
}

func (l label) String() string {
	words := []string{"world:"}
	if l.who != world {
		words[0] = fmt.Sprintf("relay %d:", l.who+1)
	}
	for _, w := range []string{l.do.String(), l.what, l.detail} {
		if w != "" {
			words = append(words, w)
		}
	}
	return strings.Join(words, " ")
}

// num is a small number as text, without allocating.
func num(n uint8) string {
	const digits = "0123456789"
	return digits[n : n+1]
}
