package results

import (
	"math/big"

	"mmsim/cores"
	"mmsim/sim"
)

var identityColumns = []Column{
	{Name: "schema_version", Doc: "Shape of the record; raised when a column changes its meaning.",
		Value: func(r *Record) Value { return Int(int64(r.Schema)) }},
	{Name: "model_version", Doc: "Version of the simulator's model; raised whenever results can change.",
		Value: func(r *Record) Value { return Int(int64(r.Model)) }},
	{Name: "record_hash", Doc: "SHA-256 of everything that determines the measurement: versions, effective configuration (point and design included), seed. Names its file in a store.",
		Value: func(r *Record) Value { return Text(r.Hash) }},
	{Name: "experiment", Doc: "Name of the experiment.",
		Value: func(r *Record) Value { return Text(r.Experiment) }},
	{Name: "machine", Doc: "Name of the machine.",
		Value: func(r *Record) Value { return Text(r.Machine) }},
	{Name: "point", Doc: "Swept keys and their values, `key=value key=value` in the order of the sweeps.", Applies: "experiments with a sweep",
		Value: func(r *Record) Value {
			if len(r.Point) == 0 {
				return NotApplicable
			}
			return Text(r.PointName())
		}},
	{Name: "design", Doc: "Label of the design that ran.",
		Value: func(r *Record) Value { return Text(r.Design) }},
	{Name: "base_design", Doc: "The registered design behind the label.",
		Value: func(r *Record) Value { return Text(r.Base) }},
	{Name: "baseline", Doc: "Label of the design that ratios refer to.",
		Value: func(r *Record) Value { return Text(r.Baseline) }},
	{Name: "report_group", Doc: "Group of threads that the columns without `run_` are about.",
		Value: func(r *Record) Value { return Text(r.Report) }},
	{Name: "seed", Doc: "Seed of the run. Designs run with the same seed see the same targets, think times and arrivals, operation by operation.",
		Value: func(r *Record) Value { return Int(int64(r.Seed)) }},
	{Name: "warmup_ns", Unit: Nanoseconds, Decimals: 3, Doc: "Simulated time before the measured interval; nothing in it is counted.",
		Value: func(r *Record) Value { return nanoseconds(r.Warmup) }},
	{Name: "simulated_ns", Unit: Nanoseconds, Decimals: 3, Doc: "Simulated time of the measured interval.",
		Value: func(r *Record) Value { return nanoseconds(r.Elapsed) }},
}

const perOp = "at least one operation ended in the measured interval"

