package maple

import (
	"slices"

	"mmsim/sim"
)

// item is one slot of a node being planned: what it holds and its last index.
type item struct {
	last uint64
	ptr  sim.Ptr // entry, or encoded child; null is a gap
	sub  *draft  // the child, when it is planned as well
	gap  uint64  // largest gap below (inner nodes)
}

// draft is a node that a store will create (the kernel's maple_big_node).
type draft struct {
	node
	first, last uint64
	items       []item
}

// largestGap is the value of the parent's gap word for d (mas_leaf_max_gap,
// ma_max_gap).
func (d *draft) largestGap() uint64 {
	if d.leaf {
		return leafGap(d.first, d.items)
	}
	var gap uint64
	for i := range d.items {
		gap = max(gap, d.items[i].gap)
	}
	return gap
}

func leafGap(first uint64, items []item) uint64 {
	var gap uint64
	for i := range items {
		if items[i].ptr.IsNull() {
			gap = max(gap, items[i].last-first+1)
		}
		first = items[i].last + 1
	}
	return gap
}

// frame is one node on the way down and the slot taken there.
type frame struct {
	n          node
	first, max uint64
	slot       int
}

// path walks down to the node at the given depth that covers index; depth -1
// is the leaf. Only the writer uses it, so nodes cannot die on the way.
func (t Tree) path(c *sim.CPU, index uint64, depth int) []frame {
	var fs []frame
	r := Range{First: 0, Last: MaxIndex}
	next := c.LoadPtr(t.root)
	for {
		f := frame{n: decode(next), first: r.First, max: r.Last}
		f.slot = f.n.find(c, index, f.n.dataEnd(c, f.max), &r)
		fs = append(fs, f)
		if f.n.leaf || len(fs)-1 == depth {
			return fs
		}
		next = c.LoadPtr(f.n.slot(f.slot))
	}
}

// read loads the slots of a node.
func (f frame) read(c *sim.CPU) []item {
	end := f.n.dataEnd(c, f.max)
	items := make([]item, end+1)
	for i := range items {
		it := &items[i]
		it.last = f.max
		if i < end {
			it.last = c.Load(f.n.pivot(i))
		}
		it.ptr = c.LoadPtr(f.n.slot(i))
		if !f.n.leaf {
			it.gap = c.Load(f.n.gap(i))
		}
	}
	return items
}

// planner works out a store level by level, from the leaves up.
type planner struct {
	t           Tree
	left, right []frame // ways to the first and to the last node replaced
	up          *Update
}

// replaceLevel plans the nodes at depth d from left[d] to right[d] anew, with
// the given content, and the levels above as far as they change.
func (p *planner) replaceLevel(c *sim.CPU, d int, items []item) {
	p.retire(p.left[d].n)
	p.retire(p.right[d].n)
	items = p.fill(c, d, items)
	l, r := p.left[d], p.right[d]
	parts := split(items, l.n.leaf, l.first, r.max)
	if d == 0 {
		p.up.setRoot(parts)
		return
	}
	lp, rp := p.left[d-1], p.right[d-1]
	p.up.add(parts)
	if len(parts) == 1 && lp.n.A == rp.n.A && lp.slot == rp.slot {
		p.up.top, p.up.parent, p.up.slot = parts[0], lp.n, lp.slot
		return
	}
	p.replaceLevel(c, d-1, p.parentItems(c, lp, rp, parts))
}

// parentItems is the content of the parents with parts in place of the slots
// from lp.slot to rp.slot. Subtrees that drop out are to be destroyed.
func (p *planner) parentItems(c *sim.CPU, lp, rp frame, parts []*draft) []item {
	li := lp.read(c)
	ri := li
	if lp.n.A != rp.n.A {
		ri = rp.read(c)
		p.drop(li[lp.slot+1:])
		p.drop(ri[:rp.slot])
	} else {
		p.drop(li[lp.slot+1 : max(rp.slot, lp.slot+1)])
	}
	items := slices.Clone(li[:lp.slot])
	for _, d := range parts {
		items = append(items, item{last: d.last, sub: d, gap: d.largestGap()})
	}
	return append(items, ri[rp.slot+1:]...)
}

// fill draws in the next node of the level (rebalance) while the content is
// below the minimum of a node; the root has none.
func (p *planner) fill(c *sim.CPU, d int, items []item) []item {
	least := innerMin
	if p.left[d].n.leaf {
		least = leafMin
	}
	for d > 0 && len(items) < least {
		switch l, r := p.left[d], p.right[d]; {
		case r.max != MaxIndex:
			p.right = p.t.path(c, r.max+1, d)
			p.retire(p.right[d].n)
			items = append(items, p.right[d].read(c)...)
		case l.first != 0:
			p.left = p.t.path(c, l.first-1, d)
			p.retire(p.left[d].n)
			items = append(p.left[d].read(c), items...)
		default:
			return items
		}
	}
	return items
}

// split cuts content into as few nodes as hold it, of about equal size. A leaf
// that is not the last one never ends in a gap, so no gap spans two leaves.
func split(items []item, leaf bool, first, last uint64) []*draft {
	size := innerSlots
	if leaf {
		size = leafSlots
	}
	n := 1
	if len(items) > size {
		if leaf {
			size-- // room to shift a boundary that would follow a gap
		}
		n = (len(items) + size - 1) / size
	}
	var parts []*draft
	for ; n > 0; n-- {
		k := (len(items) + n - 1) / n
		if leaf && n > 1 && items[k-1].ptr.IsNull() {
			k++
		}
		d := &draft{node: node{leaf: leaf}, first: first, last: last, items: items[:k]}
		if n > 1 {
			d.last = items[k-1].last
		}
		parts = append(parts, d)
		first, items = d.last+1, items[k:]
	}
	return parts
}

// retire marks a node for death once.
func (p *planner) retire(n node) {
	if !p.retired(n.A) {
		p.up.dead = append(p.up.dead, n)
	}
}

func (p *planner) retired(a sim.Addr) bool {
	return slices.ContainsFunc(p.up.dead, func(n node) bool { return n.A == a })
}

// drop destroys the subtrees of items, except what is retired already.
func (p *planner) drop(items []item) {
	for i := range items {
		if n := decode(items[i].ptr); !p.retired(n.A) {
			p.up.dropped = append(p.up.dropped, n)
		}
	}
}

// overwrite puts entry over [first, last] in the content from the left leaf to
// the right leaf, and joins gaps that meet.
func overwrite(left, right []item, leftFirst, first, last uint64, entry sim.Ptr) []item {
	var items []item
	at := leftFirst
	for _, it := range left {
		if at >= first {
			break
		}
		at = it.last + 1
		it.last = min(it.last, first-1)
		items = append(items, it)
	}
	items = append(items, item{last: last, ptr: entry})
	for _, it := range right {
		if it.last > last {
			items = append(items, it)
		}
	}
	return joinGaps(items)
}

func joinGaps(items []item) []item {
	out := items[:0]
	for _, it := range items {
		if n := len(out); n > 0 && it.ptr.IsNull() && out[n-1].ptr.IsNull() {
			out[n-1].last = it.last
			continue
		}
		out = append(out, it)
	}
	return out
}
