package experiments

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/results"
)

// base is a small configuration in which some keys are live: an embedded
// experiment, cut down to one design, one seed and little simulated time.
type base struct {
	experiment, design string
	set                []string // --set arguments
}

// arguments are all --set arguments that make the base.
func (b *base) arguments() []string {
	return append([]string{fmt.Sprintf("designs=[%q]", b.design), fmt.Sprintf("baseline=%q", b.design), "seeds=1"}, b.set...)
}

var bases = map[string]base{
	// Probe hits in one socket and a writer in the other.
	"hits": {"uprobe-vma-lookup", "mmap-lock", []string{"warmup=5us", "duration=25us",
		"sweep.group.hitters.count=[6]", "group.writer.arrival=100000/s"}},
	// The same, spread over the sockets.
	"spread": {"uprobe-vma-lookup", "vma-rwsem", []string{"warmup=5us", "duration=25us",
		"sweep.group.hitters.count=[6]", "group.hitters.pin=spread", "group.writer.arrival=100000/s"}},
	// The same, on siblings.
	"siblings": {"uprobe-vma-lookup", "mmap-lock", []string{"warmup=5us", "duration=25us",
		"sweep.group.hitters.count=[4]", "group.hitters.pin=siblings", "group.writer.first_cpu=30",
		"machine.clock.fixed=3.0GHz"}},
	// On CPUs by name.
	"list": {"uprobe-layouts", "mmap-lock", []string{"warmup=5us", "duration=25us",
		"sweep.group.hitters.count=[3]", "group.hitters.pin=list", "group.hitters.cpus=[0, 1, 2, 3]", "group.writer.first_cpu=30"}},
	// Several probes.
	"zipf": {"uprobe-vma-lookup", "vma-rwsem", []string{"warmup=5us", "duration=25us",
		"sweep.group.hitters.count=[4]", "group.hitters.target=zipf", "kernel.uprobe.probes=8", "group.writer.arrival=100000/s"}},
	// Homes by address, and a ring of four sockets.
	"interleave": {"uprobe-vma-lookup", "vma-rwsem", []string{"duration=25us",
		"sweep.group.hitters.count=[6]", "group.hitters.pin=spread", "machine.interconnect.home=interleave"}},
	"ring": {"uprobe-vma-lookup", "vma-rwsem", []string{"duration=25us",
		"sweep.group.hitters.count=[8]", "group.hitters.pin=spread", "machine.topology.sockets=4",
		"machine.topology.socket_hops=[[0, 1, 2, 1], [1, 0, 1, 2], [2, 1, 0, 1], [1, 2, 1, 0]]",
		`machine.interconnect.socket_leg=["39ns", "70ns"]`}},
	// Mapping, unmapping, pages, allocators, interrupts, RCU.
	"churn": {"vma-churn", "mmap-lock", []string{"warmup=0ns", "duration=150us",
		"sweep.group.churners.count=[4]", "kernel.tick=20us"}},
	// Mappings of more pages than munmap flushes one by one.
	"large": {"vma-churn", "mmap-lock", []string{"warmup=0ns", "duration=150us",
		"sweep.group.churners.count=[2]", "kernel.mm.mmap_pages=64", "kernel.mm.touched_pages=64"}},
	// A weakly ordered machine.
	"arm64": {"uprobe-arm64", "vma-seqcount", []string{"warmup=0ns", "duration=40us",
		"sweep.group.hitters.count=[4]", "group.writer.arrival=100000/s"}},
	"arm64-churn": {"vma-churn", "mmap-lock", []string{"machine=neoverse-n1-64", "warmup=0ns", "duration=100us",
		"sweep.group.churners.count=[4]", "kernel.tick=20us"}},
	"clusters": {"uprobe-clusters", "mmap-lock", []string{"warmup=0ns", "duration=25us",
		"sweep.group.hitters.cpus=[[0, 8, 16, 24]]"}},
	// Calls of functions with return probes, and single steps.
	"calls": {"uretprobe-scaling", "6.12", []string{"warmup=5us", "duration=25us", "sweep.group.callers.count=[4]", "sweep.group.callers.target=[\"one-vma\"]"}},
	"steps": {"uprobe-single-step", "6.12", []string{"warmup=5us", "duration=40us", "sweep.group.hitters.count=[40]"}},
	// A probe that comes and goes, and a writer behind it.
	"registering": {"uprobe-register", "6.12", []string{"warmup=5us", "duration=400us", "kernel.tick=20us", "sweep.kernel.uprobe.unregistered=[false]"}},
	"splitting":   {"uprobe-churn", "vma-seqcount", []string{"warmup=5us", "duration=60us", "sweep.group.writer.writes=[\"unrelated\"]", "sweep.group.writer.arrival=[\"200000/s\"]"}},
	// One lock, several locks, spinning and sleeping.
	"lock": {"lock-scaling", "tas", []string{"warmup=5us", "duration=30us", "sweep.group.lockers.count=[6]"}},
	"locks": {"lock-scaling", "mutex", []string{"warmup=5us", "duration=30us", "sweep.group.lockers.count=[6]",
		"kernel.bench.objects=8", "group.lockers.nest=2", "group.lockers.target=uniform"}},
	// Readers and writers of rw_semaphores.
	"rwsem": {"lock-scaling", "rwsem", []string{"warmup=5us", "duration=600us", "sweep.group.lockers.count=[12]",
		"group.lockers.read_fraction=60%", "group.lockers.hold=40000cycles", "kernel.tick=10us"}},
	// More threads than CPUs.
	"shared-cpus": {"lock-overcommit", "mutex", []string{"warmup=0ns", "duration=1ms", "sweep.group.lockers.count=[20]",
		"kernel.tick=50us", "kernel.sched.slice=100us"}},
	// Grace periods that are waited for, while some CPUs are idle.
	"rcu":          {"lock-slow-events", "rcu-sync", append(graceful, "kernel.rcu.first_fqs=0")},
	"srcu":         {"lock-slow-events", "srcu-sync", append(graceful, "kernel.srcu.exp_holdoff=1ms")},
	"srcu-hurried": {"lock-slow-events", "srcu-sync", graceful},
	// Working sets a little larger than one level of small caches.
	"beyond-l1d": {"machine-micro", "chase-36KiB", smallCaches},
	"beyond-l2":  {"machine-micro", "chase-72KiB", smallCaches},
	"beyond-llc": {"machine-micro", "chase-208KiB", smallCaches},
	"llc-load":   {"machine-micro", "llc-load", []string{}},
	"smt":        {"machine-micro", "cas-read-smt", []string{}},
	"stores":     {"machine-micro", "fence-k-48", []string{}},
	"contended":  {"machine-micro", "fetch-add-40", []string{}},
}

