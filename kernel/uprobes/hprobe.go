package uprobes

import (
	"mmsim/kernel/locking"
	"mmsim/kernel/srcu"
	"mmsim/sim"
)

// States of a leased uprobe (section 6.3).
const (
	hprobeLeased   = 0
	hprobeStable   = 1
	hprobeGone     = 2
	hprobeConsumed = 3
)

// held is what the return path took out of a return instance.
type held struct {
	uprobe sim.Ptr // null if it is gone
	state  uint64
}

// consume is hprobe_consume: nobody else unlocks the lease, or drops the
// reference, after it.
func (u *Uprobes) consume(c *sim.CPU, ri sim.Ptr) (h held) {
	if !u.k.Ret.leased() {
		return held{c.LoadPtr(ri.F(riUprobe)), hprobeStable}
	}
	h.state = c.Xchg(ri.F(riState), hprobeConsumed, sim.Full)
	if h.state == hprobeLeased || h.state == hprobeStable {
		h.uprobe = c.LoadPtr(ri.F(riUprobe))
	}
	return h
}

// finalize is hprobe_finalize.
func (u *Uprobes) finalize(c *sim.CPU, ri sim.Ptr, h held) {
	switch h.state {
	case hprobeLeased:
		u.uretSRCU.ReadUnlock(c, srcu.Index(c.Load(ri.F(riIdx))))
	case hprobeStable:
		u.put(c, h.uprobe)
	}
}

// expire is hprobe_expire: a lease becomes a reference, or nothing where the
// last reference is gone. Whoever changes the state unlocks SRCU.
func (u *Uprobes) expire(c *sim.CPU, ri sim.Ptr) {
	if c.Load(ri.F(riState)) != hprobeLeased {
		return
	}
	p, next := c.LoadPtr(ri.F(riUprobe)), uint64(hprobeStable)
	got := u.ref(p).IncNotZero(c)
	if !got {
		next = hprobeGone
	}
	if _, won := c.CmpXchg(ri.F(riState), hprobeLeased, next, sim.Full); won {
		u.uretSRCU.ReadUnlock(c, srcu.Index(c.Load(ri.F(riIdx))))
		return
	}
	if got {
		u.put(c, p)
	}
}

func (u *Uprobes) riSeq(utask sim.Ptr) locking.Seqcount {
	return locking.Seqcount(utask.F(u.f.riSeqcount))
}

// riTimer is ri_timer: user code that does not return for long must not hold up
// SRCU. SRCU keeps the uprobes, RCU the instances, and the sequence tells the
// thread that it may not reuse them at once (section 6.4 doubts that it does).
func (u *Uprobes) riTimer(c *sim.CPU, timer sim.Ptr) {
	utask := sim.Ptr{A: timer.A - offRITimer, D: timer.D}
	idx := u.uretSRCU.ReadLock(c)
	u.b.RCU.ReadLock(c)
	if u.k.Ret == RetLeasePooled {
		u.riSeq(utask).WriteBegin(c)
	}
	for ri := c.LoadPtr(utask.F(u.f.returnInstances)); !ri.IsNull(); ri = c.LoadPtr(ri.F(riNext)) {
		u.expire(c, ri)
	}
	if u.k.Ret == RetLeasePooled {
		u.riSeq(utask).WriteEnd(c)
	}
	u.b.RCU.ReadUnlock(c)
	u.uretSRCU.ReadUnlock(c, idx)
}
