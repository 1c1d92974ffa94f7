package bench

import (
	"fmt"

	"mmsim/kernel"
	"mmsim/kernel/locking"
	"mmsim/sim"
)

type spinLock = locking.SpinLock

type lock interface {
	Lock(c *sim.CPU, m sim.LockMode)
	Unlock(c *sim.CPU, m sim.LockMode)
}

// LockKinds lists the designs of path lock-bench.
func LockKinds() []Variant {
	return []Variant{{"qspinlock", "spinlock_t"}, {"rwsem", "rw_semaphore"}}
}

var lockLayout = sim.NewLayout("bench_lock", 64, 64, append(locking.RWSemMembers("rwsem", 0), sim.F("spin", 40, 4))...)

type spin struct{ spinLock }

func (s spin) Lock(c *sim.CPU, _ sim.LockMode)   { s.spinLock.Lock(c) }
func (s spin) Unlock(c *sim.CPU, _ sim.LockMode) { s.spinLock.Unlock(c) }

type rwsem struct{ locking.RWSem }

func (s rwsem) Lock(c *sim.CPU, m sim.LockMode) {
	if m == sim.Shared {
		s.DownRead(c)
	} else {
		s.DownWrite(c)
	}
}

func (s rwsem) Unlock(c *sim.CPU, m sim.LockMode) {
	if m == sim.Shared {
		s.UpRead(c)
	} else {
		s.UpWrite(c)
	}
}

func newLock(b *kernel.Base, kind string) (lock, error) {
	p := b.Arena.Object(lockLayout, kind)
	switch kind {
	case "qspinlock":
		return spin{b.Spin.At(p.F(lockLayout.Field("spin")))}, nil
	case "rwsem":
		l := b.RWSems.At(p, locking.RWSemFieldsOf(lockLayout, "rwsem"))
		l.Init(sim.NewDirect(b.Arena.Mem))
		return rwsem{l}, nil
	}
	return nil, fmt.Errorf("unknown lock %q", kind)
}
