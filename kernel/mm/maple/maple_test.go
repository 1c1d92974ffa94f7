package maple

import (
	"fmt"
	"testing"

	"mmsim/sim"
)

// arena hands out nodes without ever reusing one, and remembers what was freed.
type arena struct {
	next  sim.Addr
	live  map[sim.Addr]bool
	freed map[sim.Addr]bool
}

func newArena() *arena {
	return &arena{next: 1 << 20, live: map[sim.Addr]bool{}, freed: map[sim.Addr]bool{}}
}

func (a *arena) Alloc(*sim.CPU) sim.Ptr {
	p := sim.At(a.next)
	a.next += NodeBytes
	a.live[p.A] = true
	return p
}

func (a *arena) FreeRCU(_ *sim.CPU, n sim.Ptr) {
	if !a.live[n.A] {
		panic(fmt.Sprintf("node %#x freed twice or never allocated", uint64(n.A)))
	}
	delete(a.live, n.A)
	a.freed[n.A] = true
}

func newTree() (Tree, *arena, *sim.CPU) {
	a := newArena()
	at := sim.At(4096)
	return New(at, at.F(RootLayout.Field("ma_root")), a), a, sim.NewDirect(sim.NewMemory())
}

// checkTree walks the whole tree and fails on the first broken rule. It
// returns the height.
func checkTree(t *testing.T, tr Tree, a *arena, c *sim.CPU) int {
	t.Helper()
	root := c.LoadPtr(tr.root)
	if root.IsNull() {
		if len(a.live) != 0 {
			t.Fatalf("empty tree with %d live nodes", len(a.live))
		}
		return 0
	}
	k := checker{t: t, c: c, a: a, depth: -1}
	n := decode(root)
	if w := c.Load(n.parent()); w != uint64(tr.at.A)|parentIsRoot {
		t.Fatalf("root's parent word is %#x", w)
	}
	k.node(n, frame{n: n, max: MaxIndex}, 0)
	if k.seen != len(a.live) {
		t.Fatalf("tree of %d nodes, %d live ones: leak", k.seen, len(a.live))
	}
	return k.depth + 1
}

type checker struct {
	t     *testing.T
	c     *sim.CPU
	a     *arena
	depth int
	seen  int
}

// node checks one subtree and returns its largest gap.
func (k *checker) node(n node, f frame, depth int) uint64 {
	k.seen++
	if !k.a.live[n.A] {
		k.t.Fatalf("node %#x is in the tree but not live", uint64(n.A))
	}
	items := f.read(k.c)
	least := innerMin
	if n.leaf {
		least = leafMin
		if k.depth >= 0 && k.depth != depth {
			k.t.Fatalf("leaves at depths %d and %d", k.depth, depth)
		}
		k.depth = depth
	}
	if depth > 0 && len(items) < least {
		k.t.Fatalf("node at depth %d has %d slots, fewer than %d", depth, len(items), least)
	}
	if depth == 0 && !n.leaf && len(items) < 2 {
		k.t.Fatalf("inner root with %d children", len(items))
	}
	first, largest, atMeta := f.first, uint64(0), uint64(0)
	for i, it := range items {
		if it.last < first || it.last > f.max {
			k.t.Fatalf("slot %d ends at %#x, outside [%#x, %#x]", i, it.last, first, f.max)
		}
		if n.leaf {
			if it.ptr.IsNull() {
				largest = max(largest, it.last-first+1)
				if i > 0 && items[i-1].ptr.IsNull() {
					k.t.Fatalf("gaps in slots %d and %d are not joined", i-1, i)
				}
				if i == len(items)-1 && it.last != MaxIndex {
					k.t.Fatalf("leaf ends in a gap at %#x", it.last)
				}
			}
		} else {
			child := decode(it.ptr)
			if p, slot := child.parentOf(k.c); p.A != n.A || slot != i {
				k.t.Fatalf("child %d has parent %#x slot %d", i, uint64(p.A), slot)
			}
			g := k.node(child, frame{n: child, first: first, max: it.last}, depth+1)
			if g != it.gap {
				k.t.Fatalf("gap[%d] at depth %d is %#x, the child's largest gap %#x", i, depth, it.gap, g)
			}
			largest = max(largest, g)
			if i == int(k.c.Load(n.metaGap())) {
				atMeta = it.gap
			}
		}
		first = it.last + 1
	}
	if !n.leaf && atMeta != largest {
		k.t.Fatalf("metadata names a gap of %#x, the largest is %#x", atMeta, largest)
	}
	return largest
}

// model is the reference: one entry per index, the last one standing for all
// indices behind it.
type model []sim.Addr

func (m model) store(first, last uint64, e sim.Addr) {
	for i := first; i <= last; i++ {
		m[i] = e
	}
}

func (m model) at(i uint64) sim.Addr { return m[min(i, uint64(len(m)-1))] }