var graceful = []string{"warmup=0ns", "duration=4ms", "group.readers.hold=400000cycles", `sweep.kernel.tick=["20us"]`}

var smallCaches = []string{"warmup=200us", "duration=200us", "machine=skylake-client-8c", "machine.cache.l2.size=64KiB", "machine.cache.llc.size=128KiB",
	"machine.cache.llc.kind=victim"}

// liveMachineKeys names for each key of a machine a base in which it has an effect, and
// another value than it has there.
var liveMachineKeys = map[string][2]string{
	"topology.sockets":             {"spread", "4"},
	"topology.clusters_per_socket": {"siblings", "2"},
	"topology.cores_per_cluster":   {"siblings", "40"},
	"topology.threads_per_core":    {"siblings", "1"},
	"topology.socket_hops":         {"ring", "[[0, 1, 1, 1], [1, 0, 1, 1], [1, 1, 0, 1], [1, 1, 1, 0]]"},
	"clock.fixed":                  {"arm64", "2.0GHz"},
	"clock.by_active_cores":        {"hits", `[{ cores = 4, clock = "3.0GHz" }, { cores = 20, clock = "2.0GHz" }]`},
	"smt.throughput":               {"siblings", "80%"},
	"smt.handover":                 {"smt", "60cycles"},

	"cache.line":                   {"beyond-l2", "128B"},
	"cache.protocol":               {"spread", "moesi"},
	"cache.adjacent_line_prefetch": {"beyond-llc", "true"},
	"cache.l1d.size":               {"beyond-l1d", "64KiB"},
	"cache.l1d.ways":               {"beyond-l1d", "4"},
	"cache.l1d.replacement":        {"large", "lru"},
	"cache.l1d.latency":            {"hits", "6cycles"},
	"cache.l2.size":                {"beyond-l2", "128KiB"},
	"cache.l2.ways":                {"beyond-l2", "16"},
	"cache.l2.replacement":         {"beyond-l2", "lru"},
	"cache.l2.latency":             {"beyond-l1d", "20cycles"},
	"cache.llc.scope":              {"clusters", "socket"},
	"cache.llc.size":               {"beyond-llc", "256KiB"},
	"cache.llc.ways":               {"beyond-llc", "8"},
	"cache.llc.replacement":        {"beyond-llc", "lru"},
	"cache.llc.kind":               {"beyond-llc", "inclusive"},

	"interconnect.agent_leg":        {"hits", "9ns"},
	"interconnect.fabric_leg":       {"clusters", "50ns"},
	"interconnect.socket_leg":       {"spread", `["70ns"]`},
	"interconnect.agent_lookup":     {"hits", "3ns"},
	"interconnect.llc_data":         {"llc-load", "4ns"},
	"interconnect.owner_pipeline":   {"hits", "50ns"},
	"interconnect.invalidate":       {"hits", "60ns"},
	"interconnect.agent_occupancy":  {"contended", "20ns"},
	"interconnect.line_occupancy":   {"hits", "30ns"},
	"interconnect.link_occupancy":   {"spread", "100ns"},
	"interconnect.release":          {"contended", "forward"},
	"interconnect.arbitration":      {"contended", "local-first"},
	"interconnect.home":             {"spread", "first-touch"},
	"interconnect.interleave":       {"interleave", "1KiB"},
	"interconnect.memory_directory": {"spread", "false"},
	"memory.latency":                {"beyond-llc", "90ns"},
	"memory.occupancy":              {"stores", "20ns"},

	"core.store_buffer": {"stores", "8"},
	"core.store_commit": {"hits", "4cycles"},
	"core.drain":        {"hits", "unordered"},
	"core.miss_buffers": {"stores", "2"},

	"ordering.class":          {"arm64", "x86-tso"},
	"ordering.atomic":         {"hits", "30cycles"},
	"ordering.mb":             {"stores", "60cycles"},
	"ordering.rmb":            {"arm64", "40cycles"},
	"ordering.costs":          {"clusters", "by-class"},
	"ordering.wmb":            {"arm64", "40cycles"},
	"ordering.acquire":        {"arm64", "11cycles"},
	"ordering.release":        {"arm64", "11cycles"},
	"ordering.atomic_acquire": {"arm64", "11cycles"},
	"ordering.atomic_release": {"arm64", "11cycles"},
	"ordering.atomic_full":    {"arm64", "22cycles"},
	"ordering.this_cpu":       {"hits", "9cycles"},
	"ordering.lost_overlap":   {"arm64", "14cycles"},
	"atomics.placement":       {"arm64-churn", "far"},
	"atomics.far_occupancy":   {"arm64-churn", "400ns"},
	"spin.kind":               {"churn", "event"},
	"spin.pause":              {"churn", "20cycles"},

	"os.trap_entry":     {"hits", "500cycles"},
	"os.trap_exit":      {"hits", "500cycles"},
	"os.context_switch": {"churn", "3000cycles"},
	"os.idle_exit":      {"churn", "900ns"},
	"os.ipi_send":       {"churn", "400cycles"},
	"os.ipi_delivery":   {"churn", "900ns"},
	"os.irq_entry_exit": {"churn", "900cycles"},

	"os.tlb_flush":       {"arm64-churn", "ipi"},
	"os.tlbi_issue":      {"arm64-churn", "400cycles"},
	"os.tlbi_invalidate": {"arm64-churn", "400ns"},
}

