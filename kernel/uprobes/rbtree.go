package uprobes

import "mmsim/sim"

// rbFields are the members of rb_node inside the struct that embeds it.
type rbFields struct {
	parentColor, left, right sim.Field
}

// Colours in bit 0 of __rb_parent_color.
const (
	rbRed   = 0
	rbBlack = 1
)

// rbTree is a red-black tree in simulated memory after lib/rbtree.c. Links are
// changed in the kernel's order, so a lockless walk never goes in circles and
// can only miss a node.
type rbTree struct {
	f    rbFields
	root sim.Ref
}

func (t rbTree) parent(c *sim.CPU, n sim.Ptr) (p sim.Ptr, black bool) {
	w := c.LoadPtr(n.F(t.f.parentColor))
	return sim.Ptr{A: w.A &^ 3, D: w.D}, w.A&1 == rbBlack
}

func (t rbTree) setParentColor(c *sim.CPU, n, p sim.Ptr, color uint64) {
	c.Store(n.F(t.f.parentColor), uint64(p.A)|color)
}

// insert is rb_find_add_rcu for a key that is not in the tree: less compares
// the new node's key with that of a node. The link is published with release.
func (t rbTree) insert(c *sim.CPU, n sim.Ptr, less func(at sim.Ptr) bool) {
	link, parent := t.root, sim.Ptr{}
	for {
		at := c.LoadPtr(link)
		if at.IsNull() {
			break
		}
		parent = at
		if less(at) {
			link = at.F(t.f.left)
		} else {
			link = at.F(t.f.right)
		}
	}
	t.setParentColor(c, n, parent, rbRed)
	c.Store(n.F(t.f.left), 0)
	c.Store(n.F(t.f.right), 0)
	c.StoreRelease(link, uint64(n.A))
	t.insertColor(c, n)
}

// insertColor is rb_insert_color: restore the colour rules above n.
func (t rbTree) insertColor(c *sim.CPU, n sim.Ptr) {
	for {
		parent, _ := t.parent(c, n)
		if parent.IsNull() {
			t.setParentColor(c, n, parent, rbBlack)
			return
		}
		gparent, black := t.parent(c, parent)
		if black {
			return
		}
		near, far := t.f.left, t.f.right // sides of parent and uncle under gparent
		if c.Load(gparent.F(t.f.right)) == uint64(parent.A) {
			near, far = far, near
		}
		uncle := c.LoadPtr(gparent.F(far))
		if uncle.IsNull() || t.isBlack(c, uncle) {
			t.rotateUp(c, n, parent, gparent, near, far)
			return
		}
		t.setParentColor(c, uncle, gparent, rbBlack)
		t.setParentColor(c, parent, gparent, rbBlack)
		above, _ := t.parent(c, gparent)
		t.setParentColor(c, gparent, above, rbRed)
		n = gparent
	}
}

func (t rbTree) isBlack(c *sim.CPU, n sim.Ptr) bool {
	_, black := t.parent(c, n)
	return black
}

// rotateUp brings the red parent (or n, if it hangs on the inner side) into
// the place of gparent.
func (t rbTree) rotateUp(c *sim.CPU, n, parent, gparent sim.Ptr, near, far sim.Field) {
	if c.Load(parent.F(far)) == uint64(n.A) {
		inner := c.LoadPtr(n.F(near))
		c.Store(parent.F(far), uint64(inner.A))
		c.Store(n.F(near), uint64(parent.A))
		if !inner.IsNull() {
			t.setParentColor(c, inner, parent, rbBlack)
		}
		t.setParentColor(c, parent, n, rbRed)
		parent = n
	}
	inner := c.LoadPtr(parent.F(far))
	c.Store(gparent.F(near), uint64(inner.A))
	c.Store(parent.F(far), uint64(gparent.A))
	if !inner.IsNull() {
		t.setParentColor(c, inner, gparent, rbBlack)
	}
	above, _ := t.parent(c, gparent)
	t.setParentColor(c, parent, above, rbBlack)
	t.setParentColor(c, gparent, parent, rbRed)
	t.changeChild(c, gparent, parent, above)
}

// changeChild is __rb_change_child: parent takes old's place under above.
func (t rbTree) changeChild(c *sim.CPU, old, parent, above sim.Ptr) {
	link := t.root
	if !above.IsNull() {
		link = above.F(t.f.right)
		if c.Load(above.F(t.f.left)) == uint64(old.A) {
			link = above.F(t.f.left)
		}
	}
	c.Store(link, uint64(parent.A))
}

// next is rb_next, the node behind n, and prev is rb_prev, the one before it.
// Under the tree's lock.
func (t rbTree) next(c *sim.CPU, n sim.Ptr) sim.Ptr { return t.step(c, n, t.f.right, t.f.left) }
func (t rbTree) prev(c *sim.CPU, n sim.Ptr) sim.Ptr { return t.step(c, n, t.f.left, t.f.right) }

// step goes one node on towards a side: down into that side as far back as
// possible, or up past all parents whose child n is on that side.
func (t rbTree) step(c *sim.CPU, n sim.Ptr, side, back sim.Field) sim.Ptr {
	if at := c.LoadPtr(n.F(side)); !at.IsNull() {
		for {
			further := c.LoadPtr(at.F(back))
			if further.IsNull() {
				return at
			}
			at = further
		}
	}
	for {
		parent, _ := t.parent(c, n)
		if parent.IsNull() || c.Load(parent.F(side)) != uint64(n.A) {
			return parent
		}
		n = parent
	}
}
