package uprobes

import (
	"slices"
	"testing"

	"mmsim/sim"
)

func TestRBTreeInsert(t *testing.T) {
	for seed := range uint64(20) {
		l := uprobeLayout(240)
		c := sim.NewDirect(sim.NewMemory())
		key := l.Field("offset")
		tree := rbTree{rbFields{l.Field("__rb_parent_color"), l.Field("rb_left"), l.Field("rb_right")}, sim.At(4096).Ref(0, 8)}
		r := sim.NewRand(seed, 0, 0)
		var want []uint64
		for i := range 300 {
			k := r.Uint64()
			if seed == 0 {
				k = uint64(i) // ascending
			}
			n := sim.At(sim.Addr(8192 + 256*i))
			c.Store(n.F(key), k)
			tree.insert(c, n, func(at sim.Ptr) bool { return k < c.Load(at.F(key)) })
			want = append(want, k)
		}
		slices.Sort(want)
		var got []uint64
		var walk func(n, parent sim.Ptr, parentBlack bool) (blacks int)
		walk = func(n, parent sim.Ptr, parentBlack bool) int {
			if n.IsNull() {
				return 1
			}
			p, black := tree.parent(c, n)
			if p.A != parent.A {
				t.Fatalf("seed %d: node %#x has parent %#x, hangs under %#x", seed, n.A, p.A, parent.A)
			}
			if !black && !parentBlack {
				t.Fatalf("seed %d: red node under red parent", seed)
			}
			left := walk(c.LoadPtr(n.F(tree.f.left)), n, black)
			got = append(got, c.Load(n.F(key)))
			if right := walk(c.LoadPtr(n.F(tree.f.right)), n, black); right != left {
				t.Fatalf("seed %d: black heights %d and %d", seed, left, right)
			}
			if black {
				left++
			}
			return left
		}
		walk(c.LoadPtr(tree.root), sim.Ptr{}, false) // a red root fails here
		if !slices.Equal(got, want) {
			t.Fatalf("seed %d: keys are not in order", seed)
		}
	}
}
