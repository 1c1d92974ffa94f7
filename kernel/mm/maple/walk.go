package maple

import "mmsim/sim"

// Tree is one maple tree: the struct maple_tree at a fixed place and where its
// nodes come from. It holds no state of its own.
type Tree struct {
	at    sim.Ptr
	root  sim.Ref
	nodes Nodes
}

// Nodes allocates and frees tree nodes.
type Nodes interface {
	// Alloc returns the 256 bytes of a node, in any state.
	Alloc(c *sim.CPU) sim.Ptr
	// FreeRCU gives a node back after a grace period (ma_free_rcu).
	FreeRCU(c *sim.CPU, node sim.Ptr)
}

// New returns the tree whose ma_root word is root, inside the struct
// maple_tree at at; all-zero memory is an empty tree.
func New(at sim.Ptr, root sim.Ref, nodes Nodes) Tree { return Tree{at, root, nodes} }

// Range is an entry of the tree with the indices that it covers, ends
// included. A null entry is a gap.
type Range struct {
	First, Last uint64
	Entry       sim.Ptr
}

var retries = sim.NewCounter("retries")

// Walk is mas_walk: the entry that covers index. It may run under RCU beside a
// writer; it restarts from the root when it finds itself in a dead node.
func (t Tree) Walk(c *sim.CPU, index uint64) Range {
	for {
		if r, ok := t.walkOnce(c, index); ok {
			return r
		}
		c.Count(retries, 1)
	}
}

func (t Tree) walkOnce(c *sim.CPU, index uint64) (Range, bool) {
	next := c.LoadPtr(t.root)
	r := Range{0, MaxIndex, sim.Ptr{}}
	if next.IsNull() {
		return r, true
	}
	for {
		n := decode(next)
		i := n.find(c, index, n.dataEnd(c, r.Last), &r)
		next = c.LoadPtr(n.slot(i))
		if n.dead(c) {
			return r, false
		}
		if n.leaf {
			r.Entry = next
			return r, true
		}
	}
}

// find returns the slot whose range holds index and narrows r to that range.
// Pivots are read one after the other, as mtree_range_walk does.
func (n node) find(c *sim.CPU, index uint64, end int, r *Range) int {
	first := r.First
	for i := 0; i < end; i++ {
		p := c.Load(n.pivot(i))
		if p >= index {
			r.First, r.Last = first, p
			return i
		}
		first = p + 1
	}
	r.First = first
	return end
}

// Find is mas_find: the first entry at or behind index that begins at or
// before limit, and whether there is one. (The kernel steps to the next leaf
// through parents; this walks down again, so a scan reads the inner nodes once
// more for every leaf.)
func (t Tree) Find(c *sim.CPU, index, limit uint64) (Range, bool) {
	for {
		r := t.Walk(c, index)
		if !r.Entry.IsNull() {
			return r, r.First <= limit
		}
		if r.Last >= limit {
			return r, false
		}
		index = r.Last + 1
	}
}
