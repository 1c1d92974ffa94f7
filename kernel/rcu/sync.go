package rcu

import (
	"mmsim/kernel/rcu/segcblist"
	"mmsim/kernel/wait"
	"mmsim/sim"
)

// The states of a struct rcu_sync: readers may be fast only in gpIdle.
const (
	gpIdle = iota
	gpEnter
	gpPassed
	gpExit
	gpReplay
)

// breakSyncGP is what checks can take out.
var breakSyncGP = sim.NewBreak("rcu-sync.gp", "the grace period of rcu_sync_enter, after which readers are known to take the slow path")

// Offsets of the members of a struct rcu_sync.
const (
	syncState = 0
	syncCount = 4
	syncWait  = 8
	syncHead  = 32
	// SyncBytes is the size of a struct rcu_sync.
	SyncBytes = 48
)

// SyncMembers declares a struct rcu_sync at offset off of the embedding struct;
// prefix is "name." of the member.
func SyncMembers(prefix string, off uint32) []sim.Field {
	return append(wait.HeadMembers(prefix+"gp_wait.", off+syncWait),
		sim.F(prefix+"gp_state", off+syncState, 4),
		sim.F(prefix+"gp_count", off+syncCount, 4),
		sim.Arr(prefix+"cb_head", off+syncHead, 8, segcblist.HeadBytes/8))
}

// Sync is a struct rcu_sync (kernel/rcu/sync.c): readers take a fast path
// without fences while no updater is around, which updaters switch off and on
// with a grace period in between.
type Sync struct {
	r      *RCU
	p      sim.Ptr
	state  sim.Ref
	count  sim.Ref
	gpWait wait.Queue
}

// SyncAt is the rcu_sync at p.
func (r *RCU) SyncAt(p sim.Ptr) Sync {
	return Sync{r, p, p.Ref(syncState, 4), p.Ref(syncCount, 4), r.wait.At(p.Add(syncWait))}
}

// Init is rcu_sync_init.
func (y Sync) Init(c *sim.CPU) { y.gpWait.Init(c) }

// IsIdle is rcu_sync_is_idle: readers may be fast. The caller is in an RCU read
// section.
func (y Sync) IsIdle(c *sim.CPU) bool { return c.Load(y.state) == gpIdle }

// Enter is rcu_sync_enter: it returns when every reader knows that an updater
// is around. It calls waits before it waits for that.
func (y Sync) Enter(c *sim.CPU, why sim.WaitReason, waits func()) {
	irq := y.gpWait.Lock.LockIRQSave(c)
	state := c.Load(y.state)
	if state == gpIdle {
		c.Store(y.state, gpEnter)
	}
	c.Store(y.count, c.Load(y.count)+1)
	y.gpWait.Lock.UnlockIRQRestore(c, irq)
	if state < gpPassed {
		waits()
	}
	if state == gpIdle {
		if !c.Breaks(breakSyncGP) {
			y.r.Synchronize(c)
		}
		y.r.syncFunc(c, y.p.Add(syncHead))
		return
	}
	y.gpWait.Event(c, why, func() bool { return c.Load(y.state) >= gpPassed })
}

// Exit is rcu_sync_exit: readers are fast again after a grace period, if no
// other updater is around then.
func (y Sync) Exit(c *sim.CPU) {
	irq := y.gpWait.Lock.LockIRQSave(c)
	n := c.Load(y.count) - 1
	c.Store(y.count, n)
	if n == 0 {
		switch c.Load(y.state) {
		case gpPassed:
			c.Store(y.state, gpExit)
			y.call(c)
		case gpExit:
			c.Store(y.state, gpReplay)
		}
	}
	y.gpWait.Lock.UnlockIRQRestore(c, irq)
}

// call is rcu_sync_call.
func (y Sync) call(c *sim.CPU) { y.r.CallRCU(c, y.p.Add(syncHead), y.r.syncDone) }

// syncFunc is rcu_sync_func: a grace period has passed since the last change
// of state.
func (r *RCU) syncFunc(c *sim.CPU, head sim.Ptr) {
	y := r.SyncAt(sim.Ptr{A: head.A - syncHead, D: head.D})
	irq := y.gpWait.Lock.LockIRQSave(c)
	switch {
	case c.Load(y.count) != 0:
		c.Store(y.state, gpPassed)
		y.gpWait.WakeUpLocked(c, 1, nil)
	case c.Load(y.state) == gpReplay:
		c.Store(y.state, gpExit)
		y.call(c)
	default:
		c.Store(y.state, gpIdle)
	}
	y.gpWait.Lock.UnlockIRQRestore(c, irq)
}