// liveExperimentKeys does so for the keys of an experiment, with the address.
var liveExperimentKeys = map[string]struct{ base, address, value string }{
	"machine":         {"hits", "machine", "milan-2s"},
	"designs":         {"hits", "designs", `["mmap-lock", "mm-seqcount"]`},
	"report":          {"hits", "report", "writer"},
	"warmup":          {"hits", "warmup", "9us"},
	"duration":        {"hits", "duration", "40us"},
	"seed":            {"hits", "seed", "77"},
	"seeds":           {"hits", "seeds", "2"},
	"sweep[].key":     {"hits", "sweep.kernel.mm.vmas", "[40, 60]"},
	"sweep[].values":  {"hits", "sweep.group.hitters.count", "[6, 7]"},
	"group[].path":    {"arm64", "group.writer.path", "uprobe-hit"},
	"group[].count":   {"churn", "group.hitters.count", "1"},
	"group[].pin":     {"hits", "group.hitters.pin", "spread"},
	"group[].cpus":    {"list", "group.hitters.cpus", "[0, 39, 1, 2]"},
	"group[].arrival": {"hits", "group.hitters.arrival", "300000/s"},
	"group[].think":   {"hits", "group.hitters.think", "1us"},
	"group[].target":  {"zipf", "group.writer.target", "uniform"},

	"group[].first_cpu":     {"hits", "group.hitters.first_cpu", "17"},
	"group[].zipf_exponent": {"zipf", "group.hitters.zipf_exponent", "3.0"},

	"group[].read_fraction":   {"rwsem", "group.lockers.read_fraction", "90%"},
	"group[].nest":            {"locks", "group.lockers.nest", "3"},
	"group[].nest_descending": {"locks", "group.lockers.nest_descending", "true"},
	"group[].shared_writes":   {"lock", "group.lockers.shared_writes", "5"},
	"group[].shared_reads":    {"lock", "group.lockers.shared_reads", "5"},
	"group[].own_lines":       {"lock", "group.lockers.own_lines", "5"},
	"group[].hold":            {"lock", "group.lockers.hold", "500cycles"},

	"group[].on_cpus":   {"shared-cpus", "group.lockers.on_cpus", "5"},
	"group[].placement": {"shared-cpus", "group.lockers.placement", "free"},

	"kernel.sched.slice":   {"shared-cpus", "kernel.sched.slice", "300us"},
	"kernel.sched.preempt": {"shared-cpus", "kernel.sched.preempt", "none"},
	"kernel.sched.idle":    {"shared-cpus", "kernel.sched.idle", "poll"},

	"kernel.bench.objects":          {"locks", "kernel.bench.objects", "4"},
	"kernel.bench.preemptible":      {"lock", "kernel.bench.preemptible", "true"},
	"kernel.bench.rwsem_lines":      {"rwsem", "kernel.bench.rwsem_lines", "split-owner"},
	"kernel.rwsem.optimistic_spin":  {"rwsem", "kernel.rwsem.optimistic_spin", "false"},
	"kernel.rwsem.reader_spin":      {"rwsem", "kernel.rwsem.reader_spin", "100ns"},
	"kernel.rwsem.reader_spin_each": {"rwsem", "kernel.rwsem.reader_spin_each", "10us"},
	"kernel.rwsem.handoff_timeout":  {"rwsem", "kernel.rwsem.handoff_timeout", "10us"},

	"kernel.rcu.first_fqs":          {"rcu", "kernel.rcu.first_fqs", "5"},
	"kernel.rcu.next_fqs":           {"rcu", "kernel.rcu.next_fqs", "5"},
	"kernel.srcu.interval":          {"srcu", "kernel.srcu.interval", "3"},
	"kernel.srcu.max_interval":      {"srcu", "kernel.srcu.max_interval", "1"},
	"kernel.srcu.max_nodelay":       {"srcu-hurried", "kernel.srcu.max_nodelay", "1"},
	"kernel.srcu.retry_check_delay": {"srcu", "kernel.srcu.retry_check_delay", "1us"},
	"kernel.srcu.exp_holdoff":       {"srcu", "kernel.srcu.exp_holdoff", "0ns"},

	"kernel.layout":                {"hits", "kernel.layout", "mm-7.0"},
	"kernel.layout_override.*":     {"zipf", "kernel.layout_override.mm_struct.mm_lock_seq", "512"},
	"kernel.tick":                  {"hits", "kernel.tick", "7us"},
	"kernel.mm.vmas":               {"zipf", "kernel.mm.vmas", "4000"},
	"kernel.mm.mmap_pages":         {"zipf", "kernel.mm.mmap_pages", "600"},
	"kernel.mm.touched_pages":      {"zipf", "kernel.mm.touched_pages", "3"},
	"kernel.mm.sheaf":              {"zipf", "kernel.mm.sheaf", "32"},
	"kernel.mm.syscall_entry":      {"zipf", "kernel.mm.syscall_entry", "900cycles"},
	"kernel.mm.syscall_exit":       {"zipf", "kernel.mm.syscall_exit", "900cycles"},
	"kernel.mm.invlpg":             {"churn", "kernel.mm.invlpg", "900cycles"},
	"kernel.mm.cr3_write":          {"large", "kernel.mm.cr3_write", "900cycles"},
	"kernel.uprobe.probes":         {"zipf", "kernel.uprobe.probes", "16"},
	"kernel.uprobe.other_probes":   {"hits", "kernel.uprobe.other_probes", "100"},
	"kernel.uprobe.more_consumers": {"hits", "kernel.uprobe.more_consumers", "2"},
	"group[].writes":               {"splitting", "sweep.group.writer.writes", `["probed"]`},
	"kernel.uprobe.unregistered":   {"registering", "sweep.kernel.uprobe.unregistered", "[true]"},
	"kernel.uprobe.lookup":         {"calls", "kernel.uprobe.lookup", "mm-seqcount"},
	"kernel.uprobe.tree":           {"calls", "kernel.uprobe.tree", "spinlock"},
	"kernel.uprobe.lifetime":       {"calls", "kernel.uprobe.lifetime", "refcount"},
	"kernel.uprobe.retprobe":       {"calls", "kernel.uprobe.retprobe", "srcu-lease"},
	"kernel.uprobe.trampoline":     {"calls", "kernel.uprobe.trampoline", "trap"},
	"kernel.uprobe.xol":            {"steps", "kernel.uprobe.xol", "signal-denied"},
	"kernel.uprobe.instruction":    {"calls", "kernel.uprobe.instruction", "push"},

	"kernel.uprobe.handler":     {"hits", "kernel.uprobe.handler", "300cycles"},
	"kernel.uprobe.notify":      {"hits", "kernel.uprobe.notify", "300cycles"},
	"kernel.uprobe.vma_lookup":  {"hits", "kernel.uprobe.vma_lookup", "300cycles"},
	"kernel.uprobe.tree_lookup": {"hits", "kernel.uprobe.tree_lookup", "300cycles"},
	"kernel.uprobe.chain":       {"hits", "kernel.uprobe.chain", "300cycles"},
}

