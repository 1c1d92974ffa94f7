package maple

import (
	"fmt"

	"mmsim/sim"
)

// Update is a store that has been worked out and has its nodes allocated
// (mas_preallocate), ready to be done without failing. It is valid until the
// next change of the tree.
type Update struct {
	t       Tree
	drafts  []*draft // new nodes, children before parents
	top     *draft   // the one that gets linked; nil: none
	parent  node     // where, if not at the root
	slot    int
	toRoot  bool // link top as the root, or empty the tree if there is none
	inPlace *inPlace
	dead    []node
	dropped []node // roots of subtrees that drop out whole
}

// inPlace changes one leaf without replacing it: an exact fit or a slot store.
type inPlace struct {
	leaf    node
	slot    int
	entry   sim.Ptr
	pivot   int // to be moved after the slot is stored, or -1
	pivotTo uint64
	gap     uint64
}

// Store puts entry over [first, last]; a null entry erases.
func (t Tree) Store(c *sim.CPU, first, last uint64, entry sim.Ptr) {
	t.Prepare(c, first, last, entry).Commit(c)
}

// Prepare plans a store of entry over [first, last] and allocates the nodes it
// needs. Nothing in the tree changes yet. The caller keeps other writers out
// until Commit.
func (t Tree) Prepare(c *sim.CPU, first, last uint64, entry sim.Ptr) *Update {
	if last < first {
		panic(fmt.Sprintf("maple: store to the empty range [%#x, %#x]", first, last))
	}
	up := &Update{t: t}
	up.plan(c, first, last, entry)
	for _, d := range up.drafts {
		d.Ptr = t.nodes.Alloc(c)
	}
	return up
}

// Nodes is how many new nodes the store takes.
func (up *Update) Nodes() int { return len(up.drafts) }

func (up *Update) plan(c *sim.CPU, first, last uint64, entry sim.Ptr) {
	if c.LoadPtr(up.t.root).IsNull() {
		if !entry.IsNull() {
			up.setRoot(split(overwrite([]item{{last: MaxIndex}}, []item{{last: MaxIndex}}, 0, first, last, entry),
				true, 0, MaxIndex))
		}
		return
	}
	p := planner{t: up.t, up: up, left: up.t.path(c, first, -1)}
	d := len(p.left) - 1
	l := p.left[d]
	p.right = p.left
	if last > l.max {
		p.right = up.t.path(c, last, -1)
	}
	if r := p.right[d]; entry.IsNull() && last == r.max && last != MaxIndex {
		p.right = up.t.path(c, last+1, -1) // a leaf must not end in a gap
	}
	old := l.read(c)
	if r := p.right[d]; r.n.A != l.n.A {
		p.replaceLevel(c, d, overwrite(old, r.read(c), l.first, first, last, entry))
		return
	}
	items := overwrite(old, old, l.first, first, last, entry)
	if up.inPlace = fit(l, old, items); up.inPlace == nil {
		p.replaceLevel(c, d, items)
	}
}

// fit recognises the stores that readers can watch happen: an entry over the
// range of one slot (mas_wr_store_entry's exact fit), or over one slot and part
// of the next one (mas_wr_slot_store). nil means that the leaf must be replaced.
func fit(l frame, old, items []item) *inPlace {
	if len(old) != len(items) {
		return nil
	}
	f := &inPlace{leaf: l.n, slot: -1, pivot: -1, gap: leafGap(l.first, items)}
	for i := range old {
		if old[i].last != items[i].last {
			if f.pivot >= 0 {
				return nil
			}
			f.pivot, f.pivotTo = i, items[i].last
		}
		if old[i].ptr.A != items[i].ptr.A {
			if f.slot >= 0 {
				return nil
			}
			f.slot, f.entry = i, items[i].ptr
		}
	}
	switch {
	case f.pivot < 0:
		return f
	case f.slot < 0:
		// A range grew over its neighbour: store its entry again.
		f.slot = f.pivot
		if items[f.pivot].last < old[f.pivot].last {
			f.slot++
		}
		f.entry = items[f.slot].ptr
		return f
	case f.slot == f.pivot && items[f.pivot].last > old[f.pivot].last,
		f.slot == f.pivot+1 && items[f.pivot].last < old[f.pivot].last:
		return f
	}
	return nil
}

