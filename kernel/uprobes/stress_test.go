package uprobes

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"mmsim/kernel/mm"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// TestUnrelatedWriter has threads hit a probe while another one maps and
// unmaps memory of its own. Every hit must find its uprobe; only mm-seqcount
// may have to fall back.
func TestUnrelatedWriter(t *testing.T) {
	eachDesign(t, func(t *testing.T, d mm.Design) {
		var total [3]int64 // attempts, fallbacks, hits
		for seed := range uint64(12) {
			w := newWorld(t, d, 4, nil)
			m := simtest.New(w.mem, simtest.Options{Seed: seed})
			m.Kernel(w.base.Hooks())
			for cpu := range 3 {
				m.Go("hitter", cpu, func(c *sim.CPU) {
					for range 30 {
						if err := w.Hit(c, 0); err != nil {
							t.Error(err)
						}
					}
				})
			}
			m.Go("writer", 3, func(c *sim.CPU) {
				for range 3 {
					if err := w.MmapMunmap(c, 0, 1, 1); err != nil {
						t.Error(err)
					}
				}
			})
			simtest.Run(t, m)
			total[0] += m.Counts[attempts]
			total[1] += m.Counts[fallbacks]
			total[2] += int64(w.Uprobes.Hits(w.c))
		}
		want := int64(12 * 3 * 30)
		if total[2] != want {
			t.Errorf("%d hits counted, want %d", total[2], want)
		}
		if d == mm.MMapLock {
			want = 0
		}
		if total[0] != want {
			t.Errorf("%d attempts without mmap_lock, want %d", total[0], want)
		}
		if (d == mm.MMSeqcount || d == mm.MMSeqcount64) != (total[1] > 0) {
			t.Errorf("%d fallbacks", total[1])
		}
	})
}

// TestNeighbourWriter: changes next to the probed VMA replace its tree node,
// but not the VMA.
func TestNeighbourWriter(t *testing.T) {
	w := newWorld(t, mm.VMASeqcount, 2, nil)
	m := simtest.New(w.mem, simtest.Options{Seed: 1})
	m.Kernel(w.base.Hooks())
	m.Go("hitter", 0, func(c *sim.CPU) {
		for range 200 {
			if err := w.Hit(c, 0); err != nil {
				t.Error(err)
			}
		}
	})
	m.Go("writer", 1, func(c *sim.CPU) {
		for range 5 {
			if err := w.MmapMunmap(c, w.Probes[0].End, 2, 2); err != nil {
				t.Error(err)
			}
		}
	})
	simtest.Run(t, m)
	if m.Counts[fallbacks] != 0 {
		t.Errorf("%d fallbacks", m.Counts[fallbacks])
	}
}

// remap is a writer that keeps changing what is mapped at the probed address,
// and reuses the memory of the files it drops, with hitters that check what
// they find.
type remap struct {
	*world
	uprobes [3]sim.Ptr // of inodes A and B, which get mapped, and C, which never is
	inodes  [3]sim.Ptr
	// states are the uprobes (or null) that were right, in order; those from
	// settled on may be now.
	states  []sim.Addr
	settled int
	wrong   []string
	hitting int // hitters that have not ended
}

func newRemap(t *testing.T, d mm.Design, hitters int) *remap {
	r := &remap{world: newWorld(t, d, hitters+1, func(k *ProcessConfig) { k.Poison = true })}
	for i := range r.inodes {
		r.inodes[i] = r.Uprobes.sys.NewInode(r.c, string("ABC"[i]), uint64(i))
		r.uprobes[i] = r.Uprobes.Register(r.c, r.inodes[i], probeOffset, 1)
	}
	r.states = []sim.Addr{r.Probes[0].Uprobe.A}
	r.MM.System().PutFile(r.c, r.Probes[0].File) // the VMA has the only reference
	return r
}

// change makes a change of the mapping after which next is right.
func (r *remap) change(next sim.Addr, f func()) {
	r.states = append(r.states, next)
	f()
	r.settled = len(r.states) - 1
}

// write changes the mapping for as long as somebody looks.
func (r *remap) write(c *sim.CPU) error {
	p, sys := &r.Probes[0], r.MM.System()
	var err error
	for i := 0; r.hitting > 0; i++ {
		r.change(0, func() { err = r.MM.Munmap(c, p.Start, p.End-p.Start) })
		if err != nil {
			return err
		}
		other := sys.OpenFile(c, r.inodes[2])
		for range 300 { // keep it open for a while
			c.Relax()
		}
		sys.PutFile(c, other)
		f := sys.OpenFile(c, r.inodes[i%2])
		r.change(r.uprobes[i%2].A, func() {
			_, err = r.MM.Mmap(c, mm.Mapping{Addr: p.Start, Bytes: p.End - p.Start, Flags: mm.Text, File: f})
		})
		if err != nil {
			return err
		}
		sys.PutFile(c, f)
	}
	return nil
}

