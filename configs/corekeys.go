package configs

import (
	"mmsim/configs/schema"
	"mmsim/cores"
	"mmsim/sim"
)

func bindCore(t *schema.Table[Machine]) {
	schema.Bind(t, "core.store_buffer", schema.Count(1, 1024), "Store buffer entries, of a thread.",
		func(m *Machine) *int { return &m.hw.StoreBuffer }).Required()
	schema.Bind(t, "core.store_commit", positiveCycles, "Between two commits to lines that L1D holds exclusive.",
		func(m *Machine) *sim.Cycles { return &m.hw.StoreCommit })
	schema.Bind(t, "core.drain", drainKind, "Stores become visible in program order (TSO), or by line as ownership arrives.",
		func(m *Machine) *bool { return &m.hw.DrainInOrder }).Required()
	schema.Bind(t, "core.miss_buffers", schema.Count(1, 1024), "Outstanding misses of a core's private caches.",
		func(m *Machine) *int { return &m.hw.MissBuffers }).Required()
}

func bindOrdering(t *schema.Table[Machine]) {
	schema.Bind(t, "ordering.class", schema.Enum[cores.OrderingClass]("ordering class", "x86-tso", "arm64", "arm64-lse", "power", "riscv"),
		"How the kernel's primitives become instructions.",
		func(m *Machine) *cores.OrderingClass { return &m.hw.Ordering }).Required()
	schema.Bind(t, "ordering.costs", schema.Enum[orderCosts]("source of costs", "listed", "by-class"),
		"Base costs of atomics and barriers. listed: the keys below; by-class: those of a typical core of ordering.class, whatever the keys below say (docs/sources.md; POWER and RISC-V with little confidence).",
		func(m *Machine) *orderCosts { return &m.orderCosts })
	listed := func(m *Machine) bool { return m.orderCosts == listedCosts }
	weak := func(m *Machine) bool { return m.hw.Ordering != cores.X86TSO && listed(m) }
	costs := []struct {
		name, doc string
		at        func(c *cores.InstrCosts) *sim.Cycles
		weakOnly  bool
	}{
		{"atomic", "One near atomic on a line held exclusive.", func(c *cores.InstrCosts) *sim.Cycles { return &c.Atomic }, false},
		{"mb", "smp_mb: LOCK ADD, DMB ISH, hwsync, fence rw,rw.", func(c *cores.InstrCosts) *sim.Cycles { return &c.MB }, false},
		{"rmb", "smp_rmb: DMB ISHLD, lwsync, fence r,r.", func(c *cores.InstrCosts) *sim.Cycles { return &c.RMB }, true},
		{"wmb", "smp_wmb: DMB ISHST, lwsync, fence w,w.", func(c *cores.InstrCosts) *sim.Cycles { return &c.WMB }, true},
		{"acquire", "Added to a load-acquire: LDAR, ld+lwsync, ld+fence.", func(c *cores.InstrCosts) *sim.Cycles { return &c.Acquire }, true},
		{"release", "Added to a store-release: STLR, lwsync+st, fence+st.", func(c *cores.InstrCosts) *sim.Cycles { return &c.Release }, true},
		{"atomic_acquire", "Added to an acquire atomic.", func(c *cores.InstrCosts) *sim.Cycles { return &c.AtomicAcq }, true},
		{"atomic_release", "Added to a release atomic.", func(c *cores.InstrCosts) *sim.Cycles { return &c.AtomicRel }, true},
		{"atomic_full", "Added to a fully ordered atomic (arm64 with LL/SC and power have smp_mb around or behind it instead).", func(c *cores.InstrCosts) *sim.Cycles { return &c.AtomicFull }, true},
		{"this_cpu", "A this_cpu read-modify-write beyond its load and store.", func(c *cores.InstrCosts) *sim.Cycles { return &c.ThisCPU }, false},
		{"lost_overlap", "What an acquire or smp_rmb costs because younger loads may not start early.", func(c *cores.InstrCosts) *sim.Cycles { return &c.LostOverlap }, true},
	}
	for _, c := range costs {
		e := schema.Bind(t, "ordering."+c.name, schema.Cycles, c.doc+" With nothing to wait for; waiting comes on top, out of the model.",
			func(m *Machine) *sim.Cycles { return c.at(&m.hw.Costs) })
		if c.weakOnly {
			e.When("an ordering.class other than x86-tso, which needs no instruction for it, and costs = listed", weak)
		} else {
			e.When("costs = listed", listed)
		}
	}
	schema.Bind(t, "atomics.placement", schema.Enum[cores.AtomicPlacement]("placement", "near", "far", "far-unless-held", "far-void"),
		"near: in the core's cache; far: at the line's home; far-unless-held: at the home unless the core holds the line; far-void: so for atomics without a result, others near.",
		func(m *Machine) *cores.AtomicPlacement { return &m.hw.Atomics })
	schema.Bind(t, "atomics.far_occupancy", schema.Time, "How long one far atomic keeps its line at the home.",
		func(m *Machine) *sim.Time { return &m.hw.FarOccupy }).When("a placement other than near",
		func(m *Machine) bool { return m.hw.Atomics != cores.Near })
	schema.Bind(t, "spin.kind", schema.Enum[cores.SpinWait]("kind", "pause", "event"),
		"A spin-wait polls, a PAUSE apart, or sleeps until the line is taken (WFE).",
		func(m *Machine) *cores.SpinWait { return &m.hw.Spin })
	schema.Bind(t, "spin.pause", schema.Cycles, "Length of PAUSE, YIELD or its like.",
		func(m *Machine) *sim.Cycles { return &m.hw.PauseLength })
}

