// Package list is include/linux/list.h on simulated memory: circular, doubly
// linked lists threaded through a {next, prev} pair inside each object. Every
// step is a load or store of a neighbour's line, which is what a queue costs.
package list

import "mmsim/sim"

// Offsets inside a list_head.
const (
	nextOff = 0
	prevOff = 8
	// Bytes is the size of a list_head.
	Bytes = 16
)

// What list_del leaves behind (LIST_POISON1, LIST_POISON2): addresses in the
// never-mapped page 0, so following a stale link is caught.
const (
	poison1 = 0x100
	poison2 = 0x122
)

func next(p sim.Ptr) sim.Ref { return p.Ref(nextOff, 8) }
func prev(p sim.Ptr) sim.Ref { return p.Ref(prevOff, 8) }

// Field declares a list_head as a struct member, for sim.NewLayout.
func Field(name string, off uint32) sim.Field { return sim.Arr(name, off, 8, 2) }

// Init is INIT_LIST_HEAD: head points at itself in both directions.
func Init(c *sim.CPU, head sim.Ptr) {
	c.Store(next(head), uint64(head.A))
	c.Store(prev(head), uint64(head.A))
}

// Empty is list_empty: one load of head.
func Empty(c *sim.CPU, head sim.Ptr) bool { return c.Load(next(head)) == uint64(head.A) }

// Singular is list_is_singular: one entry and no more.
func Singular(c *sim.CPU, head sim.Ptr) bool {
	first := c.Load(next(head))
	return first != uint64(head.A) && first == c.Load(prev(head))
}

// First is the entry behind head; it is head itself when the list is empty.
func First(c *sim.CPU, head sim.Ptr) sim.Ptr { return c.LoadPtr(next(head)) }

// Last is the entry before head; it is head itself when the list is empty.
func Last(c *sim.CPU, head sim.Ptr) sim.Ptr { return c.LoadPtr(prev(head)) }

// Next is the entry behind e, or the head behind the last entry.
func Next(c *sim.CPU, e sim.Ptr) sim.Ptr { return c.LoadPtr(next(e)) }

// Add is list_add: e becomes the first entry.
func Add(c *sim.CPU, e, head sim.Ptr) { insert(c, e, head, First(c, head)) }

// AddTail is list_add_tail: e becomes the last entry.
func AddTail(c *sim.CPU, e, head sim.Ptr) { insert(c, e, Last(c, head), head) }

func insert(c *sim.CPU, e, before, after sim.Ptr) {
	c.Store(prev(after), uint64(e.A))
	c.Store(next(e), uint64(after.A))
	c.Store(prev(e), uint64(before.A))
	c.Store(next(before), uint64(e.A))
}

// AddRCU is list_add_rcu: e becomes the first entry, for readers that hold no
// lock as well.
func AddRCU(c *sim.CPU, e, head sim.Ptr) {
	after := First(c, head)
	c.Store(next(e), uint64(after.A))
	c.Store(prev(e), uint64(head.A))
	c.StoreRelease(next(head), uint64(e.A))
	c.Store(prev(after), uint64(e.A))
}

// DelRCU is list_del_rcu: e is unlinked and keeps its next link, for readers that
// are at it. It may be freed, or added again, after a grace period.
func DelRCU(c *sim.CPU, e sim.Ptr) {
	unlink(c, e)
	c.Store(prev(e), poison2)
}

// Del is list_del: e is unlinked and its links are poisoned.
func Del(c *sim.CPU, e sim.Ptr) {
	unlink(c, e)
	c.Store(next(e), poison1)
	c.Store(prev(e), poison2)
}

// DelInit is list_del_init: e is unlinked and is an empty list afterwards.
func DelInit(c *sim.CPU, e sim.Ptr) {
	unlink(c, e)
	Init(c, e)
}

// DelInitCareful is list_del_init_careful: as DelInit, and whoever finds e empty
// by EmptyCareful sees all that came before.
func DelInitCareful(c *sim.CPU, e sim.Ptr) {
	unlink(c, e)
	c.Store(prev(e), uint64(e.A))
	c.StoreRelease(next(e), uint64(e.A))
}

// EmptyCareful is list_empty_careful: both links of e point at e, looked at
// without the lock of the list it may be on.
func EmptyCareful(c *sim.CPU, e sim.Ptr) bool {
	return c.LoadAcquire(next(e)) == uint64(e.A) && c.Load(prev(e)) == uint64(e.A)
}

// MoveTail is list_move_tail: e goes from its list to the end of another.
func MoveTail(c *sim.CPU, e, head sim.Ptr) {
	unlink(c, e)
	AddTail(c, e, head)
}

func unlink(c *sim.CPU, e sim.Ptr) {
	before, after := Last(c, e), First(c, e)
	c.Store(prev(after), uint64(before.A))
	c.Store(next(before), uint64(after.A))
}
