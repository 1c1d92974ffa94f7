package uprobes

import (
	"mmsim/kernel/locking"
	"mmsim/sim"
)

var (
	stepTreeLookup = sim.NewStep("tree-lookup")
	retries        = sim.NewCounter("retries")
)

// context says whether the caller of a tree lookup may sleep.
type context bool

const (
	mayAwait context = true
	inAtomic context = false // in an RCU read section
)

// findUprobe is find_uprobe: by the tree's choice, to a uprobe that the
// lifetime's choice keeps (a reference, or the section around the hit). inode
// is compared and not followed. Null where there is none, or where the tree
// could not be read without sleeping.
func (u *Uprobes) findUprobe(c *sim.CPU, inode sim.Ptr, offset uint64, ctx context) (p sim.Ptr) {
	prev := c.Step(stepTreeLookup)
	if prev == stepFallback {
		c.Step(prev) // all of a fallback is charged to it
	}
	c.Compute(u.costs.TreeLookup)
	switch u.k.Tree {
	case TreeSpinlock:
		u.treeSpin().Lock(c)
		p = u.walkGet(c, inode, offset)
		u.treeSpin().Unlock(c)
	case TreeRWLock:
		u.treeRW().ReadLock(c)
		p = u.walkGet(c, inode, offset)
		u.treeRW().ReadUnlock(c)
	case TreePercpuRWSem:
		p = u.findPercpu(c, inode, offset, ctx)
	case TreeSeqcount:
		p = u.findLockless(c, inode, offset, ctx)
	}
	c.Step(prev)
	return p
}

// findPercpu reads under the per-CPU rwsem, which sleeps while a writer is
// around: a speculative lookup gives up then (section 3: it needs preemptible
// context).
func (u *Uprobes) findPercpu(c *sim.CPU, inode sim.Ptr, offset uint64, ctx context) (p sim.Ptr) {
	if ctx == mayAwait {
		u.treeSem.DownRead(c)
	} else if !u.treeSem.DownReadTrylock(c) {
		return p
	}
	p = u.walkGet(c, inode, offset)
	u.treeSem.UpRead(c)
	return p
}

// findLockless is find_uprobe_rcu. With references the walk needs an RCU
// section of its own, and a uprobe whose last reference has gone is as good as
// none.
func (u *Uprobes) findLockless(c *sim.CPU, inode sim.Ptr, offset uint64, ctx context) sim.Ptr {
	if u.k.Lifetime != LifetimeRefcount {
		return u.findRCU(c, inode, offset)
	}
	if ctx == mayAwait {
		u.b.RCU.ReadLock(c)
	}
	p := u.findRCU(c, inode, offset)
	if !p.IsNull() && !u.ref(p).IncNotZero(c) {
		p = sim.Ptr{}
	}
	if ctx == mayAwait {
		u.b.RCU.ReadUnlock(c)
	}
	return p
}

// findRCU is the walk without lock (section 4). Rotations can hide a node but
// not make a wrong one match, so only a miss is checked against the sequence.
func (u *Uprobes) findRCU(c *sim.CPU, inode sim.Ptr, offset uint64) sim.Ptr {
	seq := u.treeSeq()
	for {
		s := seq.ReadBegin(c)
		p := u.walk(c, inode, offset)
		if !p.IsNull() || !seq.Retry(c, s) {
			return p
		}
		c.Count(retries, 1)
	}
}

// walkGet is __find_uprobe under the tree's lock.
func (u *Uprobes) walkGet(c *sim.CPU, inode sim.Ptr, offset uint64) sim.Ptr {
	p := u.walk(c, inode, offset)
	if !p.IsNull() && u.k.Lifetime == LifetimeRefcount {
		u.ref(p).Inc(c)
	}
	return p
}

// walk is rb_find and rb_find_rcu.
func (u *Uprobes) walk(c *sim.CPU, inode sim.Ptr, offset uint64) sim.Ptr {
	p := c.LoadPtr(u.tree.root)
	for !p.IsNull() {
		switch u.compare(c, inode, offset, p) {
		case -1:
			p = c.LoadPtr(p.F(u.f.rb.left))
		case 1:
			p = c.LoadPtr(p.F(u.f.rb.right))
		default:
			return p
		}
	}
	return p
}

