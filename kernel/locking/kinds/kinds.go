// Package kinds is the table of the kernel's locks by name: one interface over
// all of them, and a constructor that places a lock object on lines of its own.
// Workloads that compare locks are written against it.
package kinds

import (
	"fmt"
	"strings"

	"mmsim/kernel"
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// Lock is a lock of any kind. A lock without a read side takes Shared for
// Exclusive.
type Lock interface {
	// Lock waits for the lock.
	Lock(c *sim.CPU, m sim.LockMode)
	// TryLock takes the lock if that needs no waiting.
	TryLock(c *sim.CPU, m sim.LockMode) bool
	// Unlock is called by the context that took the lock, in the same mode.
	Unlock(c *sim.CPU, m sim.LockMode)
}

// Optimistic is a lock whose readers need not take it: they read, and read
// again if a writer came in between. Lock with Shared excludes writers and
// other such readers.
type Optimistic interface {
	Lock
	// ReadBegin waits until no writer is inside.
	ReadBegin(c *sim.CPU) (seq uint64)
	// ReadRetry reports whether what was read since ReadBegin means nothing.
	ReadRetry(c *sim.CPU, seq uint64) bool
}

// Kind describes one kind of lock.
type Kind struct {
	Name string
	Doc  string
	// Sleeps: its waiters give up the CPU; it cannot be taken in an interrupt.
	Sleeps bool
	// Shared: its readers come in together.
	Shared bool
	// Optimistic: its locks are of that interface.
	Optimistic bool
	// NoWriteTry: the kernel has no trylock for its writers; TryLock fails.
	NoWriteTry bool

	make func(f *Factory, name string) Lock
}

var table = []Kind{
	{Name: "tas", Doc: "test-and-set spinlock (virt_spin_lock)", make: (*Factory).tas},
	{Name: "ticket", Doc: "ticket spinlock (asm-generic)", make: (*Factory).ticket},
	{Name: "mcs", Doc: "MCS queue spinlock (mcs_spinlock.h)", make: (*Factory).mcs},
	{Name: "qspinlock", Doc: "spinlock_t: pending bit, then MCS queue (qspinlock.c)", make: (*Factory).qspinlock},
	{Name: "mutex", Doc: "mutex with optimistic spinning and handoff (mutex.c)", Sleeps: true, make: (*Factory).mutex},
	{Name: "rwsem", Doc: "rw_semaphore (rwsem.c)", Sleeps: true, Shared: true, make: (*Factory).rwsem},
	{Name: "qrwlock", Doc: "rwlock_t (qrwlock.c)", Shared: true, make: (*Factory).qrwlock},
	{Name: "percpu-rwsem", Doc: "percpu_rw_semaphore: per-CPU readers, a grace period per writer", Sleeps: true, Shared: true,
		NoWriteTry: true, make: (*Factory).percpuRWSem},
	{Name: "bravo-rwsem", Doc: "rw_semaphore with BRAVO reader bias (proposed)", Sleeps: true, Shared: true, make: (*Factory).bravo},
	{Name: "seqlock", Doc: "seqlock_t: readers retry (seqlock.h)", Optimistic: true, make: (*Factory).seqlock},
}

// Kinds lists all kinds, in a fixed order.
func Kinds() []Kind { return append([]Kind(nil), table...) }

// Find is the kind of that name.
func Find(name string) (Kind, error) {
	var names []string
	for _, k := range table {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("no lock is called %q; there are %s", name, strings.Join(names, ", "))
}

// Options of the locks that a Factory makes.
type Options struct {
	// Preemptible leaves preemption on under tas, ticket and mcs, as in user
	// space: a waiter or the holder may lose its CPU.
	Preemptible bool
	// Lines says how the words of an rw_semaphore share cache lines.
	Lines Lines
}

// Lines says which words of an rw_semaphore, BRAVO's included, share a cache
// line.
type Lines uint8

const (
	// Packed leaves them as the struct has them: count and owner in one line.
	Packed Lines = iota
	// SplitOwner moves owner to a line of its own, away from count and the rest.
	SplitOwner
)

// LineNames are the names of Lines, in their order.
func LineNames() []string { return []string{"packed", "split-owner"} }

// Factory makes locks in the memory of one kernel. Set-up only.
type Factory struct {
	b      *kernel.Base
	o      Options
	cpu    *sim.CPU // initialises the locks
	bravos *locking.BravoRWSems
}

// New returns the factory of a booted kernel.
func New(b *kernel.Base, o Options) *Factory {
	return &Factory{
		b: b, o: o, cpu: sim.NewDirect(b.Arena.Mem),
		bravos: locking.NewBravoRWSems(b.Arena, b.Sched, b.RWSems),
	}
}

// Make places a lock of the kind on lines of its own. name tells it from
// others in reports and may be empty.
func (f *Factory) Make(kind, name string) (Lock, error) {
	k, err := Find(kind)
	if err != nil {
		return nil, err
	}
	return k.make(f, name), nil
}
