package mm

import "mmsim/sim"

var stepMerge = sim.NewStep("vma-merge")

// span is an area, or a part of one, as merging looks at it.
type span struct {
	vma               sim.Ptr
	start, end, pgoff uint64
}

func (m *MM) spanOf(c *sim.CPU, vma sim.Ptr) span {
	v := m.s.VMA(vma)
	return span{vma, v.Start(c), v.End(c), v.Pgoff(c)}
}

// mergeable is is_mergeable_vma without policies, names and anon_vma. A
// neighbour that is no area is not.
func (m *MM) mergeable(c *sim.CPU, vma sim.Ptr, flags VMFlags, file sim.Addr) bool {
	if vma.IsNull() {
		return false
	}
	v := m.s.VMA(vma)
	return v.Flags(c) == flags && v.File(c).A == file
}

// before is the area that ends at part.start and that part can be added to
// (can_vma_merge_after); behind is the one that begins at part.end
// (can_vma_merge_before).
func (m *MM) before(c *sim.CPU, part span, flags VMFlags, file sim.Addr) (span, bool) {
	vma := m.tree.Walk(c, part.start-1).Entry
	if !m.mergeable(c, vma, flags, file) {
		return span{}, false
	}
	s := m.spanOf(c, vma)
	return s, s.pgoff+(s.end-s.start)/sim.PageBytes == part.pgoff
}

func (m *MM) behind(c *sim.CPU, part span, flags VMFlags, file sim.Addr) (span, bool) {
	vma := m.tree.Walk(c, part.end).Entry
	if !m.mergeable(c, vma, flags, file) {
		return span{}, false
	}
	s := m.spanOf(c, vma)
	return s, part.pgoff+(part.end-part.start)/sim.PageBytes == s.pgoff
}

// mergeNew is vma_merge_new_range: a free range becomes part of the area before
// it, of the one behind it, or joins the two into one (vma_expand). It returns
// the area that has the range now.
func (m *MM) mergeNew(c *sim.CPU, addr uint64, req *Mapping) (into sim.Ptr, ok bool) {
	prevStep := c.Step(stepMerge)
	part := span{start: addr, end: addr + req.Bytes, pgoff: req.pgoffAt(addr)}
	prev, left := m.before(c, part, req.Flags, req.File.A)
	next, right := m.behind(c, part, req.Flags, req.File.A)
	switch {
	case left && right:
		m.commitMerge(c, span{prev.vma, prev.start, next.end, prev.pgoff}, span{}, next.vma)
	case left:
		m.commitMerge(c, span{prev.vma, prev.start, part.end, prev.pgoff}, span{})
	case right:
		m.commitMerge(c, span{next.vma, part.start, next.end, part.pgoff}, span{})
	}
	c.Step(prevStep)
	if left {
		return prev.vma, true
	}
	return next.vma, right
}

// mergeExisting is vma_merge_existing_range: [start, end) of vma, which is about
// to get flags that a neighbour has, goes over to that neighbour. It returns
// the area that has the range now.
func (m *MM) mergeExisting(c *sim.CPU, vma sim.Ptr, start, end uint64, flags VMFlags) (into sim.Ptr, ok bool) {
	prevStep := c.Step(stepMerge)
	into, ok = m.tryMergeExisting(c, vma, start, end, flags)
	c.Step(prevStep)
	return into, ok
}

func (m *MM) tryMergeExisting(c *sim.CPU, vma sim.Ptr, start, end uint64, flags VMFlags) (sim.Ptr, bool) {
	mid, file := m.spanOf(c, vma), m.s.VMA(vma).File(c).A
	part := span{vma, start, end, mid.pgoff + (start-mid.start)/sim.PageBytes}
	var prev, next span
	var left, right bool
	if start == mid.start {
		prev, left = m.before(c, part, flags, file)
	}
	if end == mid.end {
		next, right = m.behind(c, part, flags, file)
	}
	if !left && !right {
		return sim.Ptr{}, false
	}
	m.s.locking.startWrite(c, m, vma)
	switch {
	case left && right:
		m.commitMerge(c, span{prev.vma, prev.start, next.end, prev.pgoff}, span{}, vma, next.vma)
	case left && end == mid.end:
		m.commitMerge(c, span{prev.vma, prev.start, end, prev.pgoff}, span{}, vma)
	case left:
		rest := span{vma, end, mid.end, mid.pgoff + (end-mid.start)/sim.PageBytes}
		m.commitMerge(c, span{prev.vma, prev.start, end, prev.pgoff}, rest)
	case start == mid.start:
		m.commitMerge(c, span{next.vma, start, next.end, part.pgoff}, span{}, vma)
	default:
		m.commitMerge(c, span{next.vma, start, next.end, part.pgoff}, span{vma, mid.start, start, mid.pgoff})
	}
	if left {
		return prev.vma, true
	}
	return next.vma, true
}

// commitMerge is commit_merge and vma_complete: target gets its new range, rest
// (if any) keeps what is left of the area that gave it up, gone are the areas
// that target has swallowed.
func (m *MM) commitMerge(c *sim.CPU, target, rest span, gone ...sim.Ptr) {
	m.s.locking.startWrite(c, m, target.vma)
	for _, vma := range gone {
		m.s.locking.startWrite(c, m, vma)
	}
	update := m.tree.Prepare(c, target.start, target.end-1, target.vma)
	file := m.s.VMA(target.vma).File(c)
	m.unmappingAll(c, target.vma, file) // vma_prepare
	if !rest.vma.IsNull() {
		m.unmappingAll(c, rest.vma, file)
	}
	m.setRange(c, target.vma, target.start, target.end, target.pgoff)
	if !rest.vma.IsNull() {
		m.setRange(c, rest.vma, rest.start, rest.end, rest.pgoff)
	}
	update.Commit(c)
	m.mapped(c, target.vma, file) // vma_complete
	if !rest.vma.IsNull() {
		m.mapped(c, rest.vma, file)
	}
	for _, vma := range gone {
		m.s.locking.detach(c, m, vma)
		if f := m.s.VMA(vma).File(c); !f.IsNull() {
			m.unmappingAll(c, vma, f)
			m.s.PutFile(c, f)
		}
		m.account(c, -1, 0)
		m.s.locking.free(c, m.s, vma)
	}
}
