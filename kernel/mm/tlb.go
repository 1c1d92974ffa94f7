package mm

import (
	"math/bits"

	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/sim"
)

var (
	stepFlush    = sim.NewStep("tlb-flush")
	stepFlushIPI = sim.NewStep("tlb-flush-ipi")
)

// flushCeiling is tlb_single_page_flush_ceiling: more pages are flushed by
// loading CR3.
const flushCeiling = 33

// Layouts of what a shootdown moves between CPUs (arch/x86/mm/tlb.c,
// kernel/smp.c).
var (
	flushInfoLayout = sim.NewLayout("flush_tlb_info", 64, 64,
		sim.F("mm", 0, 8),
		sim.F("start", 8, 8),
		sim.F("end", 16, 8),
		sim.F("new_tlb_gen", 24, 8),
		sim.F("initiating_cpu", 32, 4),
		sim.F("freed_tables", 37, 1),
	)
	infoMM, infoStart   = flushInfoLayout.Field("mm"), flushInfoLayout.Field("start")
	infoEnd, infoNewGen = flushInfoLayout.Field("end"), flushInfoLayout.Field("new_tlb_gen")
	infoCPU, infoFreed  = flushInfoLayout.Field("initiating_cpu"), flushInfoLayout.Field("freed_tables")

	tlbStateLayout = sim.NewLayout("cpu_tlbstate", 64, 64,
		sim.F("loaded_mm", 0, 8),
		sim.F("ctxs[0].ctx_id", 32, 8),
		sim.F("ctxs[0].tlb_gen", 40, 8),
	)
	stateMM  = tlbStateLayout.Field("loaded_mm")
	stateGen = tlbStateLayout.Field("ctxs[0].tlb_gen")

	queueLayout = sim.NewLayout("call_single_queue", 64, 64, sim.F("first", 0, 8))
	queueFirst  = queueLayout.Field("first")

	csdLayout = sim.NewLayout("call_single_data", 32, 32,
		sim.F("llist.next", 0, 8),
		sim.F("u_flags", 8, 4),
		sim.F("func", 16, 8),
		sim.F("info", 24, 8),
	)
	csdNext, csdFlags = csdLayout.Field("llist.next"), csdLayout.Field("u_flags")
	csdFunc, csdInfo  = csdLayout.Field("func"), csdLayout.Field("info")
)

const (
	csdLocked    = 1    // CSD_FLAG_LOCK
	csdSync      = 0x10 // CSD_TYPE_SYNC
	flushTLBFunc = 1    // stands for the address of flush_tlb_func
)

// tlbState is the per-CPU memory of TLB shootdown. Each CPU has one
// call_single_data for every target; those of one target lie side by side in
// the target's per-CPU area, two to a line.
type tlbState struct {
	info, state, queue kmem.PerCPU
	csds               sim.Ptr // [target][initiator]
	ncpu               int
}

func newTLBState(b *kernel.Base) *tlbState {
	n := b.Sched.CPUs()
	return &tlbState{
		info:  b.Arena.PerCPU(flushInfoLayout, n),
		state: b.Arena.PerCPU(tlbStateLayout, n),
		queue: b.Arena.PerCPU(queueLayout, n),
		csds:  b.Arena.Bytes(uint64(n)*uint64(n)*uint64(csdLayout.Bytes), 64, csdLayout),
		ncpu:  n,
	}
}

func (t *tlbState) csd(target, initiator int) sim.Ptr {
	return t.csds.Add(uint64(target*t.ncpu+initiator) * uint64(csdLayout.Bytes))
}

// load is what switch_mm leaves behind on a CPU that runs a task of m.
func (t *tlbState) load(c *sim.CPU, cpu int, m *MM) {
	c.Store(t.state.Of(cpu).F(stateMM), uint64(m.at.A))
	c.Store(t.state.Of(cpu).F(stateGen), 1)
}

// flushTLBRange is flush_tlb_mm_range: raise tlb_gen, describe the flush in
// this CPU's info line, have every other CPU of mm_cpumask do it by an
// interrupt, do it here, and wait until all have acknowledged. Lazy TLB mode
// is not modelled: CPUs that sleep get the interrupt as well.
func (m *MM) flushTLBRange(c *sim.CPU, g *gather) {
	prev := c.Step(stepFlush)
	if m.s.broadcastTLB {
		broadcastFlush(c, g)
	} else {
		m.interruptFlush(c, g)
	}
	c.Step(prev)
}

// maxDVMOps is MAX_DVM_OPS: for as many pages arm64 flushes the whole address
// space instead.
const maxDVMOps = sim.PageBytes / 8

// broadcastFlush is flush_tlb_range of arm64 without FEAT_TLBIRANGE: one
// TLBI VA(L)E1IS for each page, or one ASIDE1IS.
func broadcastFlush(c *sim.CPU, g *gather) {
	n := (g.end - g.start) / sim.PageBytes
	if n > maxDVMOps {
		n = 1
	}
	c.TLBI(int(n))
}