var costColumns = []Column{
	{Name: "threads_count", Unit: Count, Doc: "Threads of the report group.",
		Value: ofGroup(func(r *Record, g *Group) Value { return Int(int64(g.Threads)) })},
	{Name: "ops_count", Unit: Count, Doc: "Operations of the report group that ended in the measured interval.",
		Value: ofGroup(func(r *Record, g *Group) Value { return Int(g.Ops) })},
	{Name: "throughput_ops_per_s", Unit: OpsPerS, Doc: "Operations per second of simulated time, all threads of the group together.",
		Value: ofGroup(func(r *Record, g *Group) Value { return Frac(g.Ops, int64(r.Elapsed)).times(int64(sim.Second)) })},
	{Name: "cost_ns_per_op", Unit: NsPerOp, Decimals: 3, Applies: perOp,
		Doc:   "`ns/op` of the report, by which designs are compared: `time_ns_per_op` of kernel paths, which counts operations that never ended too; `latency_mean_ns` of path micro, whose threads also prepare the next operation.",
		Value: cost},
	{Name: "time_ns_per_op", Unit: NsPerOp, Decimals: 3, Applies: perOp,
		Doc:   "The threads' time outside user-mode think time, per operation: running, interrupted and asleep, whether inside an operation or between two. Exact, and without the bias of `latency_mean_ns` against operations longer than what is left of the measured interval.",
		Value: ofGroup(timePerOp)},
	{Name: "latency_mean_ns", Unit: Nanoseconds, Decimals: 3, Applies: perOp, Doc: "Mean latency of an operation from its beginning to its end (HDR histogram, three significant digits), of those that ended in the measured interval.",
		Value: latency(func(l *Latency) int64 { return l.Mean })},
	{Name: "latency_p50_ns", Unit: Nanoseconds, Decimals: 3, Applies: perOp, Doc: "Median latency of an operation (HDR histogram, three significant digits).",
		Value: latency(func(l *Latency) int64 { return l.P50 })},
	{Name: "latency_p90_ns", Unit: Nanoseconds, Decimals: 3, Applies: perOp, Doc: "90th percentile of the latency.",
		Value: latency(func(l *Latency) int64 { return l.P90 })},
	{Name: "latency_p99_ns", Unit: Nanoseconds, Decimals: 3, Applies: perOp, Doc: "99th percentile of the latency.",
		Value: latency(func(l *Latency) int64 { return l.P99 })},
	{Name: "latency_max_ns", Unit: Nanoseconds, Decimals: 3, Applies: perOp, Doc: "Longest latency.",
		Value: latency(func(l *Latency) int64 { return l.Max })},
	{Name: "busy_cycles_per_op", Unit: CyclesPerOp, Decimals: 2, Applies: perOp, Doc: "Cycles of the group's CPUs outside think time and idling, per operation: all categories but `think` and `idle`.",
		Value: ofGroup(func(r *Record, g *Group) Value { return Frac(busyCycles(g), g.Ops) })},
	{Name: "bounces_per_op", Unit: PerOp, Decimals: 3, Applies: perOp, Doc: "Lines that the group's CPUs took from another core's private caches, per operation.",
		Value: perOperation(func(g *Group) Value { return lookup(g.Metrics, cores.Bounces.String()) })},
	{Name: "fence_stall_cycles_per_op", Unit: CyclesPerOp, Decimals: 2, Applies: perOp, Doc: "Cycles per operation spent waiting for earlier accesses because of an order (barriers, ordered atomics, releases), beyond what the instruction costs by itself.",
		Value: perOperation(func(g *Group) Value { return lookup(g.Cycles, cores.FenceStall.String()) })},
	{Name: "lock_wait_cycles_per_op", Unit: CyclesPerOp, Decimals: 2, Applies: perOp, Doc: "Cycles per operation spent waiting for locks: spinning (`lock_spin`) and asleep (`sleeping_ns`, in cycles of the thread's CPU).",
		Value: ofGroup(func(r *Record, g *Group) Value {
			return Frac(g.Cycles[cores.LockSpin.String()]+asleep(g.SleepCycles), g.Ops)
		})},
	{Name: "fallback_pct", Unit: Percent, Decimals: 3, Applies: "designs that speculate", Doc: "Speculative lookups that gave up and took the lock, per hundred attempts.",
		Value: ofGroup(func(r *Record, g *Group) Value {
			return Frac(g.Events[eventFallbacks], g.Events[eventAttempts]).times(100)
		})},
	{Name: "wasted_cycles_per_op", Unit: CyclesPerOp, Decimals: 2, Applies: "designs that speculate", Doc: "Cycles per operation from the start to the end of speculative lookups that gave up: time wasted, whatever the lock costs that was taken then.",
		Value: ofGroup(wastedCycles)},
	{Name: "write_fence_cycles_per_write", Unit: CyclesPerWrite, Decimals: 2, Applies: "paths that take mmap_lock for writing", Doc: "Cycles that the design adds to a write section of mmap_lock, per section: the stores to mm_lock_seq, with the release or store barriers that order them (step `write-lock-fence`).",
		Value: perWrite("write-lock-fence", eventMMWrites)},
	{Name: "vma_fence_cycles_per_write", Unit: CyclesPerWrite, Decimals: 2, Applies: "paths that write-lock VMAs", Doc: "Cycles that a per-VMA sequence count adds to write-locking a VMA (vma_start_write, which page faults need too), per VMA locked: the store barrier behind the stamp, or the VMA's own sequence (step `vma-lock-fence`).",
		Value: perWrite("vma-lock-fence", eventVMAWrites)},
}

// wastedCycles turns time into cycles by the group's own account, as its CPUs
// may have several clocks.
func wastedCycles(_ *Record, g *Group) Value {
	time := sum(g.CPUTime)
	if g.Events[eventAttempts] == 0 || g.Ops == 0 || time == 0 {
		return NotApplicable
	}
	v := Int(g.Events[eventWasted]).times(int64(sim.Picosecond)).times(sum(g.Cycles))
	return Value{num: v.num, den: Int(time).times(g.Ops).num}
}

// perWrite is the cycles of a step by how often what it belongs to happened.
func perWrite(step, event string) func(*Record) Value {
	return ofGroup(func(_ *Record, g *Group) Value { return Frac(g.StepCycles[step], g.Events[event]) })
}

func cost(r *Record) Value {
	if r.Kernel {
		return ofGroup(timePerOp)(r)
	}
	return latency(func(l *Latency) int64 { return l.Mean })(r)
}

func timePerOp(r *Record, g *Group) Value {
	total := int64(r.Elapsed)*int64(g.Threads) - g.CPUTime[cores.Think.String()]
	if g.Ops == 0 {
		return NotApplicable
	}
	return Value{num: Int(total).num, den: Int(g.Ops).times(int64(sim.Nanosecond)).num}
}

func latency(pick func(*Latency) int64) func(*Record) Value {
	return ofGroup(func(r *Record, g *Group) Value {
		if g.Latency == nil {
			return NotApplicable
		}
		return Frac(pick(g.Latency), 1000)
	})
}

// perOperation divides a count of the report group by its operations.
func perOperation(f func(g *Group) Value) func(*Record) Value {
	return ofGroup(func(r *Record, g *Group) Value {
		v := f(g)
		if v.num == nil || g.Ops == 0 {
			return NotApplicable
		}
		return Value{num: v.num, den: new(big.Int).Mul(v.den, big.NewInt(g.Ops))}
	})
}

func busyCycles(g *Group) int64 {
	return sum(g.Cycles) - g.Cycles[cores.Think.String()] - g.Cycles[cores.Idle.String()]
}
