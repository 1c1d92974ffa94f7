package uprobes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mmsim/kernel/mm"
	"mmsim/sim"
)

// newEra is a world of one era.
func newEra(t testing.TB, name string, tasks int, change func(*ProcessConfig)) *world {
	t.Helper()
	e, err := ParseEra(name)
	if err != nil {
		t.Fatal(err)
	}
	l, err := DefaultLayoutsOf(e.Layout)
	if err != nil {
		t.Fatal(err)
	}
	return newWorld(t, e.Choices.Lookup, tasks, func(k *ProcessConfig) {
		k.Choices, k.Layouts = e.Choices, l
		if change != nil {
			change(k)
		}
	})
}

// shared is what one operation of a path writes on lines that others use: the
// columns of section 7a.
type shared struct {
	rmw    int // contended RMW
	owner  int // stores to a lock's owner
	unlock int // stores that release a spinlock
	other  int // any other store
	full   int // full fences beyond RMW
}

func countShared(ops []op) (n shared) {
	for _, o := range ops {
		switch {
		case o.kind == "smp_mb":
			n.full++
		case o.private():
		case o.rmw():
			n.rmw++
		case o.store() && strings.HasSuffix(o.field, ".owner"):
			n.owner++
		case o.kind == "store.release" && strings.HasSuffix(o.field, "lock"):
			n.unlock++
		case o.store():
			n.other++
		}
	}
	return n
}

func (a shared) minus(b shared) shared {
	return shared{a.rmw - b.rmw, a.owner - b.owner, a.unlock - b.unlock, a.other - b.other, a.full - b.full}
}

// warm runs f twice, and records the second time: slabs and pools are set up.
func (w *world) warm(t *testing.T, f func(c *sim.CPU)) []op {
	w.record(t, f)
	return w.record(t, f)
}

// TestTrafficByEra is the table of section 7a.
func TestTrafficByEra(t *testing.T) {
	for _, k := range []struct {
		era               string
		entry, uret, step shared
	}{
		{"6.8", shared{rmw: 7, owner: 2, unlock: 1}, shared{rmw: 4, owner: 1}, shared{rmw: 5, unlock: 1}},
		{"6.10", shared{rmw: 8, owner: 2}, shared{rmw: 4, owner: 1}, shared{rmw: 5, unlock: 1}},
		{"6.12", shared{rmw: 2, owner: 1, full: 2}, shared{rmw: 2, full: 2}, shared{rmw: 7, unlock: 1}},
		{"6.13", shared{rmw: 2, owner: 1}, shared{full: 2}, shared{rmw: 5, unlock: 1}},
		{"6.14", shared{}, shared{full: 2}, shared{rmw: 5, unlock: 1}},
		{"6.19", shared{}, shared{full: 2}, shared{rmw: 4}},
	} {
		t.Run(k.era, func(t *testing.T) {
			hit := func(w *world) func(c *sim.CPU) {
				return func(c *sim.CPU) {
					if err := w.Hit(c, 0); err != nil {
						t.Error(err)
					}
				}
			}
			w := newEra(t, k.era, 1, nil)
			entry := countShared(w.warm(t, hit(w)))
			if entry != k.entry {
				t.Errorf("emulated entry: %+v, want %+v", entry, k.entry)
			}
			w = newEra(t, k.era, 1, func(p *ProcessConfig) { p.Insn = InsnStep })
			if got := countShared(w.warm(t, hit(w))).minus(entry); got != k.step {
				t.Errorf("single step adds %+v, want %+v", got, k.step)
			}
			w = newEra(t, k.era, 1, func(p *ProcessConfig) { p.Returns = true })
			call := countShared(w.warm(t, func(c *sim.CPU) {
				if err := w.Call(c, 0); err != nil {
					t.Error(err)
				}
			}))
			if got := call.minus(entry); got != k.uret {
				t.Errorf("return probe adds %+v, want %+v", got, k.uret)
			}
		})
	}
}