func (r *remap) hit(c *sim.CPU, rounds int) {
	for range rounds {
		first := r.settled
		got := r.Uprobes.Hit(c, r.MM, r.Probes[0].Addr)
		if !slices.Contains(r.states[first:], got.A) {
			r.wrong = append(r.wrong, fmt.Sprintf("found %#x, right were %#x", uint64(got.A), r.states[first:]))
		}
	}
	r.hitting--
}

// slow is an executor on which a thread is now and then held up after a load
// long enough for the writer to get through a whole round, or several: races that need a
// slow reader do not wait for a lucky schedule.
type slow struct {
	*simtest.Machine
	c    *sim.CPU // the machine's own handle of the thread
	rng  sim.Rand
	syms *sim.Symbols
	at   []string // prefixes of the fields whose loads it is held up behind often
}

// heldUp is a handle of the thread of c that is held up behind loads of the
// fields with the given prefixes.
func heldUp(m *simtest.Machine, c *sim.CPU, seed uint64, syms *sim.Symbols, at ...string) *sim.CPU {
	s := &slow{m, c, sim.NewRand(seed, uint64(c.Slot), 0), syms, at}
	return sim.NewCPU(s, c.Slot, c.Task, c.Name)
}

func (s *slow) Spin(c *sim.CPU, deadline sim.Time) int { return s.c.SpinUntil(deadline, c.Conds...) }

func (s *slow) Load(c *sim.CPU, r sim.Ref, o sim.Order) (uint64, sim.Dep) {
	v, d := s.Machine.Load(c, r, o)
	rarely, stall := uint64(60), uint64(400)
	field := s.syms.Lookup(r.A).Field
	if slices.ContainsFunc(s.at, func(prefix string) bool { return strings.HasPrefix(field, prefix) }) {
		rarely = 8 // between reading it and using what it says
	}
	if s.rng.Below(4) == 0 {
		stall = 6000 // longer than a grace period
	}
	if s.rng.Below(rarely) != 0 {
		return v, d
	}
	for range s.rng.Below(stall + 1) {
		s.Machine.Relax(c)
	}
	return v, d
}

func (r *remap) run(t *testing.T, seed uint64, hitters int) *simtest.Machine {
	t.Helper()
	m := simtest.New(r.mem, simtest.Options{Seed: seed})
	m.Kernel(r.base.Hooks())
	r.hitting = hitters
	for i := range hitters {
		m.Go("hitter", i, func(c *sim.CPU) {
			r.hit(heldUp(m, c, seed, r.syms, "vm_"), 20)
		})
	}
	m.Go("writer", hitters, func(c *sim.CPU) {
		if err := r.write(c); err != nil {
			t.Error(err)
		}
	})
	simtest.Run(t, m)
	return m
}

// TestRemap is invariants U1 and U2 of section 11 under reuse of VMAs, tree
// nodes and files: what a hit finds was mapped there at some instant of it.
func TestRemap(t *testing.T) {
	eachDesign(t, func(t *testing.T, d mm.Design) {
		fell := int64(0)
		for seed := range uint64(12) {
			r := newRemap(t, d, 2)
			m := r.run(t, seed, 2)
			for _, s := range r.wrong {
				t.Errorf("seed %d: %s", seed, s)
			}
			fell += m.Counts[fallbacks]
		}
		if d != mm.MMapLock && fell == 0 {
			t.Error("no fallback: the writer did not disturb anybody")
		}
	})
}

// unchecked is B1 or B3 without the second look.
type unchecked struct{}

func (unchecked) find(c *sim.CPU, u *Uprobes, m *mm.MM, vaddr uint64) (p sim.Ptr) {
	u.b.RCU.ReadLock(c)
	if vma := m.VMALookup(c, vaddr); !vma.IsNull() {
		v := u.sys.VMA(vma)
		if file := v.File(c); !file.IsNull() {
			offset := offsetIn(c, v, vaddr)
			p = u.findUprobe(c, u.sys.FileInode(c, file), offset, inAtomic)
		}
	}
	u.b.RCU.ReadUnlock(c)
	return p
}

// TestRemapHasTeeth: a lookup that validates nothing is caught.
func TestRemapHasTeeth(t *testing.T) {
	for seed := range uint64(40) {
		r := newRemap(t, mm.MMSeqcount, 2)
		r.Uprobes.finder = unchecked{}
		if r.run(t, seed, 2); len(r.wrong) > 0 {
			return
		}
	}
	t.Error("a lookup without validation was never wrong")
}
