package uprobes

import (
	"testing"

	"mmsim/kernel/mm"
	"mmsim/sim"
)

// TestManyAreas builds a large process and finds every probe in it.
func TestManyAreas(t *testing.T) {
	w := newWorld(t, mm.MMSeqcount, 1, func(k *ProcessConfig) {
		k.Areas, k.Probes, k.OtherProbes, k.Consumers = 3000, 7, 20, 2
	})
	w.record(t, func(c *sim.CPU) {
		for i := range w.Probes {
			if err := w.Hit(c, i); err != nil {
				t.Error(err)
			}
		}
		if p := w.Uprobes.Hit(c, w.MM, w.Probes[3].Addr+1); !p.IsNull() {
			t.Error("found a uprobe beside the probed instruction")
		}
		if p := w.Uprobes.Hit(c, w.MM, w.Probes[3].End); !p.IsNull() {
			t.Error("found a uprobe in unmapped memory")
		}
	})
	if n := w.Uprobes.Hits(w.c); n != 14 {
		t.Errorf("%d handler runs, want 2 consumers times 7 hits", n)
	}
}

func TestProcessConfigErrors(t *testing.T) {
	good := ProcessConfig{Probes: 2, Areas: 3, Consumers: 1}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*ProcessConfig){
		func(k *ProcessConfig) { k.Probes = 0 },
		func(k *ProcessConfig) { k.Areas = 1 },
		func(k *ProcessConfig) { k.Areas = 65530 },
		func(k *ProcessConfig) { k.OtherProbes = -1 },
		func(k *ProcessConfig) { k.Consumers = 0 },
	} {
		bad := good
		change(&bad)
		if bad.Check() == nil {
			t.Errorf("%+v accepted", bad)
		}
	}
}

// TestOverrideReachesTheCode: an override moves a field for good, in the running code
// and in the names of reports.
func TestOverrideReachesTheCode(t *testing.T) {
	l, err := DefaultLayouts("mm-6.5")
	if err != nil {
		t.Fatal(err)
	}
	for name, off := range map[string]uint32{"mm_struct.mm_lock_seq": 60, "uprobe.inode": 240, "uprobes_globals.uprobes_tree": 48} {
		if l, err = l.Override(name, off); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := l.Override("uprobe.ref", 32); err == nil {
		t.Error("override of ref onto register_rwsem accepted")
	}
	w := newWorld(t, mm.MMSeqcount, 1, func(k *ProcessConfig) { k.Layouts = l })
	seen := false
	for _, o := range w.record(t, func(c *sim.CPU) {
		if err := w.Hit(c, 0); err != nil {
			t.Error(err)
		}
	}) {
		seen = seen || o.field == "mm_lock_seq"
	}
	if at := w.MM.System().LockSeq(w.MM.Ptr()).A - w.MM.Ptr().A; at != 60 || !seen {
		t.Errorf("mm_lock_seq is used at offset %d, seen in the trace: %v", at, seen)
	}
}
