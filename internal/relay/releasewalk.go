package relay

import "slices"

// walk decides what becomes of each event of a chain. Nothing is decided (zero) for one that is left as it is.
func (r *release) walk(ch chain) []fate {
	fates := make([]fate, len(ch))
	switch {
	case r.Skip:
		if slices.ContainsFunc(ch, r.skips) {
			r.walkSkip(ch, fates)
		}
	case slices.ContainsFunc(ch, r.names):
		r.walkRetry(ch, fates)
	}
	return fates
}

// walkRetry publishes from the head on, up to the first event that Kafka does not take.
func (r *release) walkRetry(ch chain, fates []fate) {
	for i, e := range ch {
		if _, refused := r.refused[e.Position]; refused {
			fates[i] = toStay
			return
		}
		fates[i] = toPublish
	}
}

// walkSkip leaves the selected events out and publishes those that only wait, up to the first one that cannot be
// published and was not selected.
func (r *release) walkSkip(ch chain, fates []fate) {
	blocked := false
	for i, e := range ch {
		_, refused := r.refused[e.Position]
		switch {
		case r.skips(e):
			fates[i] = toSkip
		case blocked:
		case refused:
			fates[i], blocked = toStay, true
		case e.Held():
			fates[i] = toPublish
		default:
			blocked = true
		}
	}
}
