package bench

import (
	"context"
	"fmt"
	"time"
)

// Idle is a relay that has nothing to do.
type Idle struct {
	RSS Sample `json:"rss_bytes"`
	CPU Sample `json:"cpu_share"` // of one core
}

// idleSeconds is how long a relay is left alone before it is looked at.
const idleSeconds = 10

func (b *bench) planIdle() []step {
	idle := new(Idle)
	var steps []step
	for round := 1; round <= b.Rounds; round++ {
		steps = append(steps, step{fmt.Sprintf("idle, round %d of %d", round, b.Rounds), func(ctx context.Context) error {
			b.result.Idle = idle
			return b.live(ctx, func(r *relayRun) error {
				pid, begin := r.daemon.cmd.Process.Pid, time.Now()
				used := cpuOf(pid)
				if err := sleepUntil(ctx, begin.Add(time.Duration(min(1, b.Scale)*idleSeconds*float64(time.Second)))); err != nil {
					return err
				}
				idle.CPU.add(ratio((cpuOf(pid) - used).Seconds(), time.Since(begin).Seconds()))
				idle.RSS.add(float64(residentOf(pid)))
				return nil
			})
		}})
	}
	return steps
}
