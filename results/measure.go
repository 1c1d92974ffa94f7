package results

import (
	"fmt"
	"math/big"

	"github.com/HdrHistogram/hdrhistogram-go"

	"mmsim/cores"
	"mmsim/sim"
)

// GroupInfo describes one group of a workload to its records.
type GroupInfo struct {
	Name, Path, Load string
	Threads          int
}

// Source is one finished run: who it was, on which machine, and what came out.
type Source struct {
	Identity Identity
	Machine  *cores.Machine
	Groups   []GroupInfo // by the group index of cores.Thread
	Threads  []cores.Thread
	// Kernel says that the paths run kernel code (rather than bare probes of
	// the machine), so that kernel events which did not happen are zero
	// rather than not applicable.
	Kernel bool
	Result *cores.Result
}

// Measure makes the record of a run. The error is an account that does not
// add up: every femtosecond of every CPU and every task must have one owner.
func Measure(s *Source) (*Record, error) {
	if err := s.Result.Check(); err != nil {
		return nil, fmt.Errorf("accounts: %w", err)
	}
	r := &Record{Schema: SchemaVersion, Model: ModelVersion, Hash: HashOf(&s.Identity),
		Identity: s.Identity, Elapsed: s.Result.Elapsed, Kernel: s.Kernel}
	for i := range s.Groups {
		r.Groups = append(r.Groups, newGroup(s, i))
	}
	for i := range s.Result.CPUs {
		cpu := &s.Result.CPUs[i]
		r.Groups[cpu.Group].addCPU(cpu)
	}
	addTasks(r, s)
	addLocks(r, s)
	for _, o := range s.Result.LockOrder {
		r.LockOrder = append(r.LockOrder, o.String())
	}
	for i := range r.Groups {
		r.Groups[i].keepApplicable(s)
	}
	r.Bounces = bounceTable(s.Result, s.Machine.Mem.LineBytes)
	r.ByDistance = byDistance(r.Bounces, &s.Machine.Mem)
	return r, nil
}

func newGroup(s *Source, i int) Group {
	info := s.Groups[i]
	g := Group{Name: info.Name, Path: info.Path, Load: info.Load, Threads: info.Threads,
		CPUTime: Counts{}, Cycles: Counts{}, StepTime: Counts{}, StepCycles: Counts{}, SpinWait: Counts{},
		Sleeping: Counts{}, SleepCycles: Counts{}, Metrics: Counts{}, Events: Counts{}}
	if i < len(s.Result.Latency) {
		g.Latency = latencyOf(s.Result.Latency[i])
	}
	return g
}

func latencyOf(h *hdrhistogram.Histogram) *Latency {
	if h == nil || h.TotalCount() == 0 {
		return nil
	}
	return &Latency{Mean: meanOf(h), P50: h.ValueAtQuantile(50), P90: h.ValueAtQuantile(90), P99: h.ValueAtQuantile(99), Max: h.Max()}
}

// meanOf is the mean of a histogram in whole ps, from the midpoints of its
// buckets in integer arithmetic, so that it is the same on every host.
func meanOf(h *hdrhistogram.Histogram) int64 {
	total := new(big.Int)
	for _, b := range h.Distribution() {
		if b.Count > 0 {
			total.Add(total, new(big.Int).Mul(big.NewInt(b.From+b.To), big.NewInt(b.Count)))
		}
	}
	n := big.NewInt(2 * h.TotalCount())
	return total.Add(total, big.NewInt(h.TotalCount())).Div(total, n).Int64()
}

// cyclesOf is t in cycles of a clock, rounded to the nearest.
func cyclesOf(t, period sim.Time) int64 { return int64((t + period/2) / period) }

func (g *Group) addCPU(cpu *cores.CPUResult) {
	for s := range cpu.Time {
		for k, t := range cpu.Time[s] {
			if t == 0 {
				continue
			}
			cyc := cyclesOf(t, cpu.Period)
			cat, step := cores.Category(k).String(), sim.Step(s).String()
			g.CPUTime[cat] += int64(t)
			g.Cycles[cat] += cyc
			g.StepTime[step] += int64(t)
			g.StepCycles[step] += cyc
		}
	}
	for d, t := range cpu.SpinWait {
		g.SpinWait[distanceName(d)] += cyclesOf(t, cpu.Period)
	}
	for m, n := range cpu.Metrics {
		g.Metrics[cores.Metric(m).String()] += n
	}
	for m, name := range sim.Counters() {
		g.Events[name] += cpu.Events[m]
	}
}

func addTasks(r *Record, s *Source) {
	period := map[int]sim.Time{}
	for i := range s.Result.CPUs {
		period[s.Result.CPUs[i].CPU] = s.Result.CPUs[i].Period
	}
	for i := range s.Result.Tasks {
		t := &s.Result.Tasks[i]
		th := &s.Threads[t.Thread]
		g := &r.Groups[th.Group]
		g.Ops += t.Ops
		g.ThreadOps = append(g.ThreadOps, t.Ops)
		g.Running += t.Running
		g.Interrupted += t.IRQ
		for w, name := range sim.WaitReasons() {
			if d := t.Sleeping[w]; d > 0 {
				g.Sleeping[name] += int64(d)
				g.SleepCycles[name] += cyclesOf(d, period[th.CPU])
			}
		}
	}
}
