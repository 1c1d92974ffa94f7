package micro

import "mmsim/sim"

// Values that a ping-pong word takes in turn. Memory starts at Ping: the
// measured side moves first.
const (
	ping uint64 = 0
	pong uint64 = 1
)

// BlindCAS is one side of a ping-pong in which both sides poll with cmpxchg,
// so that each poll asks for ownership: one transfer per hand-over, which is
// what core-to-core-latency measures (machines.md 0.3). The measured side
// counts one operation per round trip; one way is half of it.
func BlindCAS(a sim.Addr, measuredSide bool) Body {
	return side(measuredSide, func(c *sim.CPU, from, to uint64) {
		for {
			if _, ok := c.CmpXchg(word(a), from, to, sim.Full); ok {
				return
			}
		}
	})
}

// ReadCAS is one side of a ping-pong in which each side loads until the other
// has written and then writes with cmpxchg: a read miss and an upgrade per
// hand-over, as in kernel locks and condition polling (machines.md 0.3). The
// loads have no cpu_relax between them, as in the published measurements. The
// measured side counts one operation per round trip; one way is half of it.
func ReadCAS(a sim.Addr, measuredSide bool) Body {
	return side(measuredSide, func(c *sim.CPU, from, to uint64) {
		for c.Load(word(a)) != from {
		}
		if _, ok := c.CmpXchg(word(a), from, to, sim.Full); !ok {
			panic("micro: the ping-pong word was written out of turn")
		}
	})
}

// side repeats one side's hand-over. An operation of the measured side begins
// where the last one ended, with its word just written, and ends with the next
// write of its own: a full round.
func side(measuredSide bool, handOver func(c *sim.CPU, from, to uint64)) Body {
	if !measuredSide {
		return func(c *sim.CPU) {
			c.Step(stepProbe)
			for {
				handOver(c, pong, ping)
			}
		}
	}
	return func(c *sim.CPU) {
		c.Step(stepSetUp)
		handOver(c, ping, pong)
		for {
			measured(c, func(c *sim.CPU) { handOver(c, ping, pong) })
		}
	}
}
