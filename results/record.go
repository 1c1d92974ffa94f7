package results

import (
	"fmt"
	"strings"

	"mmsim/sim"
)

// SchemaVersion names the shape of records, in JSON and in the store. It is
// raised when a field changes its meaning or goes away.
const SchemaVersion = 1

// ModelVersion is part of what a record's hash covers. It is raised whenever
// any change of the simulator can change any result, so that no stored record
// is taken for one of the present model.
const ModelVersion = 3

// Setting is one key of a configuration and the value it has.
type Setting struct {
	Key   string `json:"key"`
	Value string `json:"value"`
}

// Counts maps names (of steps, categories, metrics, counters, wait reasons,
// distances) to amounts. Names that are absent did not apply; names with 0 did
// and nothing happened.
type Counts map[string]int64

// Identity says which run a record is of. Seed and Configuration determine what
// it measures; the rest names it, and may change without a new measurement.
type Identity struct {
	Experiment string `json:"experiment"`
	Title      string `json:"title"`
	Machine    string `json:"machine"`
	// MachineTitle and LineBytes describe the machine for readers.
	MachineTitle string `json:"machine_title"`
	LineBytes    int    `json:"line_bytes"`
	// Point lists the swept keys in the order of the experiment's sweeps;
	// empty for an experiment without a sweep.
	Point    []Setting `json:"point"`
	Design   string    `json:"design"`   // the design's label
	Base     string    `json:"base"`     // the registered design behind the label
	Baseline string    `json:"baseline"` // the label that ratios refer to
	Report   string    `json:"report"`   // the group whose operations the report is about
	Seed     uint64    `json:"seed"`
	Warmup   sim.Time  `json:"warmup_fs"`
	// Configuration is the effective configuration of the run: machine,
	// experiment and design as TOML, every default written out and nothing
	// that does not determine the result.
	Configuration string `json:"configuration"`
}

// PointName is the point as "key=value key=value", or "-" without a sweep.
func (id *Identity) PointName() string {
	if len(id.Point) == 0 {
		return "-"
	}
	var s []string
	for _, p := range id.Point {
		s = append(s, p.Key+"="+p.Value)
	}
	return strings.Join(s, " ")
}

// String names the run in errors and progress: point, design and seed.
func (id *Identity) String() string {
	return fmt.Sprintf("%s: point %s, design %s, seed %d", id.Experiment, id.PointName(), id.Design, id.Seed)
}

// Latency summarises the latencies of a group's operations, in ps, from an
// HDR histogram of three significant digits.
type Latency struct {
	Mean int64 `json:"mean_ps"`
	P50  int64 `json:"p50_ps"`
	P90  int64 `json:"p90_ps"`
	P99  int64 `json:"p99_ps"`
	Max  int64 `json:"max_ps"`
}

// Group is the account of one group of threads over the measured interval.
type Group struct {
	Name    string `json:"name"`
	Path    string `json:"path"`
	Load    string `json:"load"` // arrival, think time and target as the experiment states them
	Threads int    `json:"threads"`
	Ops     int64  `json:"ops"`
	// Latency is nil when no operation ended in the measured interval.
	Latency *Latency `json:"latency"`
	// CPUTime and Cycles are the CPUs' account by category: times in fs,
	// which sum to CPUs x simulated time, and cycles of each CPU's own
	// clock, rounded per CPU, category and step.
	CPUTime Counts `json:"cpu_time_fs"`
	Cycles  Counts `json:"cycles"`
	// StepTime and StepCycles are the same account by step of the path;
	// StepTime too sums to CPUs x simulated time.
	StepTime   Counts `json:"step_time_fs"`
	StepCycles Counts `json:"step_cycles"`
	// SpinWait says where the misses inside spin-waits were served, in cycles
	// by distance (part of the lock_spin category).
	SpinWait Counts `json:"spin_wait_cycles"`
	// Running, Interrupted and Sleeping are the tasks' account in fs; they
	// sum to threads x simulated time. Sleeping by reason "runnable" is time
	// waiting for a CPU.
	Running     sim.Time `json:"running_fs"`
	Interrupted sim.Time `json:"interrupted_fs"`
	Sleeping    Counts   `json:"sleeping_fs"`
	// ThreadOps are the operations of each thread that ended.
	ThreadOps []int64 `json:"thread_ops"`
	// Locks are by class, ascending.
	Locks []LockUse `json:"locks"`
	// SleepCycles is Sleeping in cycles of the CPU that each task is pinned to.
	SleepCycles Counts `json:"sleeping_cycles"`
	Metrics     Counts `json:"metrics"` // executor's counts, by cores.Metric
	Events      Counts `json:"events"`  // kernel code's counts, by sim.Counter
}

// Bounce is one row of the bounce table: how often a line came to some CPU
// from another core's private caches, by the field that was accessed, the step
// of the taker and the distance.
type Bounce struct {
	Line     string `json:"line"`  // address of the line
	Field    string `json:"field"` // struct.field, array indices dropped
	Step     string `json:"step"`
	Distance string `json:"distance"`
	Count    int64  `json:"count"`
}

// Record is what one run, that is one design at one point under one seed,
// measured.
type Record struct {
	Schema int    `json:"schema_version"`
	Model  int    `json:"model_version"`
	Hash   string `json:"hash"` // HashOf the identity
	Identity
	Elapsed sim.Time `json:"simulated_fs"` // measured interval
	// Kernel says that the threads ran paths of the simulated kernel; otherwise
	// they were probes of the machine, which prepare each operation outside it.
	Kernel bool    `json:"kernel"`
	Groups []Group `json:"groups"`
	// ByDistance are the bounces of all groups by distance.
	ByDistance Counts   `json:"bounces_by_distance"`
	Bounces    []Bounce `json:"bounces"` // by line, field, step, distance
	// LockOrder lists what the lock-order check found, one text per finding.
	LockOrder []string `json:"lock_order"`
	// Safety has the verdicts of exploration; nil unless they were asked for.
	// They belong to the design, not to the measurement: stores keep them apart.
	Safety *Safety `json:"safety,omitempty"`
}

// ReportGroup is the group the report is about, or nil if the record names
// one that it does not have.
func (r *Record) ReportGroup() *Group {
	for i := range r.Groups {
		if r.Groups[i].Name == r.Report {
			return &r.Groups[i]
		}
	}
	return nil
}