func bindOS(t *schema.Table[Machine]) {
	cyc := func(name, doc string, at func(o *cores.OSCosts) *sim.Cycles) {
		schema.Bind(t, "os."+name, schema.Cycles, doc, func(m *Machine) *sim.Cycles { return at(&m.hw.OS) }).Required()
	}
	span := func(name, doc string, at func(o *cores.OSCosts) *sim.Time) {
		schema.Bind(t, "os."+name, schema.Positive(schema.Time), doc, func(m *Machine) *sim.Time { return at(&m.hw.OS) }).Required()
	}
	cyc("trap_entry", "User to kernel by exception.", func(o *cores.OSCosts) *sim.Cycles { return &o.TrapEntry })
	cyc("trap_exit", "Kernel to user.", func(o *cores.OSCosts) *sim.Cycles { return &o.TrapExit })
	cyc("context_switch", "One context switch, on the CPU that switches.", func(o *cores.OSCosts) *sim.Cycles { return &o.ContextSwitch })
	span("idle_exit", "An idle CPU, from wake-up interrupt to scheduler.", func(o *cores.OSCosts) *sim.Time { return &o.IdleExit })
	cyc("ipi_send", "Sending one interrupt, on the sender.", func(o *cores.OSCosts) *sim.Cycles { return &o.IPISend })
	span("ipi_delivery", "From sending to the target's vector.", func(o *cores.OSCosts) *sim.Time { return &o.IPIDelivery })
	cyc("irq_entry_exit", "Interrupt entry and exit, on the interrupted CPU.", func(o *cores.OSCosts) *sim.Cycles { return &o.IRQEntryExit })
	bindTLBFlush(t)
}

func bindTLBFlush(t *schema.Table[Machine]) {
	broadcast := func(m *Machine) bool { return m.hw.OS.TLBFlush == cores.FlushByBroadcast }
	const needs = "os.tlb_flush = broadcast"
	schema.Bind(t, "os.tlb_flush", schema.Enum[cores.TLBFlush]("TLB flush", "ipi", "broadcast"),
		"How other CPUs' translations are flushed: by interrupting them (x86), or by an invalidation that the interconnect carries to all cores (arm64 TLBI ...IS).",
		func(m *Machine) *cores.TLBFlush { return &m.hw.OS.TLBFlush })
	schema.Bind(t, "os.tlbi_issue", schema.Cycles, "Issuing one broadcast invalidation.",
		func(m *Machine) *sim.Cycles { return &m.hw.OS.TLBIIssue }).When(needs, broadcast)
	schema.Bind(t, "os.tlbi_invalidate", schema.Time, "Carrying one broadcast invalidation out at the receivers; several follow one another, whichever CPUs they come from. Its way comes on top, out of the interconnect.",
		func(m *Machine) *sim.Time { return &m.hw.OS.TLBIInvalidate }).When(needs, broadcast)
}
