package uprobes

import (
	"math/rand/v2"
	"slices"
	"testing"

	"mmsim/kernel/mm"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// alone runs f as thread 0, by itself.
func (w *world) alone(t *testing.T, f func(c *sim.CPU)) {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Syms: w.syms})
	m.Kernel(w.base.Hooks())
	m.Go("task", 0, f)
	simtest.Run(t, m)
}

func (w *world) flag(bit uint) bool {
	return w.mem.Read(w.Uprobes.sys.Flags(w.MM.Ptr()).A, 8)>>bit&1 != 0
}

// TestMmapBringsBreakpoint: an area mapped over a probed place has the breakpoint
// when mmap returns, whatever the tree and the lifetime; munmap has the next hit
// without a uprobe find out whether the process has any left.
func TestMmapBringsBreakpoint(t *testing.T) {
	eachKeeper(t, func(t *testing.T, k Choices) {
		w := newEra(t, "6.13", 1, func(p *ProcessConfig) {
			p.Choices, p.Breakpoints, p.Poison, p.OtherProbes = k, true, true, 5
		})
		b := &w.Probes[0]
		check := func(when string, op uint64, has, recalc bool) {
			t.Helper()
			if got := w.Uprobes.opcodeAt(w.c, w.MM, b.Addr); got != op {
				t.Errorf("%s: the text has %#x, want %#x", when, got, op)
			}
			if w.flag(mm.MMFHasUprobes) != has || w.flag(mm.MMFRecalcUprobes) != recalc {
				t.Errorf("%s: flags %v and %v, want %v and %v", when, w.flag(mm.MMFHasUprobes), w.flag(mm.MMFRecalcUprobes), has, recalc)
			}
		}
		w.alone(t, func(c *sim.CPU) {
			check("at first", opcodeInt3, true, false)
			must(t, w.MM.Munmap(c, b.End-sim.PageBytes, sim.PageBytes)) // without the probe
			check("end unmapped", opcodeInt3, true, false)
			must(t, w.MM.Munmap(c, b.Start, b.End-b.Start))
			check("unmapped", 0, true, true)
			user := w.Uprobes.User(c, w.MM)
			user.IP = b.Addr
			p := w.Uprobes.breakpoint(c, w.MM, &user.Regs) // a trap from before
			if !p.IsNull() || user.Killed() || user.IP != b.Addr {
				t.Error("a trap that outlived its mapping does not run the instruction again")
			}
			check("after a stale trap", 0, false, false)
			must(t, w.map1(c, b.Start, mm.Text|mm.VMWrite, 0))
			check("mapped writable", 0, false, false)
			must(t, w.MM.Munmap(c, b.Start, b.End-b.Start))
			must(t, w.map1(c, b.Start, mm.Text, 7)) // another part of the file
			check("another part mapped", 0, false, false)
			must(t, w.MM.Munmap(c, b.Start, b.End-b.Start))
			must(t, w.map1(c, b.Start, mm.Text, 0))
			check("mapped", opcodeInt3, true, false)
			if hit, err := w.Run(c, 0); !hit || err != nil {
				t.Errorf("hit %v, %v", hit, err)
			}
		})
		if refs, want := w.Uprobes.ref(b.Uprobe).Read(w.c), uint64(1); refs != want {
			t.Errorf("the uprobe has %d references, want %d", refs, want)
		}
	})
}

func (w *world) map1(c *sim.CPU, addr uint64, flags mm.VMFlags, pgoff uint64) error {
	b := &w.Probes[0]
	_, err := w.MM.Mmap(c, mm.Mapping{Addr: addr, Bytes: b.End - b.Start, Flags: flags, File: b.File, Pgoff: pgoff, Fixed: true})
	return err
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Error(err)
	}
}