// setRoot makes parts the new root, under a new inner node if they are several.
// An inner root with one child gives way to the child.
func (up *Update) setRoot(parts []*draft) {
	up.toRoot = true
	if len(parts) > 1 {
		up.add(parts)
		root := &draft{last: MaxIndex}
		for _, d := range parts {
			root.items = append(root.items, item{last: d.last, sub: d, gap: d.largestGap()})
		}
		parts = []*draft{root}
	}
	top := parts[0]
	for !top.leaf && len(top.items) == 1 {
		top = top.items[0].sub
		up.drafts = up.drafts[:len(up.drafts)-1]
	}
	if top.leaf && len(top.items) == 1 && top.items[0].ptr.IsNull() {
		up.drafts = nil
		return
	}
	up.add([]*draft{top})
	up.top = top
}

func (up *Update) add(parts []*draft) { up.drafts = append(up.drafts, parts...) }

// Commit carries the store out: new nodes are written, linked by one release
// store, then the old ones are marked dead and freed after a grace period.
func (up *Update) Commit(c *sim.CPU) {
	if up.inPlace != nil {
		up.inPlace.store(c)
		return
	}
	for _, d := range up.drafts {
		d.write(c)
	}
	switch {
	case up.toRoot && up.top != nil:
		c.Store(up.top.parent(), uint64(up.t.at.A)|parentIsRoot)
		linkRelease(c, up.t.root, up.top.encode()|rootMark)
	case up.toRoot:
		linkRelease(c, up.t.root, 0)
	case up.top != nil:
		up.top.setParent(c, up.parent, up.slot)
		linkRelease(c, up.parent.slot(up.slot), up.top.encode())
	}
	for _, d := range up.drafts {
		d.adopt(c)
	}
	for _, n := range up.dead {
		n.markDead(c)
	}
	for _, n := range up.dead {
		up.t.nodes.FreeRCU(c, n.Ptr)
	}
	for _, n := range up.dropped {
		up.t.destroy(c, n)
	}
	if up.top != nil {
		up.top.updateGap(c, up.top.largestGap())
	}
}

// linkRelease publishes a node: rcu_assign_pointer into its parent's slot.
func linkRelease(c *sim.CPU, slot sim.Ref, v uint64) { c.StoreRelease(slot, v) }

func (f *inPlace) store(c *sim.CPU) {
	if f.slot < 0 {
		return // nothing changes
	}
	linkRelease(c, f.leaf.slot(f.slot), uint64(f.entry.A))
	if f.pivot >= 0 {
		c.Store(f.leaf.pivot(f.pivot), f.pivotTo)
	}
	f.leaf.updateGap(c, f.gap)
}

// write fills the node that was allocated for d; nobody can see it yet.
func (d *draft) write(c *sim.CPU) {
	c.Clear(d.Ptr, NodeBytes)
	largest := 0
	for i := range d.items {
		it := &d.items[i]
		if it.sub != nil {
			it.ptr = sim.At(sim.Addr(it.sub.encode()))
			it.sub.setParent(c, d.node, i)
		}
		if i < d.pivots() {
			c.Store(d.pivot(i), it.last)
		}
		c.Store(d.slot(i), uint64(it.ptr.A))
		if !d.leaf {
			c.Store(d.gap(i), it.gap)
			if it.gap > d.items[largest].gap {
				largest = i
			}
		}
	}
	if len(d.items) < d.slots() || !d.leaf {
		c.Store(d.metaEnd(), uint64(len(d.items)-1))
	}
	if !d.leaf {
		c.Store(d.metaGap(), uint64(largest))
	}
}

// adopt points the children that d took over at their new parent
// (mas_adopt_children).
func (d *draft) adopt(c *sim.CPU) {
	if d.leaf {
		return
	}
	for i := range d.items {
		if it := &d.items[i]; it.sub == nil {
			decode(it.ptr).setParent(c, d.node, i)
		}
	}
}

// destroy retires a whole subtree. (The kernel marks its top dead and frees
// the rest in the RCU callback; here each node is marked and queued.)
func (t Tree) destroy(c *sim.CPU, n node) {
	if !n.leaf {
		for i := int(c.Load(n.metaEnd())); i >= 0; i-- {
			t.destroy(c, decode(c.LoadPtr(n.slot(i))))
		}
	}
	n.markDead(c)
	t.nodes.FreeRCU(c, n.Ptr)
}
