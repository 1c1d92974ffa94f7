// Package srcu is sleepable RCU as kernel/rcu/srcutree.c does it
// (locks-and-barriers.md section 11): a reader counts itself in and out in
// per-CPU counters of the current index; a grace period waits until the other
// index has as many unlocks as locks, flips the index, and waits for the old
// one likewise.
//
// It is the small form (SRCU_SIZE_SMALL): no tree of nodes, and all callbacks in
// the boot CPU's list, as the kernel has it up to 128 CPUs until the locks are
// contended. The work of the rcu_gp workqueue runs in timer interrupts of the
// CPU that queued it, and callbacks in an interrupt of the boot CPU: no kworker
// is woken. srcu_gp_mutex and srcu_cb_mutex, which only that work takes, are not
// needed then; a work item never runs twice at a time, as in a workqueue.
package srcu

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/rcu"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// waitSRCU is the sleep until a grace period is over.
var waitSRCU = sim.NewTickWaitReason("srcu")

// Flavor is how readers of a domain work.
type Flavor uint8

const (
	// Normal readers have a full barrier on both sides of their section.
	Normal Flavor = iota
	// Fast readers (SRCU-fast, and SRCU-lite, which is the same to the memory)
	// have none; each scan of the counters pays with an RCU grace period.
	Fast
)

// Domains makes the srcu_structs of one kernel.
type Domains struct {
	arena *kmem.Arena
	sched *sched.Scheduler
	spin  *qspinlock.Locks
	rcu   *rcu.RCU
	cpus  int
	boot  int      // the CPU whose list has all callbacks
	names []string // of the srcu_structs, in the order of their domains under a model
	opt   Options
}

// NewDomains prepares for srcu_structs over the given RCU.
func NewDomains(a *kmem.Arena, s *sched.Scheduler, spin *qspinlock.Locks, r *rcu.RCU, o Options) *Domains {
	return &Domains{arena: a, sched: s, spin: spin, rcu: r, cpus: s.CPUs(), boot: r.BootCPU(), opt: o}
}

// Name is what the srcu_struct of a domain is called.
func (k *Domains) Name(d rcu.Domain) string { return k.names[d-rcu.DomainSRCU] }

// Struct is an srcu_struct. All that changes is in simulated memory.
type Struct struct {
	k         *Domains
	flavor    Flavor
	model     rcu.Model // in place of all that follows, if there is one
	domain    rcu.Domain
	ctrp      sim.Ref
	data      kmem.PerCPU
	base      sim.Ptr // of CPU 0's srcu_data
	stride    uint64
	sup       sim.Ptr
	work      sim.Handler
	invoke    sim.Handler
	invokeAt  sim.Handler
	scannedCb rcu.Callback
}

// Define is DEFINE_SRCU. Set-up only.
func (k *Domains) Define(name string, f Flavor) *Struct {
	p := k.arena.Object(structLayout, name)
	s := &Struct{k: k, flavor: f, model: k.rcu.Model(), domain: rcu.DomainSRCU + rcu.Domain(len(k.names)),
		ctrp: p.F(structCtrp), data: k.arena.PerCPU(dataLayout, k.cpus),
		sup: k.arena.Object(supLayout, name)}
	k.names = append(k.names, name)
	s.base = s.data.Of(0)
	if k.cpus > 1 {
		s.stride = uint64(s.data.Of(1).A - s.base.A)
	}
	s.work, s.invoke, s.invokeAt = s.runWork, s.invokeCallbacks, s.queueInvoke
	s.scannedCb = k.rcu.Register("srcu_scan", s.afterRCU)
	c := sim.NewDirect(k.arena.Mem)
	c.Store(p.F(structCtrp), uint64(s.base.A))
	c.Store(p.F(structSDA), uint64(s.base.A))
	c.Store(p.F(structFlavor), uint64(f))
	c.Store(p.F(structSup), uint64(s.sup.A))
	for cpu := range k.cpus {
		cbsOf(s.data.Of(cpu)).Init(c)
	}
	return s
}

// Index is what ReadLock returns and ReadUnlock needs: 0 or 1.
type Index uint8

// ReadLock is srcu_read_lock, or srcu_read_lock_fast. The section may sleep.
func (s *Struct) ReadLock(c *sim.CPU) Index {
	if s.model != nil {
		s.model.ReadLock(c, s.domain)
		return 0
	}
	scp := c.LoadPtr(s.ctrp)
	c.ThisCPUAdd(scp.Ref(uint64(c.ID())*s.stride+offLocks, 8), 1)
	if s.flavor == Normal {
		c.SmpMB() // B
	}
	return s.index(scp)
}

// ReadUnlock is srcu_read_unlock of the section that got idx. Any CPU and any
// context may call it.
func (s *Struct) ReadUnlock(c *sim.CPU, idx Index) {
	if s.model != nil {
		s.model.ReadUnlock(c, s.domain)
		return
	}
	if s.flavor == Normal {
		c.SmpMB() // C
	}
	c.ThisCPUAdd(s.base.Ref(uint64(idx)*ctrBytes+uint64(c.ID())*s.stride+offUnlocks, 8), 1)
}

// index is __srcu_ptr_to_ctr.
func (s *Struct) index(scp sim.Ptr) Index { return Index((scp.A - s.base.A) / ctrBytes) }

// other is the index that readers do not enter now.
func (s *Struct) other(c *sim.CPU) Index { return 1 - s.index(c.LoadPtr(s.ctrp)) }

// Call is call_srcu: cb gets head after every reader that is now inside has
// left.
func (s *Struct) Call(c *sim.CPU, head sim.Ptr, cb rcu.Callback) { s.call(c, head, cb, false) }

// Synchronize is synchronize_srcu: it returns after every reader that is now
// inside has left. Where no grace period was about lately it hurries, as the
// kernel does (srcu_might_be_idle).
func (s *Struct) Synchronize(c *sim.CPU) {
	if s.model != nil || s.mightBeIdle(c) {
		s.SynchronizeExpedited(c)
		return
	}
	s.k.rcu.WaitGP(c, waitSRCU, s.Call)
	c.SmpMB()
}

// SynchronizeExpedited is synchronize_srcu_expedited: no jiffies between the
// scans.
func (s *Struct) SynchronizeExpedited(c *sim.CPU) {
	if s.model != nil {
		s.model.Synchronize(c, s.domain)
		return
	}
	s.k.rcu.WaitGP(c, waitSRCU, func(c *sim.CPU, head sim.Ptr, cb rcu.Callback) { s.call(c, head, cb, true) })
	c.SmpMB()
}

// mightBeIdle is srcu_might_be_idle.
func (s *Struct) mightBeIdle(c *sim.CPU) bool {
	d := s.data.Of(s.k.boot)
	irq := c.IRQSave()
	pending := cbsOf(d).Pending(c)
	c.IRQRestore(irq)
	if pending {
		return false
	}
	if last := sim.Time(c.Load(s.sup.F(supLastGPEnd))); last != 0 && c.Now() < last+s.k.opt.ExpHoldoff {
		return false
	}
	seq := c.Load(s.sup.F(supGPSeq))
	c.SmpMB()
	if seq < c.Load(s.sup.F(supNeeded)) {
		return false
	}
	c.SmpMB()
	return c.Load(s.sup.F(supGPSeq)) == seq
}
