// Package maple is a range tree in simulated memory after lib/maple_tree.c:
// 256-byte nodes, leaves of 16 slots and gap-tracking inner nodes of 10
// (vma-locking-and-fork.md section 1.5). It always runs in RCU mode, as the
// tree of an mm does since 6.4: a node that readers can reach is never
// rearranged, it is replaced by a new one, marked dead and freed after a grace
// period. The caller serialises writers; readers need an RCU read section.
//
// Against the kernel it leaves out node reuse within one operation and the
// pushing of entries to siblings before a split, so nodes are a little emptier
// under ascending insertion; the lines that a lookup touches are the same.
package maple

import "mmsim/sim"

// NodeBytes is the size and alignment of a node: four 64-byte lines.
const NodeBytes = 256

// MaxIndex is the last index of a tree (ULONG_MAX).
const MaxIndex = ^uint64(0)

// Slots and minimum fill of the two node types (mt_slots, mt_min_slots).
const (
	leafSlots  = 16
	innerSlots = 10
	leafMin    = 6
	innerMin   = 4
)

// Offsets inside a node: struct maple_range_64 for leaves, maple_arange_64 for
// inner nodes. Metadata of a leaf lies over its last slot.
const (
	parentOff     = 0
	pivotOff      = 8
	leafSlotOff   = 128
	leafMetaOff   = 248
	innerSlotOff  = 80
	innerGapOff   = 160
	innerMetaOff  = 240
	metaGapOffset = 1 // struct maple_metadata {u8 end, u8 gap}
)

// NodeLayout names the words of a node in reports. Leaf (maple_range_64) and
// inner node (maple_arange_64) are a union, so words that mean different
// things in the two carry both names.
var NodeLayout = sim.NewLayout("maple_node", NodeBytes, NodeBytes,
	sim.F("parent", 0, 8),
	sim.Arr("pivot", 8, 8, 9),
	sim.Arr("mr64.pivot|ma64.slot", 80, 8, 6),
	sim.Arr("slot", 128, 8, 4),
	sim.Arr("mr64.slot|ma64.gap", 160, 8, 10),
	sim.F("mr64.slot|ma64.meta", 240, 8),
	sim.F("mr64.slot15|meta", 248, 8),
)

// RootLayout is struct maple_tree less its lock (mm_mt uses mmap_lock).
var RootLayout = sim.NewLayout("maple_tree", 16, 8,
	sim.F("ma_flags", 0, 4),
	sim.F("ma_root", 8, 8),
)

// enode is an encoded node pointer: address | type<<3 | 4, as a slot or ma_root
// holds it (mt_mk_node).
const (
	enodeMask     = NodeBytes - 1
	enodeNull     = 4
	typeShift     = 3
	typeMask      = 0xf
	typeLeaf      = 1 // maple_leaf_64
	typeInner     = 3 // maple_arange_64
	rootMark      = 2 // mte_mk_root: only in ma_root
	parentIsRoot  = 1 // MA_ROOT_PARENT: the parent word points to the tree
	parentRange64 = 6 // MAPLE_PARENT_RANGE64, slot number in the bits above
	parentShift   = 3
)

// node is a decoded node pointer with the dependency of the load it came from.
type node struct {
	sim.Ptr
	leaf bool
}

func decode(p sim.Ptr) node {
	return node{sim.Ptr{A: p.A &^ enodeMask, D: p.D}, p.A>>typeShift&typeMask == typeLeaf}
}

func (n node) encode() uint64 {
	t := uint64(typeInner)
	if n.leaf {
		t = typeLeaf
	}
	return uint64(n.A) | t<<typeShift | enodeNull
}

func (n node) slots() int {
	if n.leaf {
		return leafSlots
	}
	return innerSlots
}

func (n node) pivots() int { return n.slots() - 1 }

func (n node) parent() sim.Ref     { return n.Ref(parentOff, 8) }
func (n node) pivot(i int) sim.Ref { return n.Ref(pivotOff+8*uint64(i), 8) }
func (n node) gap(i int) sim.Ref   { return n.Ref(innerGapOff+8*uint64(i), 8) }

func (n node) slot(i int) sim.Ref {
	if n.leaf {
		return n.Ref(leafSlotOff+8*uint64(i), 8)
	}
	return n.Ref(innerSlotOff+8*uint64(i), 8)
}

func (n node) metaEnd() sim.Ref {
	if n.leaf {
		return n.Ref(leafMetaOff, 1)
	}
	return n.Ref(innerMetaOff, 1)
}

func (n node) metaGap() sim.Ref { return n.Ref(innerMetaOff+metaGapOffset, 1) }

// dataEnd is ma_data_end: the offset of the last slot in use. max is the last
// index of the node.
func (n node) dataEnd(c *sim.CPU, max uint64) int {
	if !n.leaf {
		return int(c.Load(n.metaEnd()))
	}
	switch last := n.pivots() - 1; c.Load(n.pivot(last)) {
	case 0:
		return int(c.Load(n.metaEnd()))
	case max:
		return last
	default:
		return last + 1
	}
}

// dead is ma_dead_node: a replaced node is its own parent. The read barrier
// orders the loads from the node before this check; it pairs with the write
// barrier of markDead.
func (n node) dead(c *sim.CPU) bool {
	deadCheckBarrier(c)
	return sim.Addr(c.Load(n.parent()))&^enodeMask == n.A
}

// markDead is mte_set_node_dead. The barrier keeps what the free path writes
// over the node (the rcu_head lies over the pivots) behind the mark.
func (n node) markDead(c *sim.CPU) {
	c.Store(n.parent(), uint64(n.A))
	deadMarkBarrier(c)
}

func deadCheckBarrier(c *sim.CPU) { c.SmpRMB() }
func deadMarkBarrier(c *sim.CPU)  { c.SmpWMB() }

// parentOf decodes the parent word of a node that is not the root.
func (n node) parentOf(c *sim.CPU) (p node, slot int) {
	w := c.LoadPtr(n.parent())
	return node{Ptr: sim.Ptr{A: w.A &^ enodeMask, D: w.D}}, int(w.A & enodeMask >> parentShift)
}

// setParent is mte_set_parent.
func (n node) setParent(c *sim.CPU, p node, slot int) {
	c.Store(n.parent(), uint64(p.A)|uint64(slot)<<parentShift|parentRange64)
}

// isRoot is ma_is_root.
func (n node) isRoot(c *sim.CPU) bool { return c.Load(n.parent())&parentIsRoot != 0 }