func (m model) gapRev(lo, hi, size uint64) (uint64, bool) {
	run := uint64(0)
	for i := hi; ; i-- {
		if m[i] == 0 {
			run++
		} else {
			run = 0
		}
		if run == size {
			return i, true
		}
		if i == lo {
			return 0, false
		}
	}
}

func TestStoreAgainstModel(t *testing.T) {
	tallest := 0
	for seed := range uint64(8) {
		span := []uint64{40, 300, 1500, 6000}[seed%4]
		tr, a, c := newTree()
		m := make(model, span+1)
		r := sim.NewRand(seed, 0, 0)
		for op := range 1500 {
			first := r.Below(span)
			length := 1 + r.Below([]uint64{2, 2, 3, 3, 3, 3, 10, min(span, 500)}[r.Below(8-seed/4*2)])
			last := min(first+length, span) - 1
			var e sim.Ptr
			if r.Below(3) > 0 && !(op > 1200 && seed < 4) {
				e = sim.At(sim.Addr(16 * (op + 1)))
			}
			first = min(first, last)
			tr.Store(c, first, last, e)
			m.store(first, last, e.A)
			tallest = max(tallest, checkTree(t, tr, a, c))
			compare(t, tr, c, m, &r)
			if t.Failed() {
				t.Fatalf("seed %d, operation %d: store %#x over [%d, %d]", seed, op, uint64(e.A), first, last)
			}
		}
	}
	if tallest < 4 {
		t.Errorf("the tallest tree had height %d, too low to test inner splits", tallest)
	}
}

// compare holds lookups, scans and gap searches against the model.
func compare(t *testing.T, tr Tree, c *sim.CPU, m model, r *sim.Rand) {
	t.Helper()
	span := uint64(len(m) - 1)
	for range 8 {
		i := r.Below(span)
		w := tr.Walk(c, i)
		if w.Entry.A != m.at(i) || w.First > i || w.Last < i {
			t.Errorf("walk(%d) = %#x over [%d, %d], want %#x", i, uint64(w.Entry.A), w.First, w.Last, uint64(m.at(i)))
		}
		found, ok := tr.Find(c, i, span-1)
		next := i
		for next < span && m[next] == 0 {
			next++
		}
		if ok != (next < span) || ok && found.Entry.A != m[next] {
			t.Errorf("find(%d) = %#x, %v; want index %d", i, uint64(found.Entry.A), ok, next)
		}
		lo := r.Below(span)
		hi := lo + r.Below(span-lo)
		size := 1 + r.Below(12)
		want, wok := uint64(0), false
		if hi-lo+1 >= size {
			want, wok = m.gapRev(lo, hi, size)
		}
		if got, ok := tr.EmptyAreaRev(c, lo, hi, size); ok != wok || got != want {
			t.Errorf("gap of %d in [%d, %d] at %d, %v; want %d, %v", size, lo, hi, got, ok, want, wok)
		}
	}
}

func TestEraseAllFreesEveryNode(t *testing.T) {
	tr, a, c := newTree()
	for i := range uint64(500) {
		tr.Store(c, 10*i, 10*i+4, sim.At(sim.Addr(16*(i+1))))
	}
	if h := checkTree(t, tr, a, c); h != 4 {
		t.Errorf("500 entries and as many gaps give height %d, want 4", h)
	}
	tr.Store(c, 0, MaxIndex, sim.Ptr{})
	checkTree(t, tr, a, c)
}

// TestMapUnmapCost pins what the sheet says of the common case: mapping or
// unmapping one area in RCU mode is one new leaf and one retired leaf.
func TestMapUnmapCost(t *testing.T) {
	tr, a, c := newTree()
	for i := range uint64(30) {
		tr.Store(c, 100*i+50, 100*i+99, sim.At(sim.Addr(16*(i+1))))
	}
	for _, e := range []sim.Ptr{sim.At(0x9990), {}} {
		before := len(a.freed)
		up := tr.Prepare(c, 520, 529, e)
		up.Commit(c)
		if up.Nodes() != 1 || len(a.freed) != before+1 {
			t.Errorf("store of %#x: %d new nodes, %d retired; want 1 and 1", uint64(e.A), up.Nodes(), len(a.freed)-before)
		}
	}
	before := len(a.freed)
	if up := tr.Prepare(c, 550, 599, sim.At(0x7770)); up.Nodes() != 0 {
		t.Errorf("exact fit takes %d nodes", up.Nodes())
	} else if up.Commit(c); len(a.freed) != before || tr.Walk(c, 560).Entry.A != 0x7770 {
		t.Error("exact fit did not store in place")
	}
	if up := tr.Prepare(c, 550, 579, sim.Ptr{}); up.Nodes() != 0 {
		t.Errorf("moving a boundary between two slots takes %d nodes", up.Nodes())
	} else if up.Commit(c); !tr.Walk(c, 579).Entry.IsNull() || tr.Walk(c, 580).Entry.IsNull() {
		t.Error("slot store went wrong")
	}
	checkTree(t, tr, a, c)
}