// Keys that name things or choose what is compared show in the report, not in
// what is measured; TestKeysThatShowInTheReport looks there.
var shownInReport = map[string]bool{"baseline": true, "group[].name": true, "quick.*": true}

// No setting is silently ignored: every key that is not descriptive changes
// something measured in a base where it is live.
func TestNoMachineKeyIsIgnored(t *testing.T) {
	t.Parallel()
	notShort(t)
	for _, k := range configs.MachineKeys() {
		if k.Role == schema.Descriptive {
			continue
		}
		live, ok := liveMachineKeys[k.Path]
		if !ok {
			t.Errorf("machine key %s: no base is registered in which it is live", k.Path)
			continue
		}
		t.Run(k.Path, func(t *testing.T) { changesSomething(t, live[0], "machine."+k.Path, live[1]) })
	}
}

func TestNoExperimentKeyIsIgnored(t *testing.T) {
	t.Parallel()
	notShort(t)
	for _, k := range configs.ExperimentKeys() {
		if k.Role == schema.Descriptive || shownInReport[k.Path] {
			continue
		}
		live, ok := liveExperimentKeys[k.Path]
		if !ok {
			t.Errorf("experiment key %s: no base is registered in which it is live", k.Path)
			continue
		}
		t.Run(k.Path, func(t *testing.T) { changesSomething(t, live.base, live.address, live.value) })
	}
}

