package uprobes

import "mmsim/sim"

func (t rbTree) setParent(c *sim.CPU, n, p sim.Ptr) {
	c.Store(n.F(t.f.parentColor), uint64(p.A)|c.Load(n.F(t.f.parentColor))&1)
}

func (t rbTree) isRed(c *sim.CPU, n sim.Ptr) bool { return !n.IsNull() && !t.isBlack(c, n) }

// clear is RB_CLEAR_NODE, which marks a node that is in no tree; empty tests
// for that. Its links stay, for walks that have come to it.
func (t rbTree) clear(c *sim.CPU, n sim.Ptr) { c.Store(n.F(t.f.parentColor), uint64(n.A)) }

func (t rbTree) empty(c *sim.CPU, n sim.Ptr) bool {
	return c.Load(n.F(t.f.parentColor)) == uint64(n.A)
}

// erase is rb_erase.
func (t rbTree) erase(c *sim.CPU, n sim.Ptr) {
	var rebalance sim.Ptr
	left, right := c.LoadPtr(n.F(t.f.left)), c.LoadPtr(n.F(t.f.right))
	if left.IsNull() || right.IsNull() {
		rebalance = t.eraseLeaf(c, n, left, right)
	} else {
		rebalance = t.eraseInner(c, n, left, right)
	}
	if !rebalance.IsNull() {
		t.eraseColor(c, rebalance)
	}
}

// eraseLeaf takes out a node with one child at most, which takes its place. It
// returns where the tree has to be balanced again.
func (t rbTree) eraseLeaf(c *sim.CPU, n, left, right sim.Ptr) sim.Ptr {
	pc := c.Load(n.F(t.f.parentColor))
	parent := sim.At(sim.Addr(pc) &^ 3)
	child := left
	if left.IsNull() {
		child = right
	}
	t.changeChild(c, n, child, parent)
	switch {
	case !child.IsNull():
		c.Store(child.F(t.f.parentColor), pc)
	case pc&1 == rbBlack:
		return parent
	}
	return sim.Ptr{}
}

// eraseInner puts the successor into the place of a node with two children.
func (t rbTree) eraseInner(c *sim.CPU, n, left, right sim.Ptr) (rebalance sim.Ptr) {
	successor, parent := right, right
	next := c.LoadPtr(right.F(t.f.left))
	child := c.LoadPtr(right.F(t.f.right))
	if !next.IsNull() {
		for !next.IsNull() {
			parent, successor = successor, next
			next = c.LoadPtr(next.F(t.f.left))
		}
		child = c.LoadPtr(successor.F(t.f.right))
		c.Store(parent.F(t.f.left), uint64(child.A))
		c.Store(successor.F(t.f.right), uint64(right.A))
		t.setParent(c, right, successor)
	}
	c.Store(successor.F(t.f.left), uint64(left.A))
	t.setParent(c, left, successor)
	pc := c.Load(n.F(t.f.parentColor))
	t.changeChild(c, n, successor, sim.At(sim.Addr(pc)&^3))
	if !child.IsNull() {
		t.setParentColor(c, child, parent, rbBlack)
	} else if t.isBlack(c, successor) {
		rebalance = parent
	}
	c.Store(successor.F(t.f.parentColor), pc)
	return rebalance
}

// eraseColor is ____rb_erase_color: paths through one child of parent, the node,
// have a black node less than the others.
func (t rbTree) eraseColor(c *sim.CPU, parent sim.Ptr) {
	var node sim.Ptr
	for {
		near, far := t.f.left, t.f.right // sides of node and sibling
		sibling := c.LoadPtr(parent.F(far))
		if sibling.A == node.A {
			near, far = far, near
			sibling = c.LoadPtr(parent.F(far))
		}
		if t.isRed(c, sibling) {
			sibling = t.rotateRedSibling(c, parent, sibling, near, far)
		}
		outer := c.LoadPtr(sibling.F(far))
		if !t.isRed(c, outer) {
			inner := c.LoadPtr(sibling.F(near))
			if !t.isRed(c, inner) {
				t.setParentColor(c, sibling, parent, rbRed)
				above, black := t.parent(c, parent)
				if !black {
					t.setParentColor(c, parent, above, rbBlack)
					return
				}
				if node, parent = parent, above; parent.IsNull() {
					return
				}
				continue
			}
			t.rotateSibling(c, parent, sibling, inner, near, far)
			outer, sibling = sibling, inner
		}
		t.rotateParent(c, parent, sibling, outer, near, far)
		return
	}
}

// rotateRedSibling is case 1: the red sibling comes up, and its inner child is
// the sibling then.
func (t rbTree) rotateRedSibling(c *sim.CPU, parent, sibling sim.Ptr, near, far sim.Field) sim.Ptr {
	inner := c.LoadPtr(sibling.F(near))
	c.Store(parent.F(far), uint64(inner.A))
	c.Store(sibling.F(near), uint64(parent.A))
	t.setParentColor(c, inner, parent, rbBlack)
	t.rotateSetParents(c, parent, sibling, rbRed)
	return inner
}

// rotateSibling is case 3: the sibling's red inner child takes its place.
func (t rbTree) rotateSibling(c *sim.CPU, parent, sibling, inner sim.Ptr, near, far sim.Field) {
	moved := c.LoadPtr(inner.F(far))
	c.Store(sibling.F(near), uint64(moved.A))
	c.Store(inner.F(far), uint64(sibling.A))
	c.Store(parent.F(far), uint64(inner.A))
	if !moved.IsNull() {
		t.setParentColor(c, moved, sibling, rbBlack)
	}
}

// rotateParent is case 4: the sibling comes up, its outer child turns black.
func (t rbTree) rotateParent(c *sim.CPU, parent, sibling, outer sim.Ptr, near, far sim.Field) {
	inner := c.LoadPtr(sibling.F(near))
	c.Store(parent.F(far), uint64(inner.A))
	c.Store(sibling.F(near), uint64(parent.A))
	t.setParentColor(c, outer, sibling, rbBlack)
	if !inner.IsNull() {
		t.setParent(c, inner, parent)
	}
	t.rotateSetParents(c, parent, sibling, rbBlack)
}

// rotateSetParents is __rb_rotate_set_parents.
func (t rbTree) rotateSetParents(c *sim.CPU, old, n sim.Ptr, color uint64) {
	pc := c.Load(old.F(t.f.parentColor))
	c.Store(n.F(t.f.parentColor), pc)
	t.setParentColor(c, old, n, color)
	t.changeChild(c, old, n, sim.At(sim.Addr(pc)&^3))
}
