package configs

import (
	"slices"
	"strings"

	"mmsim/configs/schema"
	"mmsim/configs/units"
	"mmsim/kernel/bench"
	"mmsim/kernel/locking"
	"mmsim/kernel/mm"
	"mmsim/kernel/rcu"
	"mmsim/kernel/sched"
	"mmsim/kernel/srcu"
	"mmsim/sim"
	"mmsim/workloads"
)

var (
	experimentTable = &schema.Table[Experiment]{Fresh: freshExperiment}
	groupTable      = &schema.Table[group]{Fresh: func() group { return group{zipfMilli: 990, nest: bench.Nest{Locks: 1}} }}
	sweepTable      = &schema.Table[Sweep]{Fresh: func() Sweep { return Sweep{} }}
)

// freshExperiment has the defaults of keys that may be left out.
func freshExperiment() Experiment {
	return Experiment{seed: 1, seeds: 1, rwsem: locking.DefaultRWSemOptions(), rcu: rcu.DefaultOptions(), srcu: srcu.DefaultOptions(),
		kernel: workloads.Params{Layout: workloads.ByDesign, Tick: sim.Millisecond, Objects: 1, Sched: workloads.SchedParams{Slice: sched.DefaultSlice},
			MM:     workloads.MMParams{VMAs: 40, MmapPages: 4, TouchedPages: 1, Costs: mm.DefaultCosts()},
			Uprobe: defaultUprobe()}}
}

func init() {
	t := experimentTable
	bindExperiment(t)
	bindGroup(groupTable)
	schema.Tables(t, "group", "A set of equal threads that repeat one path.",
		schema.Named[Experiment, group]{Elem: groupTable, NameKey: "name",
			At: func(e *Experiment) *[]group { return &e.groups }, Name: func(g *group) string { return g.name }})
	bindSweep(sweepTable)
	schema.Tables(t, "sweep", "A key that is varied; several sweeps make the product of their values.",
		schema.Named[Experiment, Sweep]{Elem: sweepTable, NameKey: "key",
			At:    func(e *Experiment) *[]Sweep { return &e.sweeps },
			Name:  func(s *Sweep) string { return s.Key },
			Add:   func(key string) Sweep { return Sweep{Key: key} },
			Whole: func(s *Sweep, raw any) (err error) { s.Values, err = sweepValues.Parse(raw); return err }}).Role(schema.Plan)
	bindKernel(t)
	schema.Members(t, "quick", anyValue, "Settings of the quick scale, by address: \"duration\", \"sweep.group.hitters.count\".",
		func(e *Experiment, key string, v any) error {
			e.quick = append(e.quick, Assignment{Key: key, Value: v})
			return nil
		}, func(e *Experiment) []schema.Member { return asMembers(e.quick) }).Role(schema.Plan)
}

func bindExperiment(t *schema.Table[Experiment]) {
	schema.Bind(t, "name", schema.Name, "Name of the experiment; a preset's is its file name.",
		func(e *Experiment) *string { return &e.name }).Required().Role(schema.Descriptive)
	schema.Bind(t, "title", schema.Text, "One line for lists and reports.",
		func(e *Experiment) *string { return &e.title }).Role(schema.Descriptive)
	schema.Bind(t, "machine", schema.Text, "Machine to run on: a preset's name or a file.",
		func(e *Experiment) *string { return &e.machine }).Required().Role(schema.Plan)
	schema.Bind(t, "designs", designsKind, `Designs to compare: names, or variants { design =, label =, set = { key = value } }; "all" is every design of the path.`,
		func(e *Experiment) *[]Design { return &e.designs }).Required().Role(schema.Plan)
	schema.Bind(t, "baseline", omitZero(schema.Name), "Label of the design that ratios refer to; the first one if left out.",
		func(e *Experiment) *string { return &e.baseline }).Role(schema.Plan)
	schema.Bind(t, "report", omitZero(schema.Name), "Group whose operations the report is about; the first one if left out.",
		func(e *Experiment) *string { return &e.report }).Role(schema.Plan)
	schema.Bind(t, "warmup", schema.Time, "Simulated time that is run first and not measured.",
		func(e *Experiment) *sim.Time { return &e.warmup })
	schema.Bind(t, "duration", schema.Positive(schema.Time), "Simulated time that is measured, after the warm-up.",
		func(e *Experiment) *sim.Time { return &e.duration }).Required()
	schema.Bind(t, "seed", schema.Seed, "First seed.",
		func(e *Experiment) *uint64 { return &e.seed }).Role(schema.Plan)
	schema.Bind(t, "seeds", schema.Count(1, 10000), "Replications, each with its own seed: seed, seed+1, ...",
		func(e *Experiment) *int { return &e.seeds }).Role(schema.Plan)
}