// TestConsumerFilter: a breakpoint comes where a consumer wants this process, and
// goes with the last that does.
func TestConsumerFilter(t *testing.T) {
	w := newChurn(t, 1, func(*ProcessConfig) {})
	u, b := w.Uprobes, &w.Probes[0]
	other := u.sys.NewMM(w.c, "", nil)
	w.alone(t, func(c *sim.CPU) {
		register := func(m *mm.MM, op uint64) (p, uc sim.Ptr) {
			uc = u.NewConsumer(c)
			w.live[uc.A] = true
			if m != nil {
				u.FilterConsumer(c, uc, m)
			}
			p = u.RegisterConsumer(c, b.Inode, probeOffset, uc)
			if got := u.opcodeAt(c, w.MM, b.Addr); got != op {
				t.Errorf("the text has %#x, want %#x", got, op)
			}
			return p, uc
		}
		p, theirs := register(other, opcodes[InsnNop])
		must(t, w.MM.Munmap(c, b.Start, b.End-b.Start))
		must(t, w.map1(c, b.Start, mm.Text, 0))
		if got := u.opcodeAt(c, w.MM, b.Addr); got != 0 {
			t.Errorf("mmap has put %#x into the text for a consumer of another process", got)
		}
		_, ours := register(w.MM, opcodeInt3)
		_, all := register(nil, opcodeInt3)
		u.Unregister(c, p, all)
		if got := u.opcodeAt(c, w.MM, b.Addr); got != opcodeInt3 {
			t.Errorf("the breakpoint has gone with a consumer, but another one wants it")
		}
		u.Unregister(c, p, ours)
		if got := u.opcodeAt(c, w.MM, b.Addr); got != opcodes[InsnNop] {
			t.Errorf("the breakpoint is still there for a consumer of another process")
		}
		u.Unregister(c, p, theirs)
	})
}

// TestProbeList: build_probe_list finds the uprobes of a range of a file, no others,
// each once, and takes a reference to each.
func TestProbeList(t *testing.T) {
	w := newWorld(t, mm.MMapLock, 1, nil)
	u, rng := w.Uprobes, rand.New(rand.NewPCG(1, 2))
	inodes := []sim.Ptr{u.sys.NewInode(w.c, "a", 1), u.sys.NewInode(w.c, "b", 2), u.sys.NewInode(w.c, "c", 3)}
	type key struct {
		inode  sim.Addr
		offset uint64
	}
	at := map[key]sim.Addr{}
	for range 150 {
		k := key{inodes[rng.IntN(3)].A, 8 * rng.Uint64N(8*sim.PageBytes/8)}
		if at[k] == 0 {
			at[k] = u.Register(w.c, sim.At(k.inode), k.offset, 1).A
		}
	}
	w.alone(t, func(c *sim.CPU) {
		for range 40 {
			inode, pgoff, pages := inodes[rng.IntN(3)], rng.Uint64N(8), 1+rng.Uint64N(4)
			file := u.sys.OpenFile(c, inode)
			addr, err := w.MM.Mmap(c, mm.Mapping{Bytes: pages * sim.PageBytes, Flags: mm.Text, File: file, Pgoff: pgoff})
			must(t, err)
			var got, want []sim.Addr
			v := u.sys.VMA(w.MM.VMALookup(c, addr))
			for p := u.buildProbeList(c, v, inode); !p.IsNull(); {
				got = append(got, p.A)
				next := c.LoadPtr(p.F(u.f.pending))
				if n := u.ref(p).Read(c); n != 2 {
					t.Errorf("a uprobe of the list has %d references, want 2", n)
				}
				u.put(c, p)
				p = next
			}
			for k, p := range at {
				if k.inode == inode.A && k.offset/sim.PageBytes >= pgoff && k.offset/sim.PageBytes < pgoff+pages {
					want = append(want, p)
				}
			}
			slices.Sort(got)
			slices.Sort(want)
			if !slices.Equal(got, want) {
				t.Errorf("pages %d to %d: %d uprobes %x, want %d %x", pgoff, pgoff+pages-1, len(got), got, len(want), want)
			}
			must(t, w.MM.Munmap(c, addr, pages*sim.PageBytes))
			u.sys.PutFile(c, file)
		}
	})
}
