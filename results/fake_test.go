package results

import (
	"testing"

	"github.com/HdrHistogram/hdrhistogram-go"

	"mmsim/coherence"
	"mmsim/cores"
	"mmsim/sim"
)

var (
	stepLookup = sim.NewStep("vma-lookup")
	stepWrite  = sim.NewStep("vma-write")
	fallbackEv = sim.NewCounter(eventFallbacks)
	attemptEv  = sim.NewCounter(eventAttempts)
)

// The kernel's names that columns are made of, declared as the kernel does.
func init() {
	sim.NewCounter("lock_waits")
	sim.NewWaitReason("rwsem")
}

// fakeMachine has two sockets of two cores without SMT.
func fakeMachine() *cores.Machine {
	return &cores.Machine{Name: "fake", Title: "a fake machine", Mem: coherence.Params{
		Topology: coherence.Topology{Sockets: 2, ClustersPerSocket: 1, CoresPerCluster: 2, ThreadsPerCore: 1},
		LLC:      coherence.CacheGeometry{Bytes: 1 << 20, Ways: 16}, LineBytes: 64}}
}

var fakeStruct = sim.NewLayout("mm_struct", 128, 64, sim.F("count", 64, 8), sim.F("seq", 72, 4), sim.F("flags", 76, 4),
	sim.Arr("slot", 96, 8, 4))

// fakeRun is a finished run of two hitters and a writer over 10 us: each hit
// takes hitNs, and the CPUs' accounts follow from it.
type fakeRun struct {
	point  string
	design string
	seed   uint64
	hit    sim.Time
	ops    int64
	fell   int64 // of 100 attempts; -1: the design does not speculate
}

func (f fakeRun) source(t testing.TB) *Source {
	t.Helper()
	const elapsed, period = 10 * sim.Microsecond, 400 * sim.Picosecond
	syms := &sim.Symbols{}
	syms.AddObject(0x1000, fakeStruct, "")
	res := &cores.Result{Elapsed: elapsed, Syms: syms}
	for cpu := range 3 {
		c := cores.CPUResult{CPU: cpu, Group: cpu / 2, Period: period}
		c.Time[stepLookup][cores.FenceStall] = sim.Microsecond
		c.Time[stepLookup][cores.Compute] = elapsed - 2*sim.Microsecond
		c.Time[sim.StepUser][cores.Think] = sim.Microsecond
		c.Metrics[cores.Bounces] = 3 * f.ops
		if cpu < 2 && f.fell >= 0 {
			c.Events[attemptEv], c.Events[fallbackEv] = 100, f.fell
		}
		res.CPUs = append(res.CPUs, c)
		task := cores.TaskResult{Thread: cpu, Running: elapsed, Ops: f.ops}
		res.Tasks = append(res.Tasks, task)
	}
	for range 2 {
		h := hdrhistogram.New(1, int64(sim.Second/sim.Picosecond), 3)
		if err := h.RecordValues(int64(f.hit/sim.Picosecond), 2*f.ops); err != nil {
			t.Fatal(err)
		}
		res.Latency = append(res.Latency, h)
	}
	res.Bounces = []cores.Bounce{
		{BounceKey: cores.BounceKey{Addr: 0x1040, Step: stepLookup, Distance: coherence.SameDomain}, Count: 4 * f.ops},
		{BounceKey: cores.BounceKey{Addr: 0x1040, Step: stepWrite, Distance: coherence.OtherSocket}, Count: f.ops},
		{BounceKey: cores.BounceKey{Addr: 0x1048, Step: stepWrite, Distance: coherence.OtherSocket}, Count: f.ops},
		{BounceKey: cores.BounceKey{Addr: 0x1068, Step: stepWrite, Distance: coherence.OtherSocket}, Count: 2},
		{BounceKey: cores.BounceKey{Addr: 0x1070, Step: stepWrite, Distance: coherence.OtherSocket}, Count: 3},
	}
	id := Identity{Experiment: "fake-lookup", Title: "a fake question", Machine: "fake", MachineTitle: "a fake machine", LineBytes: 64,
		Design: f.design, Base: f.design, Baseline: "mmap-lock", Report: "hitters", Seed: f.seed,
		Warmup: sim.Microsecond, Configuration: "clock = \"2.5GHz\"\n"}
	if f.point != "" {
		id.Point = []Setting{{"group.hitters.count", f.point}}
	}
	return &Source{Identity: id, Machine: fakeMachine(), Kernel: true, Result: res,
		Groups: []GroupInfo{{"hitters", "uprobe-hit", "back-to-back", 2}, {"writer", "mmap-munmap", "20000/s", 1}},
		Threads: []cores.Thread{{Name: "hitters[0]", CPU: 0}, {Name: "hitters[1]", CPU: 1},
			{Name: "writer[0]", CPU: 2, Group: 1}}}
}

func (f fakeRun) record(t testing.TB) *Record {
	t.Helper()
	r, err := Measure(f.source(t))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// fakeRecords are two points, two designs and two seeds.
func fakeRecords(t *testing.T) []*Record {
	var out []*Record
	for _, run := range []fakeRun{
		{"2", "mmap-lock", 1, 400 * sim.Nanosecond, 25, -1},
		{"2", "mmap-lock", 2, 404 * sim.Nanosecond, 25, -1},
		{"2", "vma-seqcount", 1, 404 * sim.Nanosecond, 25, 0},
		{"2", "vma-seqcount", 2, 399 * sim.Nanosecond, 25, 0},
		{"40", "mmap-lock", 1, 4000 * sim.Nanosecond, 3, -1},
		{"40", "mmap-lock", 2, 4100 * sim.Nanosecond, 3, -1},
		{"40", "vma-seqcount", 1, 410 * sim.Nanosecond, 24, 7},
		{"40", "vma-seqcount", 2, 418 * sim.Nanosecond, 24, 8},
	} {
		out = append(out, run.record(t))
	}
	return out
}
