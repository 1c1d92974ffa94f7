package maple

import "mmsim/sim"

// EmptyAreaRev is mas_empty_area_rev: the highest gap of at least size indices
// within [lo, hi], found through the gap[] words of the inner nodes. The
// caller keeps writers out.
func (t Tree) EmptyAreaRev(c *sim.CPU, lo, hi, size uint64) (first uint64, ok bool) {
	if size == 0 || hi < lo || hi-lo < size-1 {
		return 0, false
	}
	root := c.LoadPtr(t.root)
	if root.IsNull() {
		return hi - size + 1, true
	}
	return gapBelow(c, decode(root), Range{First: 0, Last: MaxIndex}, lo, hi, size)
}

// gapBelow searches one subtree from its right end, entering only children
// whose gap word promises enough room.
func gapBelow(c *sim.CPU, n node, r Range, lo, hi, size uint64) (uint64, bool) {
	last := r.Last
	for i := n.dataEnd(c, r.Last); i >= 0; i-- {
		first := r.First
		if i > 0 {
			first = c.Load(n.pivot(i-1)) + 1
		}
		if first <= hi && last >= lo {
			if at, ok := gapIn(c, n, i, Range{First: first, Last: last}, lo, hi, size); ok {
				return at, true
			}
		}
		if first <= lo {
			return 0, false
		}
		last = first - 1
	}
	return 0, false
}

// gapIn looks at slot i of n, which covers r.
func gapIn(c *sim.CPU, n node, i int, r Range, lo, hi, size uint64) (uint64, bool) {
	if !n.leaf {
		if c.Load(n.gap(i)) < size {
			return 0, false
		}
		return gapBelow(c, decode(c.LoadPtr(n.slot(i))), r, lo, hi, size)
	}
	if c.Load(n.slot(i)) != 0 {
		return 0, false
	}
	first, last := max(r.First, lo), min(r.Last, hi)
	if last-first < size-1 {
		return 0, false
	}
	return last - size + 1, true
}

// updateGap is mas_update_gap: n has got the largest gap want; bring the gap[]
// words above it up to date, in place, as far up as the largest gap of a node
// changes (mas_parent_gap).
func (n node) updateGap(c *sim.CPU, want uint64) {
	if n.isRoot(c) {
		return
	}
	p, slot := n.parentOf(c)
	if c.Load(p.gap(slot)) == want {
		return
	}
	for {
		metaSlot := int(c.Load(p.metaGap()))
		largest := c.Load(p.gap(metaSlot))
		c.Store(p.gap(slot), want)
		switch {
		case largest == want:
			return
		case slot != metaSlot && largest > want:
			return
		case slot != metaSlot:
			c.Store(p.metaGap(), uint64(slot))
		case want < largest:
			want, metaSlot = p.maxGap(c)
			c.Store(p.metaGap(), uint64(metaSlot))
		}
		if p.isRoot(c) {
			return
		}
		p, slot = p.parentOf(c)
	}
}

// maxGap is ma_max_gap: the largest gap word of an inner node and its slot.
func (n node) maxGap(c *sim.CPU) (gap uint64, slot int) {
	for i := int(c.Load(n.metaEnd())); i >= 0; i-- {
		if g := c.Load(n.gap(i)); g > gap || i == 0 && gap == 0 {
			gap, slot = g, i
		}
	}
	return gap, slot
}
