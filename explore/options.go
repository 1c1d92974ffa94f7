package explore

import (
	"fmt"
	"strings"
	"time"
)

// Model is a memory model.
type Model uint8

const (
	// SC is interleaving.
	SC Model = iota
	// X86TSO is a FIFO store buffer per CPU in front of one memory.
	X86TSO
	// ARM64 is Armv8 (multi-copy atomic) under the kernel's arm64 mapping.
	ARM64
	// LKMM is the Linux-kernel memory model.
	LKMM
	numModels
)

var modelNames = [numModels]string{"sc", "x86-tso", "arm64", "lkmm"}

// String is the model's name on the command line.
func (m Model) String() string { return modelNames[m] }

// Models lists the names of all models.
func Models() []string { return modelNames[:] }

// ParseModel is the inverse of String.
func ParseModel(s string) (Model, error) {
	for i, n := range modelNames {
		if n == s {
			return Model(i), nil
		}
	}
	return 0, fmt.Errorf("unknown memory model %q; expected one of %s", s, strings.Join(modelNames[:], ", "))
}

// Search is how executions are chosen.
type Search uint8

const (
	// Exhaustive visits all executions within the bound.
	Exhaustive Search = iota
	// PCT runs random priorities with a few random priority changes.
	PCT
	// Random picks uniformly at every choice.
	Random
)

// String is the search's name on the command line.
func (s Search) String() string { return [...]string{"exhaustive", "pct", "random"}[s] }

// Unbounded is the bound of a search that leaves nothing out.
const Unbounded = -1

// Options of one search.
type Options struct {
	Model  Model
	Search Search
	// Bound limits an exhaustive search to executions with at most this many
	// preemptions, stale reads and delayed stores, counted together; Unbounded
	// for none.
	Bound int
	Seed  uint64 // of PCT and Random
	// Depth is PCT's number of priority changes plus one; 3 by default.
	Depth int
	// MaxExecutions ends the search; 0 means none for exhaustive searches and
	// 10,000 for sampling ones.
	MaxExecutions int
	// MaxOps cuts an execution that does not end (a livelock); 100,000 by
	// default.
	MaxOps int
	// Budget is host time after which the search stops without a verdict; 0
	// means none. It decides when to stop and nothing else.
	Budget time.Duration
	// Done, when it is closed, stops the search in the same way; nil for never.
	Done <-chan struct{}
	// KeepGoing searches on after a violation and counts them.
	KeepGoing bool
	// Progress, if set, is called now and then with the state so far.
	Progress func(Summary)
}

// Summary says what a search did, and how much that is worth.
type Summary struct {
	Model      Model
	Search     Search
	Bound      int
	Executions int // that came to their end
	Cut        int // given up as redundant or impossible
	Deadlocks  int // executions in which nothing could go on
	Livelocks  int // executions cut at MaxOps
	Depth      int // most shared operations in one execution
	// Exhausted tells that every execution within the bound was visited.
	Exhausted bool
	// BoundDone is the largest bound under which that is true (below Unbounded
	// if there is none).
	BoundDone int
	// Outcomes of complete executions, ascending by State.
	Outcomes []Outcome
	// Violations is the number of executions that broke an invariant.
	Violations int
	// Violation is the first one, minimised.
	Violation *Violation
}

// Outcome is one distinct result of Program.Final.
type Outcome struct {
	State string
	Count int // executions
}

// Violation is a broken invariant and the execution that broke it.
type Violation struct {
	Invariant string
	// Token replays exactly this execution.
	Token string
	Trace *Trace
	// Preemptions, StaleReads and DelayedStores are what the execution needs.
	Preemptions, StaleReads, DelayedStores int
}