// interruptFlush is flush_tlb_mm_range of x86.
func (m *MM) interruptFlush(c *sim.CPU, g *gather) {
	m.s.b.Sched.PreemptDisable(c)
	me := c.ID()
	info := m.s.tlb.info.Of(me)
	gen := c.FetchAdd(m.at.F(m.s.mf.tlbGen), 1, sim.Full) + 1
	c.Store(info.F(infoMM), uint64(m.at.A))
	c.Store(info.F(infoStart), g.start)
	c.Store(info.F(infoEnd), g.end)
	c.Store(info.F(infoNewGen), gen)
	c.Store(info.F(infoCPU), uint64(me))
	freed := uint64(0)
	if len(g.tables) > 0 {
		freed = 1
	}
	c.Store(info.F(infoFreed), freed)
	targets := m.otherCPUs(c, me)
	m.s.callMany(c, me, targets, info)
	irq := c.IRQSave()
	m.s.flushLocal(c, info)
	c.IRQRestore(irq)
	for _, cpu := range targets {
		c.SpinWhile(m.s.tlb.csd(cpu, me).F(csdFlags), csdLocked, csdLocked)
	}
	m.s.b.Sched.PreemptEnable(c)
}

// otherCPUs reads mm_cpumask.
func (m *MM) otherCPUs(c *sim.CPU, me int) (cpus []int) {
	for i := range (m.s.tlb.ncpu + 63) / 64 {
		w := c.Load(m.at.FI(m.s.mf.cpuBitmap, i))
		if i == me/64 {
			w &^= 1 << (me % 64)
		}
		for ; w != 0; w &= w - 1 {
			cpus = append(cpus, 64*i+bits.TrailingZeros64(w))
		}
	}
	return cpus
}

// callMany is smp_call_function_many_cond: queue a call_single_data on each
// target, and interrupt those whose queue was empty.
func (s *System) callMany(c *sim.CPU, me int, targets []int, info sim.Ptr) {
	var interrupt []int
	for _, cpu := range targets {
		csd := s.tlb.csd(cpu, me)
		c.SpinWhile(csd.F(csdFlags), csdLocked, csdLocked)
		c.Store(csd.F(csdFlags), csdLocked|csdSync)
		c.SmpWMB()
		c.Store(csd.F(csdFunc), flushTLBFunc)
		c.Store(csd.F(csdInfo), uint64(info.A))
		if s.llistAdd(c, s.tlb.queue.Of(cpu).F(queueFirst), csd) {
			interrupt = append(interrupt, cpu)
		}
	}
	for _, cpu := range interrupt {
		c.SendIPI(cpu, s.callFunctionInterrupt)
	}
}

// llistAdd pushes csd and reports whether the list was empty.
func (s *System) llistAdd(c *sim.CPU, head sim.Ref, csd sim.Ptr) bool {
	first := c.Load(head)
	for {
		c.Store(csd.F(csdNext), first)
		was, ok := c.CmpXchg(head, first, uint64(csd.A), sim.Full)
		if ok {
			return first == 0
		}
		first = was
	}
}

// callFunctionInterrupt is flush_smp_call_function_queue: the responder. The
// acknowledgement is the release store that unlocks the call_single_data.
func (s *System) callFunctionInterrupt(c *sim.CPU) {
	wasIdle := s.b.Sched.IRQEnter(c)
	prev := c.Step(stepFlushIPI)
	csd := s.takeCalls(c)
	for !csd.IsNull() {
		next := c.LoadPtr(csd.F(csdNext))
		c.Load(csd.F(csdFunc))
		s.flushLocal(c, c.LoadPtr(csd.F(csdInfo)))
		c.StoreRelease(csd.F(csdFlags), 0)
		csd = next
	}
	c.Step(prev)
	s.b.Sched.IRQExit(c, wasIdle)
}

// takeCalls is llist_del_all and llist_reverse_order: the calls queued on this
// CPU, oldest first.
func (s *System) takeCalls(c *sim.CPU) (first sim.Ptr) {
	e := sim.At(sim.Addr(c.Xchg(s.tlb.queue.This(c).F(queueFirst), 0, sim.Full)))
	for !e.IsNull() {
		next := c.LoadPtr(e.F(csdNext))
		c.Store(e.F(csdNext), uint64(first.A))
		first, e = e, next
	}
	return first
}

// flushLocal is flush_tlb_func: bring this CPU's TLB up to the mm's tlb_gen,
// page by page if it missed just this flush and the range is short.
func (s *System) flushLocal(c *sim.CPU, info sim.Ptr) {
	state := s.tlb.state.This(c)
	mm := c.LoadPtr(info.F(infoMM))
	if c.Load(state.F(stateMM)) != uint64(mm.A) {
		return
	}
	local := c.Load(state.F(stateGen))
	gen := c.Load(mm.F(s.mf.tlbGen))
	if local == gen {
		return
	}
	start, end, target := c.Load(info.F(infoStart)), c.Load(info.F(infoEnd)), c.Load(info.F(infoNewGen))
	pages := (end - start) / sim.PageBytes
	if pages <= flushCeiling && target == local+1 && target == gen {
		c.Compute(s.costs.Invlpg * sim.Cycles(pages))
	} else {
		c.Compute(s.costs.CR3Write)
	}
	c.Store(state.F(stateGen), gen)
}