func changesSomething(t *testing.T, baseName, address, value string) {
	t.Parallel()
	b := bases[baseName]
	if measuredOf(t, b.experiment, append(b.arguments(), address+"="+value)) == measuredOfBase(t, baseName) {
		t.Errorf("%s=%s changes no measured column in base %s", address, value, baseName)
	}
}

var baseMeasured sync.Map // name -> func() string

func measuredOfBase(t *testing.T, name string) string {
	t.Helper()
	once, _ := baseMeasured.LoadOrStore(name, sync.OnceValue(func() string {
		b := bases[name]
		return measuredOf(t, b.experiment, b.arguments())
	}))
	return once.(func() string)()
}

// measuredOf runs an experiment and prints the columns that were measured.
func measuredOf(t *testing.T, experiment string, set []string) string {
	t.Helper()
	var rows []string
	for _, r := range records(t, planned(t, experiment, false, set...), 1) {
		rows = append(rows, measuredCells(r))
	}
	return strings.Join(rows, "\n")
}

// measuredCells are the columns behind those that say which run it was.
func measuredCells(r *results.Record) string {
	var cells []string
	measured := false
	for _, c := range results.Columns() {
		if measured && c.Name != "threads_count" {
			cells = append(cells, c.Value(r).Format(6))
		}
		measured = measured || c.Name == "simulated_ns"
	}
	return strings.Join(cells, ",")
}

