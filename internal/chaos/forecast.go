package chaos

import (
	"math/rand/v2"
	"slices"
	"time"
)

// forecast is what the seed says of the faults: which, when, how long, and whom.
type forecast struct {
	rng             *rand.Rand
	storm           *Storm
	survive, refuse *deck
}

func newForecast(s *Storm) *forecast {
	rng := rand.New(rand.NewPCG(s.Seed, stormStream))
	p := &forecast{rng: rng, storm: s, survive: &deck{rng: rng}, refuse: &deck{rng: rng}}
	for _, f := range s.Faults {
		if f.Refuses == 0 {
			p.survive.all = append(p.survive.all, f)
		} else {
			p.refuse.all = append(p.refuse.all, f)
		}
	}
	return p
}

const stormStream = 3 << 32

func (p *forecast) more(r *StormReport) bool {
	if p.storm.For > 0 {
		return time.Since(r.Began) < p.storm.For
	}
	if p.storm.Strikes > 0 {
		return p.survive.dealt+p.refuse.dealt < p.storm.Strikes
	}
	return p.survive.rest()+p.refuse.rest() > 0
}

// room is how many faults the next life has before its last: without any other limit, what comes to each of the lives
// that are ahead.
func (p *forecast) room() int {
	switch {
	case p.storm.For > 0:
		return strikesOfALife
	case p.storm.Strikes > 0:
		return min(strikesOfALife, p.storm.Strikes-p.survive.dealt-p.refuse.dealt-min(len(p.refuse.all), 1))
	case p.refuse.rest() > 0:
		return (p.survive.rest() + p.refuse.rest() - 1) / p.refuse.rest()
	}
	return min(strikesOfALife, p.survive.rest())
}

// blow is what happens at once.
type blow struct {
	faults      []*Fault
	picks       []int
	hold, pause time.Duration
}

// String names the faults.
func (b blow) String() string {
	text := b.faults[0].Name
	for _, f := range b.faults[1:] {
		text += " and " + f.Name
	}
	return text
}

// blows are those of one life. The last of its strikes is kept for what must be refused.
func (p *forecast) blows() []blow {
	var list []blow
	for room := p.room(); room > 0 && len(p.survive.all) > 0; {
		b := blow{faults: []*Fault{p.survive.next()}, hold: p.upTo(longestHold), pause: p.upTo(longestHold / 8)}
		if room > 1 && p.rng.IntN(3) == 0 {
			if second := p.survive.peek(); second.goesWith(b.faults[0]) {
				b.faults = append(b.faults, p.survive.next())
			}
		}
		for range b.faults {
			b.picks = append(b.picks, p.rng.IntN(1<<16))
		}
		room -= len(b.faults)
		list = append(list, b)
	}
	return list
}

// goesWith tells whether two faults can befall a relay at once: both must be possible while the other lasts.
func (f *Fault) goesWith(other *Fault) bool {
	return f.Hits != other.Hits && !f.Alone && !other.Alone
}

// last is what must be refused at the end of a life; nil: nothing.
func (p *forecast) last() *Fault {
	if len(p.refuse.all) == 0 {
		return nil
	}
	return p.refuse.next()
}

func (p *forecast) upTo(d time.Duration) time.Duration { return time.Duration(p.rng.Int64N(int64(d))) }

// deck deals all faults in a random order before it deals one again.
type deck struct {
	rng  *rand.Rand
	all  []*Fault
	left []*Fault

	dealt int
}

// rest is how many faults have not been dealt yet.
func (d *deck) rest() int { return max(0, len(d.all)-d.dealt) }

func (d *deck) peek() *Fault {
	if len(d.left) == 0 {
		d.left = slices.Clone(d.all)
		d.rng.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
	}
	return d.left[0]
}

func (d *deck) next() *Fault {
	f := d.peek()
	d.left = d.left[1:]
	d.dealt++
	return f
}
