package micro

import "mmsim/sim"

// LineState is the state in which helpers leave a line that the measured
// thread then loads.
type LineState uint8

const (
	Modified  LineState = iota // written by the helper
	Exclusive                  // read by the helper alone
	Shared                     // read by both helpers
	Owned                      // written by the helper, then read by the second one (MOESI)
	Forward                    // read by the second helper, then by the helper (MESIF)
)

// String is the state's letter in probe names.
func (s LineState) String() string { return [...]string{"m", "e", "s", "o", "f"}[s] }

// Helpers is how many helper threads leave a line in the state.
func (s LineState) Helpers() int {
	if s >= Shared {
		return 2
	}
	return 1
}

// LoadState measures loads of lines left in a given state by threads of other
// cores: one load per set-up (machines.md 4.2, the method of SOSP'13). Lines
// are used in turn; there must be so many that a line has left all caches when
// its turn comes again.
type LoadState struct {
	State LineState
	Lines []sim.Addr
	Turn  sim.Addr // a line by which the threads take turns
}

// Turns of one set-up, in order; the turn line holds 3*i + the turn of
// operation i.
const (
	turnFirst  = iota // the helper that touches the line first
	turnSecond        // the helper that touches it next, if any
	turnLoad          // the measured thread
	turns
)

// Measured is the body of the thread that loads.
func (p *LoadState) Measured() Body {
	return func(c *sim.CPU) {
		c.Step(stepSetUp)
		for i := uint64(0); ; i++ {
			p.await(c, i, turnLoad)
			line := p.line(i)
			measured(c, func(c *sim.CPU) { c.Load(word(line)) })
			c.StoreRelease(word(p.Turn), turns*(i+1)+turnFirst)
		}
	}
}

// Helper is the body of the helper at the probe's distance.
func (p *LoadState) Helper() Body {
	switch p.State {
	case Modified:
		return p.touch(turnFirst, turnLoad, true)
	case Exclusive:
		return p.touch(turnFirst, turnLoad, false)
	case Owned:
		return p.touch(turnFirst, turnSecond, true)
	case Forward:
		return p.touch(turnSecond, turnLoad, false)
	}
	return p.touch(turnFirst, turnSecond, false)
}

// Second is the body of the other helper, for states that need one.
func (p *LoadState) Second() Body {
	if p.State == Forward {
		return p.touch(turnFirst, turnSecond, false)
	}
	return p.touch(turnSecond, turnLoad, false)
}

// touch reads or writes the line of each operation when its turn comes, and
// hands on when the access is complete.
func (p *LoadState) touch(mine, next uint64, write bool) Body {
	return func(c *sim.CPU) {
		c.Step(stepSetUp)
		for i := uint64(0); ; i++ {
			p.await(c, i, mine)
			if write {
				c.Store(word(p.line(i)), i)
				c.SmpMB()
			} else {
				c.Load(word(p.line(i)))
			}
			c.StoreRelease(word(p.Turn), turns*i+next)
		}
	}
}

func (p *LoadState) line(i uint64) sim.Addr { return p.Lines[i%uint64(len(p.Lines))] }

func (p *LoadState) await(c *sim.CPU, i, turn uint64) {
	c.SpinUntil(sim.Never, sim.Cond{Ref: word(p.Turn), Arg: turns*i + turn, Order: sim.Acquire})
}
