package wait

import (
	"mmsim/kernel/kmem"
	"mmsim/kernel/list"
	"mmsim/kernel/sched"
	"mmsim/sim"
)

// Bits of a folio's flags word that tasks wait for, and the one that says so
// (gup-pinning.md section 1.2, 6.19). Waiters must be the sign bit of the low
// byte.
const (
	Locked    = 0
	Writeback = 1
	Waiters   = 7
)

// DefaultUnfairness is sysctl_page_lock_unfairness: how often a waiter for the
// page lock may lose it to a newcomer before it is handed over.
const DefaultUnfairness = 5

// numBuckets is the size of folio_wait_table.
const (
	bucketBits = 8
	numBuckets = 1 << bucketBits
)

// goldenRatio64 is GOLDEN_RATIO_64 of hash_64.
const goldenRatio64 = 0x61C8864680B583EB

var lockWaits = sim.NewCounter("lock_waits")

// pageWaiterLayout is struct wait_page_queue, on the sleeper's stack.
var pageWaiterLayout = sim.NewLayout("wait_page_queue", 64, 64,
	append(entryMembers("wait.", pageWaiterEntry), sim.F("folio", 0, 8), sim.F("bit_nr", 8, 4))...)

var (
	pageWaiterFolio = pageWaiterLayout.Field("folio")
	pageWaiterBit   = pageWaiterLayout.Field("bit_nr")
)

const pageWaiterEntry = 16

// PageBits is folio_wait_table: the hashed wait queues that tasks wait in for a
// bit of any folio (mm/filemap.c, 6.19).
type PageBits struct {
	k          *Queues
	table      sim.Ptr
	waiters    []sim.Ptr // by task number
	unfairness int
	why        sim.WaitReason
	wake       FuncID
}

// NewPageBits allocates the table. unfairness is sysctl_page_lock_unfairness,
// why is what sleeping for a bit counts as.
func NewPageBits(a *kmem.Arena, k *Queues, unfairness int, why sim.WaitReason) *PageBits {
	b := &PageBits{k: k, unfairness: unfairness, why: why, table: a.Bytes(numBuckets*HeadBytes, 128, HeadLayout)}
	for range k.sched.Tasks() {
		b.waiters = append(b.waiters, a.Object(pageWaiterLayout, ""))
	}
	b.wake = k.Register(b.wakePage)
	c := sim.NewDirect(a.Mem)
	for i := range uint64(numBuckets) {
		k.At(b.table.Add(i * HeadBytes)).Init(c)
	}
	return b
}

// queue is folio_waitqueue: the bucket of a folio.
func (b *PageBits) queue(folio sim.Ptr) Queue {
	h := uint64(folio.A) * goldenRatio64 >> (64 - bucketBits)
	return b.k.At(b.table.Add(h * HeadBytes))
}

// Folio is the flags word of a folio, as something to wait for.
type Folio struct {
	b *PageBits
	p sim.Ptr
}

// At is the folio whose struct page is at p; its flags are the first word.
func (b *PageBits) At(p sim.Ptr) Folio { return Folio{b, p} }

func (f Folio) flags() sim.Ref { return f.p.F(kmem.PageFlags) }

// lowByte is the byte with PG_locked, PG_writeback and PG_waiters.
func (f Folio) lowByte() sim.Ref { return sim.Ref{A: f.flags().A, D: f.p.D, Size: 1} }

// Test is folio_test_locked and the like.
func (f Folio) Test(c *sim.CPU, bit uint) bool { return c.Load(f.flags())>>bit&1 != 0 }

// TryLock is folio_trylock.
func (f Folio) TryLock(c *sim.CPU) bool {
	ok := f.testAndSet(c, Locked, sim.Acquire)
	if ok {
		c.LockTried(f.flags().A, sim.Exclusive)
	}
	return ok
}

// testAndSet reports whether it set the bit.
func (f Folio) testAndSet(c *sim.CPU, bit uint, o sim.Order) bool {
	return c.FetchOr(f.flags(), 1<<bit, o)>>bit&1 == 0
}

// Lock is folio_lock.
func (f Folio) Lock(c *sim.CPU) {
	if !f.testAndSet(c, Locked, sim.Acquire) {
		c.Count(lockWaits, 1)
		c.LockContended(f.flags().A, sim.Exclusive)
		f.wait(c, Locked, Exclusive)
	}
	c.LockAcquired(f.flags().A, sim.Exclusive)
}

// Unlock is folio_unlock. Another task than the one that locked may call it.
func (f Folio) Unlock(c *sim.CPU) {
	c.LockReleased(f.flags().A, sim.Exclusive)
	f.ClearAndWake(c, Locked)
}

