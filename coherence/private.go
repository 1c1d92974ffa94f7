package coherence

import "mmsim/cache"

// Private is one core's L1D and L2. L2 includes L1D; a line's state is the
// same in both. The eight bits of an entry are the state (low three) and, in
// L1D, the SMT thread that wrote the line last, plus one (for the cost of
// reading a sibling's fresh store).
type Private struct {
	L1, L2 *cache.Array
}

// Bits of an entry's user byte.
const (
	stateMask   = 0x07
	writerShift = 4
)

// NewPrivate makes empty private caches.
func NewPrivate(p *Params) *Private {
	return &Private{
		L1: cache.New(p.L1D.Bytes/p.LineBytes, p.L1D.Ways, p.L1D.PLRU),
		L2: cache.New(p.L2.Bytes/p.LineBytes, p.L2.Ways, p.L2.PLRU),
	}
}

// State is the line's state in this core.
func (c *Private) State(l cache.Line) State {
	if i := c.L2.Find(l); i >= 0 {
		return State(c.L2.Meta(i) & stateMask)
	}
	return I
}

// set changes the state of a line the core holds.
func (c *Private) set(l cache.Line, s State) {
	if i := c.L2.Find(l); i >= 0 {
		c.L2.SetMeta(i, uint8(s))
	}
	if i := c.L1.Find(l); i >= 0 {
		c.L1.SetMeta(i, c.L1.Meta(i)&^stateMask|uint8(s))
	}
}

// dropAt takes the line in L2 entry i out of both levels.
func (c *Private) dropAt(i int, l cache.Line) {
	c.L2.Remove(i)
	if i := c.L1.Find(l); i >= 0 {
		c.L1.Remove(i)
	}
}

// HitL1 looks a line up in L1D and makes it most recently used. It returns
// the entry, or -1.
func (c *Private) HitL1(l cache.Line) int {
	i := c.L1.Find(l)
	if i >= 0 {
		c.L1.Touch(i)
	}
	return i
}

// StateL1 is the state of L1D entry i.
func (c *Private) StateL1(i int) State { return State(c.L1.Meta(i) & stateMask) }

// Written records that an SMT thread wrote the line in L1D entry i, which it
// holds E or M.
func (c *Private) Written(i, thread int) {
	m := c.L1.Meta(i)
	if State(m&stateMask) != M {
		c.set(c.L1.Line(i), M)
	}
	c.L1.SetMeta(i, uint8(M)|uint8(thread+1)<<writerShift)
}

// TakeSiblingWrite reports whether the sibling of thread wrote L1D entry i
// since this was last asked, and forgets it.
func (c *Private) TakeSiblingWrite(i, thread int) bool {
	m := c.L1.Meta(i)
	w := int(m >> writerShift)
	if w == 0 || w == thread+1 {
		return false
	}
	c.L1.SetMeta(i, m&stateMask)
	return true
}

// FillL1 copies a line that hits in L2 into L1D and returns its L1D entry, or
// -1 when L2 does not hold it. What L1D loses stays in L2.
func (c *Private) FillL1(l cache.Line) int {
	i2 := c.L2.Find(l)
	if i2 < 0 {
		return -1
	}
	c.L2.Touch(i2)
	i, _ := c.L1.Victim(l)
	c.L1.Put(i, l, c.L2.Meta(i2)&stateMask)
	return i
}

// fill installs a line that came from outside. victim is what L2 lost for it,
// in vstate (I: nothing).
func (c *Private) fill(l cache.Line, s State) (victim cache.Line, vstate State) {
	if i := c.L2.Find(l); i >= 0 {
		c.set(l, s)
		c.L2.Touch(i)
		if c.L1.Find(l) < 0 {
			c.putL1(l, s)
		}
		return 0, I
	}
	i, full := c.L2.Victim(l)
	if full {
		victim, vstate = c.L2.Line(i), State(c.L2.Meta(i)&stateMask)
		c.dropAt(i, victim)
	}
	c.L2.Put(i, l, uint8(s))
	c.putL1(l, s)
	return victim, vstate
}

func (c *Private) putL1(l cache.Line, s State) {
	i, _ := c.L1.Victim(l)
	c.L1.Put(i, l, uint8(s))
}
