package sim

import "fmt"

// Direct is the executor without time and without concurrency: every
// operation acts at once on the memory. It builds initial states (address
// spaces, trees) with the same kernel code that runs simulated later.
// Waiting of any kind is a bug in a builder and panics.
type Direct struct {
	Mem *Memory
	now Time
}

// NewDirect returns a handle (CPU 0, no task) that executes on m at once.
func NewDirect(m *Memory) *CPU { return NewCPU(&Direct{Mem: m}, 0, -1, "build") }

func (d *Direct) Load(_ *CPU, r Ref, _ Order) (uint64, Dep) { return d.Mem.Read(r.A, r.Size), 0 }

func (d *Direct) Store(_ *CPU, r Ref, v uint64, _ Order) { d.Mem.Write(r.A, r.Size, v) }

func (d *Direct) RMW(_ *CPU, r Ref, op RMWOp, arg, cmp uint64, _ Order) (uint64, Dep) {
	old := d.Mem.Read(r.A, r.Size)
	if v, ok := op.Apply(old, arg, cmp, r.Size); ok {
		d.Mem.Write(r.A, r.Size, v)
	}
	return old, 0
}

func (d *Direct) Bulk(_ *CPU, dst, src Ptr, bytes uint64) { BulkValues(d.Mem, dst, src, bytes) }

// BulkValues carries out the value side of a bulk copy or clear.
func BulkValues(m *Memory, dst, src Ptr, bytes uint64) {
	for i := uint64(0); i < bytes; i += 8 {
		var v uint64
		if !src.IsNull() {
			v = m.Read(src.A+Addr(i), 8)
		}
		m.Write(dst.A+Addr(i), 8, v)
	}
}

func (d *Direct) Spin(c *CPU, _ Time) int {
	for i := range c.Conds {
		k := &c.Conds[i]
		if k.Holds(d.Mem.Read(k.Ref.A, k.Ref.Size)) {
			return i
		}
	}
	panic(fmt.Sprintf("sim: spin-wait at %#x while building the initial state", uint64(c.Conds[0].Ref.A)))
}

func (d *Direct) SwitchTo(*CPU, TaskID, WaitReason) TaskID {
	panic("sim: a context switch while building the initial state")
}

func (d *Direct) Idle(*CPU) { panic("sim: idling while building the initial state") }

func (d *Direct) SetRunnable(*CPU, TaskID)             {}
func (d *Direct) Lock(*CPU, LockEvent, Addr, LockMode) {}
func (d *Direct) Fence(*CPU, Fence)                    {}
func (d *Direct) Prefetch(*CPU, Ref, bool)             {}
func (d *Direct) Compute(*CPU, Cycles)                 {}
func (d *Direct) Think(*CPU, Time)                     {}
func (d *Direct) Relax(*CPU)                           {}
func (d *Direct) Interrupts(*CPU, bool)                {}
func (d *Direct) SendIPI(*CPU, int, Handler)           {}
func (d *Direct) TLBI(*CPU, int)                       {}
func (d *Direct) SetTimer(*CPU, Time, Handler)         {}
func (d *Direct) SetTick(*CPU, Time, Handler)          {}
func (d *Direct) CPUID(*CPU) int                       { return 0 }
func (d *Direct) Now(*CPU) Time                        { return d.now }
func (d *Direct) Step(_ *CPU, s Step) Step             { return s }
func (d *Direct) Count(*CPU, Counter, int64)           {}
func (d *Direct) OpBegin(*CPU)                         {}
func (d *Direct) OpEnd(*CPU)                           {}