// ClearAndWake clears a bit of the low byte that is set, and wakes those that
// wait for it: folio_unlock and the end of writeback. One locked xor clears it
// and tells whether anybody waits (folio_xor_flags_has_waiters).
func (f Folio) ClearAndWake(c *sim.CPU, bit uint) {
	if c.FetchXor(f.lowByte(), 1<<bit, sim.Release)>>Waiters&1 != 0 {
		f.wakeBit(c, bit)
	}
}

// WaitBit is folio_wait_bit: sleep until the bit is clear, without taking it.
func (f Folio) WaitBit(c *sim.CPU, bit uint) {
	if f.Test(c, bit) {
		f.wait(c, bit, 0)
	}
}

// wait is folio_wait_bit_common (gup-pinning.md section 4.2): with mode
// Exclusive it returns when it has set the bit, else when the bit was cleared.
func (f Folio) wait(c *sim.CPU, bit uint, mode uint64) {
	w := f.b.waiters[task(c)]
	q, e := f.b.queue(f.p), Entry{w.Add(pageWaiterEntry)}
	f.b.k.initEntry(c, e, f.b.wake)
	c.Store(w.F(pageWaiterFolio), uint64(f.p.A))
	c.Store(w.F(pageWaiterBit), uint64(bit))
	for left := f.b.unfairness; ; {
		flags := mode
		if left--; mode == Exclusive && left < 0 {
			flags |= Custom // hand the bit over to this one
		}
		f.enqueue(c, q, e, bit, flags)
		flags = f.sleep(c, e)
		if mode != Exclusive || flags&Done != 0 {
			break
		}
		if f.testAndSet(c, bit, sim.Full) {
			e.SetFlags(c, flags|Done)
			break
		}
	}
	q.Finish(c, e)
}

// enqueue announces a waiter, tries once more, and queues.
func (f Folio) enqueue(c *sim.CPU, q Queue, e Entry, bit uint, flags uint64) {
	e.SetFlags(c, flags)
	irq := q.Lock.LockIRQSave(c)
	c.SetBit(f.flags(), Waiters)
	if f.tryFlag(c, bit, flags) {
		e.SetFlags(c, flags|Woken|Done)
	} else {
		q.AddTail(c, e)
	}
	q.Lock.UnlockIRQRestore(c, irq)
}

// tryFlag is folio_trylock_flag.
func (f Folio) tryFlag(c *sim.CPU, bit uint, flags uint64) bool {
	if flags&Exclusive != 0 {
		return f.testAndSet(c, bit, sim.Full)
	}
	return !f.Test(c, bit)
}

// sleep waits for the waker's mark and returns the entry's flags.
func (f Folio) sleep(c *sim.CPU, e Entry) uint64 {
	for {
		f.b.k.sched.SetCurrentState(c, sched.Uninterruptible)
		flags := c.LoadAcquire(e.p.F(entryFlags))
		if flags&Woken != 0 {
			return flags
		}
		f.b.k.sched.Schedule(c, f.b.why)
	}
}

// wakeBit is folio_wake_bit (section 4.3).
func (f Folio) wakeBit(c *sim.CPU, bit uint) {
	q := f.b.queue(f.p)
	key := Key{Obj: f.p, Bit: bit}
	irq := q.Lock.LockIRQSave(c)
	q.WakeUpLocked(c, 1, &key)
	if !q.Active(c) || !key.Match {
		c.ClearBit(f.flags(), Waiters)
	}
	q.Lock.UnlockIRQRestore(c, irq)
}

// wakePage is wake_page_function.
func (b *PageBits) wakePage(c *sim.CPU, e Entry, key *Key) int {
	w := sim.Ptr{A: e.p.A - pageWaiterEntry, D: e.p.D}
	if c.Load(w.F(pageWaiterFolio)) != uint64(key.Obj.A) {
		return 0
	}
	key.Match = true
	if c.Load(w.F(pageWaiterBit)) != uint64(key.Bit) {
		return 0
	}
	f, flags := b.At(key.Obj), e.Flags(c)
	if flags&Exclusive != 0 {
		if f.Test(c, key.Bit) {
			return -1 // taken again: nobody else need be woken
		}
		if flags&Custom != 0 {
			if !f.testAndSet(c, key.Bit, sim.Full) {
				return -1
			}
			flags |= Done
		}
	}
	p := c.LoadPtr(e.Private())
	c.StoreRelease(e.p.F(entryFlags), flags|Woken)
	b.k.sched.WakeUp(c, p)
	list.DelInitCareful(c, e.node())
	if flags&Exclusive != 0 {
		return 1
	}
	return 0
}
