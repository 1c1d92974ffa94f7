package mm

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/sim"
	"mmsim/sim/simtest"
)

// TestBroadcastFlush: where the machine broadcasts invalidations, munmap does
// one for each page of the range between clearing the PTEs and freeing the
// pages, or one for all beyond MAX_DVM_OPS; nobody is interrupted, and the
// bookkeeping of x86 is not touched.
func TestBroadcastFlush(t *testing.T) {
	for pages, want := range map[int]string{1: "1", 3: "3", 512: "512", 513: "1"} {
		w := newWorld(t, MMSeqcount, "mm-6.5", 2, false)
		w.sys.broadcastTLB = true
		bytes := uint64(pages) * sim.PageBytes
		addr, err := w.mm.Mmap(w.c, Mapping{Bytes: bytes, Flags: Anon, Populate: bytes})
		if err != nil {
			t.Fatal(err)
		}
		var ops []string
		m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) {
			field := w.syms.Lookup(o.Ref.A).Field
			switch {
			case o.Kind == "tlbi":
				ops = append(ops, fmt.Sprintf("tlbi %d", o.Value))
			case o.Kind == "ipi" || field == "context.tlb_gen" || field == "_refcount" && o.Kind == "add",
				o.Kind == "xchg" && strings.HasPrefix(field, "pte["):
				if name, _, _ := strings.Cut(o.Kind+" "+field, "["); len(ops) == 0 || ops[len(ops)-1] != name {
					ops = append(ops, name)
				}
			}
		}})
		m.Go("unmapper", 0, func(c *sim.CPU) {
			if err := w.mm.Munmap(c, addr, bytes); err != nil {
				t.Error(err)
			}
		})
		m.Go("other", 1, func(c *sim.CPU) { c.Compute(1) })
		simtest.Run(t, m)
		if got, want := strings.Join(ops, ", "), "xchg pte, tlbi "+want+", add _refcount"; got != want {
			t.Errorf("%d pages: %s, want %s", pages, got, want)
		}
	}
}
