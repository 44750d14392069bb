package page

import (
	"fmt"
	"math/bits"

	"github.com/outbox-relay/relay/internal/status"
	"github.com/outbox-relay/relay/outbox"
)

// scale maps positions of the WAL to percent of the ruler's width.
type scale struct{ from, to outbox.LSN }

// span is how much WAL the ruler shows, in bytes.
func (s scale) span() uint64 { return uint64(s.to - s.from) }

func (s scale) percent(at outbox.LSN) float64 {
	if s.to == s.from {
		return 50
	}
	return 100 * float64(at-s.from) / float64(s.span())
}

// step is the distance of the ruler's ticks: a power of two, so that there are 4 to 8 of them.
func (s scale) step() uint64 {
	if s.span() < 8 {
		return 1
	}
	return 1 << (bits.Len64(s.span()) - 3)
}

// mark is a position with its name.
type mark struct {
	name string
	at   outbox.LSN
	row  int // of its label, from the top
}

// The ruler's geometry, in pixels; only its width is relative.
const (
	rowHeight   = 22
	barTop      = 4 * rowHeight
	barHeight   = 14
	rulerHeight = barTop + barHeight + 26
)

// ruler puts the picture that explains Relay: how far Postgres may forget, how far the relay is, how far the WAL goes.
func ruler(w *writer, v *status.View) {
	marks := marksOf(v)
	if marks == nil {
		w.put("<p class=\"quiet\">The positions are not known yet: no session has read them.</p>\n")
		return
	}
	flush, checkpoint, end := marks[0].at, marks[1].at, marks[2].at
	s := scale{from: min(flush, checkpoint), to: max(flush, checkpoint, end)}
	w.put("<svg class=\"ruler\" width=\"100%%\" height=\"%d\" role=\"img\" aria-label=\"%s\">\n", rulerHeight, told(flush, checkpoint, end))
	bar(w, s, "kept", min(flush, checkpoint), checkpoint)
	bar(w, s, "waiting", max(flush, checkpoint), end)
	if flush > checkpoint {
		bar(w, s, "risk", checkpoint, flush)
	}
	ticks(w, s)
	for _, m := range marks {
		m.put(w, s)
	}
	w.put("</svg>\n")
	legend(w, s, flush, checkpoint, end)
}

// marksOf are slot flush, checkpoint and end of the WAL; nil while one is not known. What was acknowledged is the slot's
// from then on, also before the next look at it.
func marksOf(v *status.View) []mark {
	flush, checkpoint := max(v.Slot.Flush, v.Flushed), v.Checkpoint.ResumeLSN
	end := max(v.Slot.WALEnd, v.Received, checkpoint)
	if flush == 0 || checkpoint == 0 {
		return nil
	}
	return []mark{{"slot flush", flush, 0}, {"checkpoint", checkpoint, 1}, {"end of the WAL", end, 2}}
}

// told is the picture in words.
func told(flush, checkpoint, end outbox.LSN) string {
	return fmt.Sprintf("slot flush %s, checkpoint %s, end of the WAL %s", flush, checkpoint, end)
}

func bar(w *writer, s scale, class markup, from, to outbox.LSN) {
	if to > from {
		w.put("<rect class=\"%s\" x=\"%.2f%%\" y=\"%d\" width=\"%.2f%%\" height=\"%d\"/>\n", class, s.percent(from), barTop, s.percent(to)-s.percent(from), barHeight)
	}
}

func ticks(w *writer, s scale) {
	w.put("<line class=\"axis\" x1=\"0\" x2=\"100%%\" y1=\"%d\" y2=\"%d\"/>\n", barTop+barHeight, barTop+barHeight)
	if s.span() == 0 {
		return
	}
	step := s.step()
	for at := uint64(0); at <= s.span(); at += step {
		x := 100 * float64(at) / float64(s.span())
		w.put("<line class=\"axis\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>\n", x, x, barTop+barHeight, barTop+barHeight+6)
	}
	w.put("<text class=\"quiet\" x=\"0\" y=\"%d\">a tick: %s</text>\n", rulerHeight-4, size(step))
	w.put("<text class=\"quiet\" x=\"100%%\" y=\"%d\" text-anchor=\"end\">all: %s</text>\n", rulerHeight-4, size(s.span()))
}

// put draws the mark, with its label in a row of its own: marks that lie close together stay readable.
func (m mark) put(w *writer, s scale) {
	x := s.percent(m.at)
	anchor, shift := markup("start"), 6
	if x > 50 {
		anchor, shift = "end", -6
	}
	top := m.row*rowHeight + 4
	w.put("<line class=\"mark\" x1=\"%.2f%%\" x2=\"%.2f%%\" y1=\"%d\" y2=\"%d\"/>\n", x, x, top, barTop+barHeight)
	w.put("<text x=\"%.2f%%\" dx=\"%d\" y=\"%d\" text-anchor=\"%s\">%s <tspan class=\"lsn\">%s</tspan></text>\n", x, shift, top+13, anchor, m.name, m.at)
}

// legend says what the parts of the bar are.
func legend(w *writer, s scale, flush, checkpoint, end outbox.LSN) {
	w.put("<ul class=\"legend\">")
	if flush > checkpoint {
		w.put("<li><i class=\"risk\"></i>%s at risk: Postgres was told that it may forget them, and they are not published</li>", size(uint64(flush-checkpoint)))
	} else {
		w.put("<li><i class=\"kept\"></i>%s decided, and not yet forgotten by Postgres: it would come again after a crash, and be skipped</li>", size(uint64(checkpoint-flush)))
	}
	w.put("<li><i class=\"waiting\"></i>%s to come: other tables' changes, and events that are not in Kafka yet</li></ul>\n", size(uint64(end-max(flush, checkpoint))))
	if s.span() == 0 {
		w.put("<p class=\"quiet\">All three are at one place: nothing is waiting.</p>\n")
	}
}
