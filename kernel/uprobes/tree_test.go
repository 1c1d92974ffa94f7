package uprobes

import (
	"fmt"
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// TestTreeUnderWriters is U6: a uprobe that stays is found by every walk, however
// the tree turns meanwhile.
func TestTreeUnderWriters(t *testing.T) {
	for tree := range Trees() {
		t.Run(Tree(tree).String(), func(t *testing.T) {
			retried := int64(0)
			for seed := range uint64(4) {
				retried += treeUnderWriters(t, Tree(tree), seed)
			}
			if (Tree(tree) == TreeSeqcount) != (retried > 0) {
				t.Errorf("%d walks were repeated", retried)
			}
		})
	}
}

func treeUnderWriters(t *testing.T, tree Tree, seed uint64) (retried int64) {
	w := newEra(t, "6.13", 3, func(p *ProcessConfig) { p.Choices.Tree, p.OtherProbes, p.Poison = tree, 5, true })
	u, done := w.Uprobes, false
	m := simtest.New(w.mem, simtest.Options{Seed: seed, Syms: w.syms})
	m.Kernel(w.base.Hooks())
	for i := range 2 {
		m.Go("reader", i, func(c *sim.CPU) {
			for !done {
				u.b.RCU.TraceReadLock(c)
				if p := u.findUprobe(c, w.Probes[0].Inode, probeOffset, mayAwait); p.A != w.Probes[0].Uprobe.A {
					t.Errorf("%v, seed %d: found %#x", tree, seed, uint64(p.A))
				}
				if p := u.findUprobe(c, w.Probes[0].Inode, 7, mayAwait); !p.IsNull() {
					t.Errorf("%v, seed %d: found %#x at an offset without uprobe", tree, seed, uint64(p.A))
				}
				u.b.RCU.TraceReadUnlock(c)
			}
		})
	}
	m.Go("writer", 2, func(c *sim.CPU) {
		rounds := 4
		if tree == TreePercpuRWSem {
			rounds = 1 // each insertion waits for a grace period
		}
		for range rounds {
			var ps []sim.Ptr
			for i := range uint64(6) {
				ps = append(ps, u.allocUprobe(c, w.Probes[0].Inode, 0x100*(i*7%6+1)))
			}
			for _, p := range ps {
				u.put(c, p)
			}
		}
		done = true
	})
	simtest.Run(t, m)
	return m.Counts[retries]
}

// TestRBTreeErase takes nodes out in random order; what is left is a red-black
// tree in order.
func TestRBTreeErase(t *testing.T) {
	for seed := range uint64(12) {
		l := uprobeLayout(240)
		c := sim.NewDirect(sim.NewMemory())
		key := l.Field("offset")
		tree := rbTree{rbFields{l.Field("__rb_parent_color"), l.Field("rb_left"), l.Field("rb_right")}, sim.At(4096).Ref(0, 8)}
		r := sim.NewRand(seed, 1, 0)
		var nodes []sim.Ptr
		for i := range 120 {
			n, k := sim.At(sim.Addr(8192+256*i)), r.Uint64()
			c.Store(n.F(key), k)
			tree.insert(c, n, func(at sim.Ptr) bool { return k < c.Load(at.F(key)) })
			nodes = append(nodes, n)
		}
		for len(nodes) > 0 {
			i := int(r.Below(uint64(len(nodes))))
			tree.erase(c, nodes[i])
			nodes = append(nodes[:i], nodes[i+1:]...)
			if n, err := checkRB(c, tree, key); err != nil || n != len(nodes) {
				t.Fatalf("seed %d: %d nodes in the tree, want %d; %v", seed, n, len(nodes), err)
			}
		}
	}
}

// checkRB counts the nodes of a tree and reports a broken rule.
func checkRB(c *sim.CPU, tree rbTree, key sim.Field) (n int, err error) {
	last := uint64(0)
	var walk func(at, parent sim.Ptr, parentBlack bool) int
	walk = func(at, parent sim.Ptr, parentBlack bool) int {
		if at.IsNull() {
			return 1
		}
		p, black := tree.parent(c, at)
		if p.A != parent.A || !black && !parentBlack {
			err = fmt.Errorf("node %#x: parent %#x, hangs under %#x; black %v, parent black %v", at.A, p.A, parent.A, black, parentBlack)
		}
		left := walk(c.LoadPtr(at.F(tree.f.left)), at, black)
		if k := c.Load(at.F(key)); k < last {
			err = fmt.Errorf("node %#x out of order", at.A)
		} else {
			last = k
		}
		n++
		if right := walk(c.LoadPtr(at.F(tree.f.right)), at, black); right != left {
			err = fmt.Errorf("node %#x: black heights %d and %d", at.A, left, right)
		}
		if black {
			left++
		}
		return left
	}
	walk(c.LoadPtr(tree.root), sim.Ptr{}, false)
	return n, err
}