// planned plans an embedded experiment with --set arguments.
func planned(t *testing.T, experiment string, quick bool, set ...string) *Plan {
	t.Helper()
	o := configs.Options{Experiment: experiment, Quick: quick}
	for _, arg := range set {
		a, err := configs.ParseSet(arg)
		if err != nil {
			t.Fatal(err)
		}
		o.Overrides = append(o.Overrides, a)
	}
	setup, err := configs.Load(o)
	if err != nil {
		t.Fatal(err)
	}
	p, err := NewPlan(setup)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestKeysThatShowInTheReport(t *testing.T) {
	t.Parallel()
	notShort(t)
	report := func(quick bool, set ...string) string {
		set = append([]string{`designs=["mmap-lock", "mm-seqcount"]`, "warmup=2us", "duration=5us"}, set...)
		rep, err := results.NewReport(records(t, planned(t, "uprobe-vma-lookup", quick, set...), 1))
		if err != nil {
			t.Fatal(err)
		}
		var b strings.Builder
		if err := rep.WriteText(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	full := report(false)
	if report(false, "baseline=mm-seqcount") == full {
		t.Error("baseline does not show in the report")
	}
	if report(false, "group.writer.name=changer") == full {
		t.Error("a group's name does not show in the report")
	}
	if report(true) == full {
		t.Error("the settings of [quick] do not show in the report")
	}
}