// TestEntrySequence pins what is around the lookup in each era (sections 2 to 4).
func TestEntrySequence(t *testing.T) {
	for name, want := range map[string][3]string{
		"6.8": {"", "add.acquire mmap_lock.count, load mmap_lock.owner, store mmap_lock.owner, maple walk, load vm_file, load vm_flags, " +
			"load f_inode, load vm_pgoff, load vm_start, cmpxchg.acquire uprobes_treelock, load uprobes_tree, load inode, load offset, " +
			"add ref, store.release uprobes_treelock, add.release mmap_lock.count, load flags, smp_rmb, load utask, " +
			"add.acquire register_rwsem.count, load register_rwsem.owner, store register_rwsem.owner, ",
			"add.release register_rwsem.count, load arch.ops, load emulate, load arch.ilen, add.release ref"},
		"6.10": {"", "load vm_start, add.acquire uprobes_treelock, load uprobes_tree, load inode, load offset, " +
			"add ref, add.release uprobes_treelock, add.release mmap_lock.count, ",
			"add.release register_rwsem.count, load arch.ops, load emulate, load arch.ilen, add.release ref"},
		"6.12": {"load srcu_ctrp, add.this_cpu srcu_ctrs[0].srcu_locks, smp_mb", "load vm_start, load.acquire uprobes_seqcount, load uprobes_tree, " +
			"load inode, load offset, add.release mmap_lock.count, load flags, smp_rmb, load utask, store auprobe, ",
			"load arch.ilen, smp_mb, add.this_cpu srcu_ctrs[0].srcu_unlocks"},
		"6.13": {"load trc_reader_nesting, store trc_reader_nesting, add.acquire mmap_lock.count", "load offset, add.release mmap_lock.count",
			"load arch.ilen, load trc_reader_nesting, store trc_reader_nesting, load trc_reader_special, store trc_reader_nesting"},
		"6.14": {"load trc_reader_nesting, store trc_reader_nesting, load.acquire mm_lock_seq",
			"load vm_file, load vm_pgoff, load vm_start, load f_inode, load.acquire uprobes_seqcount, load uprobes_tree, load inode, load offset, smp_rmb, load mm_lock_seq",
			"load arch.ilen, load trc_reader_nesting"},
	} {
		w := newEra(t, name, 1, nil)
		got := strings.Join(fold(w.record(t, func(c *sim.CPU) { w.Uprobes.Hit(c, w.MM, w.Probes[0].Addr) })), ", ")
		for at, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%s: part %d is missing\ngot:  %s\nwant: %s", name, at, got, part)
			}
		}
	}
}

// sequence is the operations of f, one line.
func (w *world) sequence(t *testing.T, f func(c *sim.CPU)) string {
	return strings.Join(fold(w.warm(t, f)), ", ")
}

// TestTreeSequence pins the lookup in each tree, with and without references.
func TestTreeSequence(t *testing.T) {
	const walk = "load uprobes_tree, load inode, load offset"
	for _, k := range []struct {
		tree     Tree
		lifetime Lifetime
		want     string
	}{
		{TreeSpinlock, LifetimeRefcount, "cmpxchg.acquire uprobes_treelock, " + walk + ", add ref, store.release uprobes_treelock"},
		{TreeSpinlock, LifetimeTasksTrace, "cmpxchg.acquire uprobes_treelock, " + walk + ", store.release uprobes_treelock"},
		{TreeRWLock, LifetimeRefcount, "add.acquire uprobes_treelock, " + walk + ", add ref, add.release uprobes_treelock"},
		{TreeRWLock, LifetimeSRCU, "add.acquire uprobes_treelock, " + walk + ", add.release uprobes_treelock"},
		{TreePercpuRWSem, LifetimeTasksTrace, "load rss.gp_state, load read_count, add.this_cpu read_count, " + walk +
			", load rss.gp_state, load read_count, add.this_cpu read_count"},
		{TreeSeqcount, LifetimeRefcount, "load.acquire uprobes_seqcount, " + walk + ", load ref, cmpxchg ref"},
		{TreeSeqcount, LifetimeTasksTrace, "load.acquire uprobes_seqcount, " + walk},
	} {
		w := newEra(t, "6.13", 1, func(p *ProcessConfig) { p.Choices.Tree, p.Choices.Lifetime = k.tree, k.lifetime })
		u := w.Uprobes
		got := w.sequence(t, func(c *sim.CPU) {
			if u.findUprobe(c, w.Probes[0].Inode, probeOffset, mayAwait).A != w.Probes[0].Uprobe.A {
				t.Error("not found")
			}
		})
		if got != k.want {
			t.Errorf("%v, %v:\ngot:  %s\nwant: %s", k.tree, k.lifetime, got, k.want)
		}
	}
}

// TestReturnSequence pins sections 6.1 and 6.2 in the versions of return probes.
func TestReturnSequence(t *testing.T) {
	const pushed = "load uprobes_state.xol_area, load depth, "
	for ret, want := range map[Ret][]string{
		RetRefcount: {"load ref, cmpxchg ref", "load vaddr, load stack[2047], store stack[2047]", "store return_instances",
			"load return_instances, load chained, load next, load orig_ret_vaddr, load next, store return_instances, load depth, store depth, load hprobe.uprobe, ",
			"add.release ref"},
		RetLease: {"load srcu_ctrp, add.this_cpu srcu_ctrs[0].srcu_locks, smp_mb, store func, store stack, store orig_ret_vaddr, store chained, " +
			"load depth, store depth, store hprobe.state, store hprobe.uprobe, store hprobe.srcu_idx, store next, store.release return_instances, load ri_timer.entry.pprev",
			"store.release return_instances, load depth, store depth, xchg.full hprobe.state, load hprobe.uprobe, load trc_reader_nesting",
			"store trc_reader_nesting, load hprobe.srcu_idx, smp_mb, add.this_cpu srcu_ctrs[0].srcu_unlocks, "},
		RetLeasePooled: {"load ri_pool, load next, store ri_pool",
			"add.this_cpu srcu_ctrs[0].srcu_unlocks, load.acquire ri_seqcount, store cons_cnt, load ri_pool, store next, store ri_pool"},
	} {
		w := newEra(t, "6.13", 1, func(p *ProcessConfig) { p.Choices.Ret, p.Returns = ret, true })
		got := w.sequence(t, func(c *sim.CPU) {
			if err := w.Call(c, 0); err != nil {
				t.Error(err)
			}
		})
		for _, part := range append(want, pushed) {
			if !strings.Contains(got, part) {
				t.Errorf("%v: a part is missing\ngot:  %s\nwant: %s", ret, got, part)
			}
		}
	}
}

