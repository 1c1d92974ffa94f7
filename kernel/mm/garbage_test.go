package mm

import (
	"testing"

	"mmsim/kernel/file"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// TestGarbageInode holds a speculative reader between vm_file and f_inode while
// the area is unmapped and another file is opened: U2 of uprobes.md section 11.
// In type-stable memory the reader gets the other file's inode, in memory that
// waits for a grace period it does not; the recheck discards both.
func TestGarbageInode(t *testing.T) {
	for _, d := range []Design{MMSeqcount, MMSeqcount64, VMASeqcount, VMASeqcountOwn} {
		for _, backing := range []bool{false, true} {
			for _, life := range []file.Lifetime{file.TypesafeByRCU, file.RCUDelayed} {
				w := newWorldWith(t, "mm-6.5", 1, Config{Design: d, FileLifetime: life, BackingLifetime: life})
				open := w.sys.OpenFile
				if backing {
					open = func(c *sim.CPU, inode sim.Ptr) sim.Ptr { return w.sys.OpenBackingFile(c, inode, inode) }
				}
				m := simtest.New(w.mem, simtest.Options{})
				m.Go("both", 0, func(c *sim.CPU) { w.readGarbage(t, c, open, life) })
				simtest.Run(t, m)
				want := int64(1)
				if life == file.RCUDelayed {
					want = 0
				}
				if got := m.Counts[garbageReads]; got != want {
					t.Errorf("%v, backing %v, lifetime %v: %d garbage reads, want %d", d, backing, life, got, want)
				}
			}
		}
	}
}

func (w *world) readGarbage(t *testing.T, c *sim.CPU, open func(*sim.CPU, sim.Ptr) sim.Ptr, life file.Lifetime) {
	right, wrong := w.sys.NewInode(c, "right", 1), w.sys.NewInode(c, "wrong", 2)
	f := open(c, right)
	a, err := w.mm.Mmap(c, Mapping{Bytes: sim.PageBytes, Flags: Text, File: f})
	if err != nil {
		t.Fatal(err)
	}
	w.sys.PutFile(c, f)

	w.base.RCU.ReadLock(c)
	var retry func() bool
	vma := w.mm.VMALookup(c, a)
	if w.sys.design == MMSeqcount || w.sys.design == MMSeqcount64 {
		seq, _ := w.mm.SpeculateTryBegin(c)
		retry = func() bool { return w.mm.SpeculateRetry(c, seq) }
	} else {
		seq, _ := w.mm.SpeculateVMABegin(c, vma)
		retry = func() bool { return w.mm.SpeculateVMARetry(c, vma, seq) }
	}
	u := w.sys.VMA(vma).UnpinnedFile(c)
	if err := w.mm.Munmap(c, a, sim.PageBytes); err != nil {
		t.Fatal(err)
	}
	open(c, wrong)
	got, want := u.Inode(c), wrong
	if life == file.RCUDelayed {
		want = right
	}
	if got.A != want.A {
		t.Errorf("read the inode at %#x, want %#x", uint64(got.A), uint64(want.A))
	}
	if !retry() {
		t.Error("what was read was accepted")
	}
	w.base.RCU.ReadUnlock(c)
}
