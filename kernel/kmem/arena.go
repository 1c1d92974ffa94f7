// Package kmem hands out simulated memory: a boot-time arena (memblock),
// per-CPU areas, the page allocator with its per-CPU lists (mm/page_alloc.c)
// and slab caches (mm/slub.c). Everything that changes after boot lies in
// simulated memory, so restoring the memory restores the allocators, and the
// same code runs while the initial state is built and inside a simulation.
package kmem

import (
	"fmt"

	"mmsim/kernel/locking/qspinlock"
	"mmsim/kernel/preempt"
	"mmsim/sim"
)

const (
	arenaBase sim.Addr = 1 << 20
	// objectAlign keeps unrelated boot objects apart on every supported line
	// size, and out of each other's adjacent-line prefetch.
	objectAlign = 128
)

// Arena is the boot-time allocator: it only grows. Its Go side (the bump
// pointer and the symbols) is used while the initial state is built; during a
// run only slab caches register symbols.
type Arena struct {
	Mem  *sim.Memory
	Syms *sim.Symbols
	next sim.Addr
}

// NewArena returns an arena over an empty memory.
func NewArena(mem *sim.Memory, syms *sim.Symbols) *Arena {
	return &Arena{Mem: mem, Syms: syms, next: arenaBase}
}

// Object allocates one zeroed object, apart from every other object by at
// least a line. name distinguishes it from others of its layout in reports and
// may be empty.
func (a *Arena) Object(l *sim.Layout, name string) sim.Ptr {
	p := a.take(uint64(l.Bytes), max(uint64(l.Align), objectAlign))
	a.Syms.AddObject(p.A, l, name)
	a.alignTo(objectAlign)
	return p
}

// Packed allocates one zeroed object directly behind the previous one, as its
// alignment allows: how neighbours come to share a line.
func (a *Arena) Packed(l *sim.Layout, name string) sim.Ptr {
	p := a.take(uint64(l.Bytes), uint64(l.Align))
	a.Syms.AddObject(p.A, l, name)
	return p
}

// Bytes allocates n zeroed bytes. With a layout they are named as an array of
// such objects, one every l.Bytes bytes.
func (a *Arena) Bytes(n, align uint64, l *sim.Layout) sim.Ptr {
	p := a.take(n, align)
	if l != nil {
		a.Syms.AddSlab(p.A, n, uint64(l.Bytes), l)
	}
	return p
}

func (a *Arena) take(n, align uint64) sim.Ptr {
	a.alignTo(align)
	p := sim.At(a.next)
	a.next += sim.Addr(n)
	if a.next > sim.MaxAddr {
		panic(fmt.Sprintf("kmem: the boot arena outgrew the simulated address space by %d bytes", a.next-sim.MaxAddr))
	}
	return p
}

func (a *Arena) alignTo(align uint64) {
	if align == 0 || align&(align-1) != 0 {
		panic(fmt.Sprintf("kmem: alignment %d is not a power of two", align))
	}
	a.next = (a.next + sim.Addr(align) - 1) &^ (sim.Addr(align) - 1)
}

// PerCPU is one area of a layout per CPU, none of them sharing a line.
type PerCPU struct {
	base   sim.Ptr
	stride uint64
	n      int
}

// PerCPU allocates the areas of ncpu CPUs (DEFINE_PER_CPU_ALIGNED).
func (a *Arena) PerCPU(l *sim.Layout, ncpu int) PerCPU {
	align := max(uint64(l.Align), objectAlign)
	stride := (uint64(l.Bytes) + align - 1) / align * align
	p := PerCPU{base: a.take(stride*uint64(ncpu), align), stride: stride, n: ncpu}
	for cpu := range ncpu {
		a.Syms.AddObject(p.Of(cpu).A, l, fmt.Sprintf("cpu%d", cpu))
	}
	return p
}

// Of is the area of one CPU (per_cpu_ptr).
func (p PerCPU) Of(cpu int) sim.Ptr {
	if uint(cpu) >= uint(p.n) {
		panic(fmt.Sprintf("kmem: per-CPU area of CPU %d of %d", cpu, p.n))
	}
	return p.base.Add(uint64(cpu) * p.stride)
}

// This is the area of the CPU that c runs on (this_cpu_ptr).
func (p PerCPU) This(c *sim.CPU) sim.Ptr { return p.Of(c.ID()) }

// CPUs is the number of areas.
func (p PerCPU) CPUs() int { return p.n }

// NewSpinLocks allocates what the spinlocks of one kernel share: the CPUs' MCS
// nodes and preemption counts.
func NewSpinLocks(a *Arena, ncpu int) *qspinlock.Locks {
	counts := a.PerCPU(preempt.Layout, ncpu)
	p := a.PerCPU(qspinlock.NodesLayout, ncpu)
	return qspinlock.NewLocks(p.base, p.stride, preempt.New(a.Mem, counts.base, counts.stride, ncpu))
}