// compare is __uprobe_cmp_key: by address of the inode, then by offset.
func (u *Uprobes) compare(c *sim.CPU, inode sim.Ptr, offset uint64, at sim.Ptr) int {
	switch i := c.Load(at.F(u.f.inode)); {
	case uint64(inode.A) < i:
		return -1
	case uint64(inode.A) > i:
		return 1
	}
	switch o := c.Load(at.F(u.f.offset)); {
	case offset < o:
		return -1
	case offset > o:
		return 1
	}
	return 0
}

func (u *Uprobes) treeSpin() locking.SpinLock { return u.b.Spin.At(u.globals.F(u.f.treelock)) }

func (u *Uprobes) treeRW() locking.QRWLock {
	return locking.QRWLockOf(u.globals.F(u.f.treelock), u.b.Spin.At(u.globals.F(u.f.treeWait)), u.b.Sched)
}

func (u *Uprobes) treeSeq() locking.Seqcount { return locking.Seqcount(u.globals.F(u.f.seqcount)) }

// treeReadLock is the tree's lock for reading as those take it who need the tree
// as a whole, not one uprobe of it: lockless walks do without.
func (u *Uprobes) treeReadLock(c *sim.CPU) {
	switch u.k.Tree {
	case TreeSpinlock:
		u.treeSpin().Lock(c)
	case TreePercpuRWSem:
		u.treeSem.DownRead(c)
	default:
		u.treeRW().ReadLock(c)
	}
}

func (u *Uprobes) treeReadUnlock(c *sim.CPU) {
	switch u.k.Tree {
	case TreeSpinlock:
		u.treeSpin().Unlock(c)
	case TreePercpuRWSem:
		u.treeSem.UpRead(c)
	default:
		u.treeRW().ReadUnlock(c)
	}
}

// treeWriteLock keeps out everybody else who changes the tree, and everybody who
// reads it under its lock; readers without lock repeat a miss.
func (u *Uprobes) treeWriteLock(c *sim.CPU) {
	switch u.k.Tree {
	case TreeSpinlock:
		u.treeSpin().Lock(c)
	case TreePercpuRWSem:
		u.treeSem.DownWrite(c)
	default:
		u.treeRW().WriteLock(c)
	}
}

func (u *Uprobes) treeWriteUnlock(c *sim.CPU) {
	switch u.k.Tree {
	case TreeSpinlock:
		u.treeSpin().Unlock(c)
	case TreePercpuRWSem:
		u.treeSem.UpWrite(c)
	default:
		u.treeRW().WriteUnlock(c)
	}
}

// treeBegin and treeEnd are the write section of uprobes_seqcount, under the
// write lock.
func (u *Uprobes) treeBegin(c *sim.CPU) {
	if u.k.Tree == TreeSeqcount {
		u.treeSeq().WriteBegin(c)
	}
}

func (u *Uprobes) treeEnd(c *sim.CPU) {
	if u.k.Tree == TreeSeqcount {
		u.treeSeq().WriteEnd(c)
	}
}

// insert is insert_uprobe: p goes into the tree with refs references, unless the
// tree has a uprobe of this place, which gets one more then and is returned. A
// uprobe whose last reference has gone makes room.
func (u *Uprobes) insert(c *sim.CPU, p, inode sim.Ptr, offset uint64) sim.Ptr {
	u.treeWriteLock(c)
	u.treeBegin(c)
	for {
		at := u.walk(c, inode, offset)
		if at.IsNull() {
			break
		}
		if u.ref(at).IncNotZero(c) {
			u.treeEnd(c)
			u.treeWriteUnlock(c)
			return at
		}
		u.tree.erase(c, at)
		u.tree.clear(c, at)
	}
	u.link(c, p, inode, offset)
	u.treeEnd(c)
	u.treeWriteUnlock(c)
	return p
}

// link puts p into its place in the tree.
func (u *Uprobes) link(c *sim.CPU, p, inode sim.Ptr, offset uint64) {
	u.tree.insert(c, p, func(at sim.Ptr) bool { return u.compare(c, inode, offset, at) < 0 })
}

// erase takes p out of the tree unless it is out.
func (u *Uprobes) erase(c *sim.CPU, p sim.Ptr) {
	u.treeWriteLock(c)
	if !u.tree.empty(c, p) {
		u.treeBegin(c)
		u.tree.erase(c, p)
		u.tree.clear(c, p)
		u.treeEnd(c)
	}
	u.treeWriteUnlock(c)
}
