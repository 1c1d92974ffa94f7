package uprobes

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/kernel/mm"
	"mmsim/sim"
)

// isMaple tells the operations of a maple walk; the sequences below have it as
// one item.
func isMaple(o op) bool {
	return strings.HasPrefix(o.object, "maple_node") || o.field == "mm_mt.ma_root"
}

// fold drops the preemption count and folds the maple walk, with its read
// barriers, into one item.
func fold(ops []op) (out []string) {
	for i, o := range ops {
		switch {
		case o.field == "preempt_count":
			continue
		case isMaple(o), o.kind == "smp_rmb" && isMaple(ops[i-1]):
			if n := len(out); n > 0 && out[n-1] == "maple walk" {
				continue
			}
			out = append(out, "maple walk")
			continue
		}
		out = append(out, o.String())
	}
	return out
}

var (
	treeHit = []string{"load.acquire uprobes_seqcount", "load uprobes_tree", "load inode", "load offset"}

	locked = append(append([]string{
		"add.acquire mmap_lock.count", "load mmap_lock.owner", "store mmap_lock.owner",
		"maple walk", "load vm_file", "load vm_flags", "load f_inode", "load vm_pgoff", "load vm_start"},
		treeHit...), "add.release mmap_lock.count")

	speculation = append(append([]string{
		"load.acquire mm_lock_seq", "maple walk", "load vm_file", "load vm_pgoff", "load vm_start", "load f_inode"},
		treeHit...), "smp_rmb", "load mm_lock_seq")

	lookups = map[mm.Design][]string{
		mm.MMapLock: locked,
		// vma-locking-and-fork.md section 2b, steps 1 to 6 and release.
		mm.VMARWSem: append(append([]string{
			"maple walk", "load vm_lock_seq", "load vm_mm", "load mm_lock_seq", "load vm_lock",
			"load lock.count", "cmpxchg.acquire lock.count", "load lock.owner", "store lock.owner",
			"load vm_lock_seq", "load vm_mm", "load.acquire mm_lock_seq",
			"load vm_start", "load vm_end", "load detached",
			"load vm_file", "load vm_pgoff", "load vm_start", "load f_inode"},
			treeHit...), "load vm_lock", "add.release lock.count"),
		// uprobes.md section 5.1.
		mm.MMSeqcount: speculation, mm.MMSeqcount64: speculation,
		// vma-locking-and-fork.md section 2e, steps 1 to 8 and put.
		mm.VMARefcnt: append(append([]string{
			"maple walk", "load vm_lock_seq", "load mm_lock_seq", "load vm_refcnt", "cmpxchg.acquire vm_refcnt",
			"load vm_mm", "load vm_lock_seq", "load.acquire mm_lock_seq", "load vm_start", "load vm_end",
			"load vm_file", "load vm_pgoff", "load vm_start", "load f_inode"},
			treeHit...), "load vm_mm", "add.release vm_refcnt"),
		// vma-locking-and-fork.md section 2g, G2: the VMA's line is enough.
		mm.VMASeqcountOwn: append(append([]string{
			"maple walk", "load.acquire vm_sequence",
			"load vm_start", "load vm_end", "load vm_file", "load vm_pgoff", "load vm_start", "load f_inode"},
			treeHit...), "smp_rmb", "load vm_sequence"),
		// vma-locking-and-fork.md section 2g, G1: the VMA's number first.
		mm.VMASeqcount: append(append([]string{
			"maple walk", "load.acquire vm_lock_seq", "load.acquire mm_lock_seq", "load vm_mm", "load detached",
			"load vm_start", "load vm_end", "load vm_file", "load vm_pgoff", "load vm_start", "load f_inode"},
			treeHit...), "smp_rmb", "load vm_lock_seq", "load vm_mm"),
	}
)

func TestLookupSequence(t *testing.T) {
	eachDesign(t, func(t *testing.T, d mm.Design) {
		w := newWorld(t, d, 1, nil)
		var found sim.Ptr
		got := fold(w.record(t, func(c *sim.CPU) { found, _ = w.Uprobes.findActive(c, w.MM, w.Probes[0].Addr) }))
		if found.A != w.Probes[0].Uprobe.A {
			t.Fatal("found another uprobe")
		}
		if fmt.Sprint(got) != fmt.Sprint(lookups[d]) {
			t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(lookups[d], "\n  "))
		}
	})
}

// TestWholeHit pins everything around the lookup (sections 1 and 4).
func TestWholeHit(t *testing.T) {
	w := newWorld(t, mm.MMSeqcount, 1, nil)
	got := fold(w.record(t, func(c *sim.CPU) {
		if err := w.Hit(c, 0); err != nil {
			t.Error(err)
		}
	}))
	want := []string{"load head", "load notifier_call", "load next", "load notifier_call", "load next",
		"load mm", "load flags", "or thread_info.flags", "load thread_info.flags",
		"and thread_info.flags", "load utask", "load active_uprobe", "load uprobes_state.xol_area",
		"load trc_reader_nesting", "store trc_reader_nesting"}
	want = append(want, lookups[mm.MMSeqcount]...)
	want = append(want, "load flags", "smp_rmb", "load utask", "store auprobe",
		"load consumers[0]", "load handler", "add.this_cpu count", "load cons_node[0]", "store auprobe",
		"load arch.ops", "load emulate", "load arch.ilen",
		"load trc_reader_nesting", "store trc_reader_nesting", "load trc_reader_special", "store trc_reader_nesting",
		"load thread_info.flags")
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got:\n  %s\nwant:\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
	if n := w.Uprobes.Hits(w.c); n != 1 {
		t.Errorf("the handler counted %d hits, want 1", n)
	}
}

// TestSharedTraffic asserts the counts of section 7a: what one hit writes on
// lines that others use.
func TestSharedTraffic(t *testing.T) {
	type traffic struct{ rmw, owner, other, full, ownTask int }
	count := func(ops []op) (n traffic) {
		for _, o := range ops {
			switch {
			case o.kind == "smp_mb":
				n.full++
			case o.rmw() && o.field == "thread_info.flags":
				n.ownTask++
			case o.private():
			case o.rmw():
				n.rmw++
			case o.store() && strings.HasSuffix(o.field, ".owner"):
				n.owner++
			case o.store():
				n.other++
			}
		}
		return n
	}
	hit := func(w *world) traffic {
		return count(w.record(t, func(c *sim.CPU) {
			if err := w.Hit(c, 0); err != nil {
				t.Error(err)
			}
		}))
	}
	locked := traffic{rmw: 2, owner: 1, ownTask: 2}
	none := traffic{ownTask: 2}
	for d, want := range map[mm.Design]traffic{mm.MMapLock: locked, mm.VMARWSem: locked, mm.VMARefcnt: {rmw: 2, ownTask: 2},
		mm.MMSeqcount: none, mm.MMSeqcount64: none, mm.VMASeqcount: none, mm.VMASeqcountOwn: none} {
		if got := hit(newWorld(t, d, 1, nil)); got != want {
			t.Errorf("%v: %+v, want %+v", d, got, want)
		}
	}
	// A speculation that is aborted costs what the locked path costs.
	w := newWorld(t, mm.MMSeqcount, 1, nil)
	seq := w.Uprobes.sys.LockSeq(w.MM.Ptr())
	w.c.Store(seq, w.c.Load(seq)|1)
	if got := hit(w); got != locked {
		t.Errorf("aborted speculation: %+v, want %+v", got, locked)
	}
}