// TestStepSequence pins section 7.
func TestStepSequence(t *testing.T) {
	const siglock = "cmpxchg.acquire siglock, load thread_info.flags, store.release siglock"
	for x, want := range map[XOL][]string{
		XOLSlotCount: {"load ref, cmpxchg ref, load utask, load uprobes_state.xol_area, load bitmap, load bitmap, or.full bitmap, add slot_count, load vaddr, store xol_vaddr",
			"add.release ref, store active_uprobe, store state, load uprobes_state.xol_area, load xol_vaddr, load vaddr, store xol_vaddr, " +
				"load bitmap, and bitmap, add slot_count, smp_mb__after_atomic, load wq.head[0], " + siglock},
		XOLWaitEvent: {"load bitmap, load bitmap, or.full bitmap, load vaddr, store xol_vaddr, load page, load arch.insn[0], store word[16], load arch.insn[1], store word[17]",
			"load bitmap, and bitmap, smp_mb__after_atomic, load wq.head[0], " + siglock},
		XOLSignalDenied: {"load bitmap, and bitmap, smp_mb__after_atomic, load wq.head[0], load signal_denied"},
	} {
		w := newEra(t, "6.14", 1, func(p *ProcessConfig) { p.Choices.XOL, p.Insn = x, InsnStep })
		got := w.sequence(t, func(c *sim.CPU) {
			if err := w.Hit(c, 0); err != nil {
				t.Error(err)
			}
		})
		for _, part := range want {
			if !strings.Contains(got, part) {
				t.Errorf("%v: a part is missing\ngot:  %s\nwant: %s", x, got, part)
			}
		}
		if x == XOLSignalDenied && strings.Contains(got, "siglock") {
			t.Error("siglock is taken")
		}
	}
}

// TestNames: no two values of a choice share a name, and values print theirs.
func TestNames(t *testing.T) {
	for _, infos := range [][]Info{Trees(), Lifetimes(), Rets(), XOLs(), Trampolines(), Insns()} {
		seen := map[string]bool{}
		for _, i := range infos {
			if seen[i.Name] || i.Name == "" || i.Title == "" {
				t.Errorf("%+v in %v", i, infos)
			}
			seen[i.Name] = true
		}
	}
	k := Choices{mm.MMapLock, TreeRWLock, LifetimeSRCU, RetLease, TrampolineTrap, XOLWaitEvent}
	if want := "lookup mmap-lock, tree rwlock, lifetime srcu, retprobe srcu-lease, trampoline trap, xol wait-event"; k.String() != want {
		t.Errorf("%v, want %s", k, want)
	}
	var names []string
	for _, e := range Eras() {
		names = append(names, e.Name)
		if _, err := DefaultLayoutsOf(e.Layout); err != nil {
			t.Error(err)
		}
	}
	if want := []string{"6.8", "6.10", "6.12", "6.13", "6.14", "6.19"}; !slices.Equal(names, want) {
		t.Errorf("eras %v, want %v", names, want)
	}
	if _, err := ParseEra("5.0"); err == nil || !strings.Contains(fmt.Sprint(err), "6.10") {
		t.Error(err)
	}
}

// TestSpeculationWritesNothing: without writers a hit found by speculation stores
// to no shared line, unless a reference keeps the uprobe.
func TestSpeculationWritesNothing(t *testing.T) {
	for _, d := range []mm.Design{mm.MMSeqcount, mm.MMSeqcount64, mm.VMASeqcount, mm.VMASeqcountOwn} {
		for life := range Lifetimes() {
			w := newEra(t, "6.14", 1, func(p *ProcessConfig) { p.Choices.Lookup, p.Choices.Lifetime = d, Lifetime(life) })
			n := countShared(w.warm(t, func(c *sim.CPU) {
				if err := w.Hit(c, 0); err != nil {
					t.Error(err)
				}
			}))
			want := map[Lifetime]shared{LifetimeRefcount: {rmw: 4, owner: 1}, LifetimeSRCU: {full: 2}}[Lifetime(life)]
			if n != want {
				t.Errorf("%v, %v: %+v, want %+v", d, Lifetime(life), n, want)
			}
		}
	}
}
