package sim

import "fmt"

// Step names a part of a path that costs are charged to ("vma-lookup"). Steps
// are declared as package variables, so their numbers are the same in every
// run of one binary; records carry the names.
type Step uint8

// Counter names an event that a path counts ("fallbacks").
type Counter uint8

// WaitReason names what a sleeping task waits for ("rwsem").
type WaitReason uint8

// Limits of the three registries; accounting arrays have this size.
const (
	MaxSteps    = 64
	MaxCounters = 32
	MaxReasons  = 32
)

type registry struct {
	what  string
	limit int
	names []string
}

func (g *registry) add(name string) int {
	for i, n := range g.names {
		if n == name {
			return i
		}
	}
	if len(g.names) == g.limit {
		panic(fmt.Sprintf("sim: more than %d %ss declared", g.limit, g.what))
	}
	g.names = append(g.names, name)
	return len(g.names) - 1
}

var (
	steps    = registry{what: "step", limit: MaxSteps, names: []string{"user"}}
	counters = registry{what: "counter", limit: MaxCounters}
	reasons  = registry{what: "wait reason", limit: MaxReasons, names: []string{"runnable"}}
)

// Runnable is the reason of a task that waits for nothing but a CPU: it was
// preempted, gave up the CPU, or has been woken.
const Runnable WaitReason = 0

// StepUser is the step outside every path: think time and the loop around an
// operation.
const StepUser Step = 0

// NewStep declares a step; the same name gives the same step.
func NewStep(name string) Step { return Step(steps.add(name)) }

// NewCounter declares an event counter; the same name gives the same counter.
func NewCounter(name string) Counter { return Counter(counters.add(name)) }

// NewWaitReason declares a reason to sleep; the same name gives the same one.
func NewWaitReason(name string) WaitReason { return WaitReason(reasons.add(name)) }

// byTick are the reasons whose wait the scheduler tick ends.
var byTick [MaxReasons]bool

// NewTickWaitReason declares a reason to sleep that ends without another task's
// help, by what timer interrupts do (an RCU grace period): as long as somebody
// sleeps for it, tasks that all sleep are no deadlock.
func NewTickWaitReason(name string) WaitReason {
	w := NewWaitReason(name)
	byTick[w] = true
	return w
}

// ByTick reports whether timer interrupts can end the wait.
func (w WaitReason) ByTick() bool { return byTick[w] }

// String is the declared name.
func (s Step) String() string { return steps.names[s] }

// String is the declared name.
func (m Counter) String() string { return counters.names[m] }

// String is the declared name.
func (w WaitReason) String() string { return reasons.names[w] }

// Steps lists all declared step names by number.
func Steps() []string { return append([]string(nil), steps.names...) }

// Counters lists all declared counter names by number.
func Counters() []string { return append([]string(nil), counters.names...) }

// WaitReasons lists all declared reasons by number.
func WaitReasons() []string { return append([]string(nil), reasons.names...) }