func bindGroup(t *schema.Table[group]) {
	paced := func(g *group) bool { return !g.placesThreads() }
	const needs = "a path that does not place its own threads"
	schema.Bind(t, "name", schema.Name, "Name of the group: what --set and sweeps address it by.",
		func(g *group) *string { return &g.name }).Required().Role(schema.Naming)
	schema.Bind(t, "path", pathKind, "Path that each thread repeats.",
		func(g *group) *string { return &g.path }).Required()
	schema.Bind(t, "count", schema.Count(0, 8*maxCores), "Threads. With pin = \"list\", 0 is one per entry of cpus.",
		func(g *group) *int { return &g.count }).When(needs, paced)
	schema.Bind(t, "pin", schema.Enum[pinning]("pinning", pinNames...),
		"Order in which CPUs are taken: by-cpu: by number; spread: sockets in turn, cores before siblings; siblings: all threads of a core, then the next core; list: as in cpus.",
		func(g *group) *pinning { return &g.pin }).When(needs, paced)
	schema.Bind(t, "first_cpu", schema.Count(0, 8*maxCores), "CPU at which the order starts.",
		func(g *group) *int { return &g.firstCPU }).When(`a pin other than "list"`, func(g *group) bool { return paced(g) && g.pin != pinList })
	schema.Bind(t, "cpus", schema.OmitEmpty(schema.List(schema.Count(0, 8*maxCores))), "The CPUs to take.",
		func(g *group) *[]int { return &g.cpus }).When(`pin = "list"`, func(g *group) bool { return paced(g) && g.pin == pinList })
	schema.Bind(t, "on_cpus", schema.Count(0, 8*maxCores), "CPUs that the threads share, dealt out in turn: with more threads than CPUs they take turns. 0: one CPU each.",
		func(g *group) *int { return &g.onCPUs }).When("a path of the simulated kernel", paced)
	schema.Bind(t, "placement", schema.Enum[placement]("placement", "pinned", "free"), "pinned: a thread stays on the CPU that it starts on; free: the scheduler may run it on any CPU of the group.",
		func(g *group) *placement { return &g.placement }).When("on_cpus", func(g *group) bool { return paced(g) && g.onCPUs > 0 })
	schema.Bind(t, "arrival", schema.Rate, "Operations of each thread: back-to-back, or started at a rate whether the last one has ended or not (late ones start at once).",
		func(g *group) *units.Rate { return &g.arrival }).When(needs, paced)
	schema.Bind(t, "think", schema.Time, "Mean user-mode time after each operation, drawn uniformly between none and twice as much.",
		func(g *group) *sim.Time { return &g.think }).When(needs, paced)
	schema.Bind(t, "target", targetKind, `How each operation chooses among the path's targets; "one" and "own" are the same as "one-vma" and "own-vma".`,
		func(g *group) *workloads.Distribution { return &g.target }).When(needs, paced)
	schema.Bind(t, "zipf_exponent", schema.Milli(4000), "Exponent of the Zipf distribution.",
		func(g *group) *int { return &g.zipfMilli }).When(`target = "zipf"`, func(g *group) bool { return paced(g) && g.target == workloads.Zipf })
	schema.Bind(t, "writes", schema.Enum[workloads.Area]("area", "unrelated", "neighbour", "probed"),
		"Areas that a writer changes. unrelated: its own, far from the probes; neighbour: right behind probed areas; probed: the probed areas, which mmap-munmap unloads and loads again.",
		func(g *group) *workloads.Area { return &g.writes }).When("path mmap-munmap, mprotect or vma-split-merge", func(g *group) bool {
		return slices.Contains([]string{"mmap-munmap", "mprotect", "vma-split-merge"}, g.path)
	})
	bindBench(t)
}

// bindBench binds the keys of the bench paths: what a thread does with a lock,
// a counter or an object.
func bindBench(t *schema.Table[group]) {
	on := func(paths ...string) (string, func(g *group) bool) {
		return "path " + strings.Join(paths, " or "), func(g *group) bool { return slices.Contains(paths, g.path) }
	}
	needs, live := on("lock-bench", "counter-bench")
	schema.Bind(t, "read_fraction", schema.Percent, "Operations that only read: take the lock for reading, read the counter's total.",
		func(g *group) *units.Permille { return &g.reads }).When(needs, live)
	needs, live = on("lock-bench")
	schema.Bind(t, "nest", schema.Count(1, bench.MaxNest), "Neighbouring locks taken one inside the other.",
		func(g *group) *int { return &g.nest.Locks }).When(needs, live)
	schema.Bind(t, "nest_descending", schema.Bool, "Takes them in descending order instead of ascending: against the other groups, if these do not.",
		func(g *group) *bool { return &g.nest.Descending }).When("nest of several locks", func(g *group) bool { return live(g) && g.nest.Locks > 1 })
	schema.Bind(t, "shared_writes", schema.Count(0, bench.MaxLines), "Lines of what the lock protects that are loaded and stored inside; readers only load them.",
		func(g *group) *int { return &g.section.SharedWrites }).When(needs, live)
	needs, live = on("lock-bench", "ref-bench")
	schema.Bind(t, "shared_reads", schema.Count(0, bench.MaxLines), "Lines of what the lock protects, or of the object, that are loaded inside.",
		func(g *group) *int { return &g.section.SharedReads }).When(needs, live)
	schema.Bind(t, "own_lines", schema.Count(0, bench.MaxLines), "Lines of the thread's own that are loaded and stored inside.",
		func(g *group) *int { return &g.section.OwnLines }).When(needs, live)
	schema.Bind(t, "hold", schema.Cycles, "Cycles computed inside, beyond the accesses.",
		func(g *group) *sim.Cycles { return &g.section.Hold }).When(needs, live)
}

func bindSweep(t *schema.Table[Sweep]) {
	schema.Bind(t, "key", schema.Text, `Key that is varied, by address: "group.hitters.count", "machine.cache.protocol".`,
		func(s *Sweep) *string { return &s.Key }).Required().Role(schema.Plan)
	schema.Bind(t, "values", sweepValues, `Its values: a list, or { from =, to =, step = }, where step may be "x2" to multiply.`,
		func(s *Sweep) *[]any { return &s.Values }).Required().Role(schema.Plan)
}

func asMembers(as []Assignment) []schema.Member {
	var ms []schema.Member
	for _, a := range as {
		ms = append(ms, schema.Member{Name: a.Key, Value: a.Value})
	}
	return ms
}

func asTable(as []Assignment) map[string]any {
	m := map[string]any{}
	for _, a := range as {
		m[a.Key] = a.Value
	}
	return m
}
