package uprobes

import (
	"strings"
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/mm"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

// world is a booted kernel with one probed process, whose threads have a CPU
// each.
type world struct {
	*Process
	mem  *sim.Memory
	syms *sim.Symbols
	base *kernel.Base
	c    *sim.CPU // builder
}

func newWorld(t testing.TB, d mm.Design, tasks int, change func(*ProcessConfig)) *world {
	t.Helper()
	l, err := DefaultLayouts("mm-6.5")
	if err != nil {
		t.Fatal(err)
	}
	w := &world{mem: sim.NewMemory(), syms: &sim.Symbols{}}
	k := ProcessConfig{Choices: WithLookup(d), Layouts: l, MMCosts: mm.DefaultCosts(), Costs: DefaultCosts(),
		Probes: 1, Areas: 30, Consumers: 1}
	var cpus []int
	for i := range tasks {
		cpus = append(cpus, i)
		k.Tasks = append(k.Tasks, sim.TaskID(i))
	}
	if change != nil {
		change(&k)
	}
	w.base = kernel.NewBase(w.mem, w.syms, kernel.Config{CPUs: tasks, TaskCPU: cpus,
		TickPeriod: 3 * sim.Microsecond, Pages: kmem.PageOptions{Pages: 4096}})
	if w.Process, err = NewProcess(w.base, k); err != nil {
		t.Fatal(err)
	}
	w.c = sim.NewDirect(w.mem)
	return w
}

func eachDesign(t *testing.T, f func(t *testing.T, d mm.Design)) {
	for _, i := range mm.Designs() {
		t.Run(i.Name, func(t *testing.T) { f(t, i.Design) })
	}
}

// op is one recorded memory operation or fence.
type op struct {
	kind, object, field string
}

func (o op) String() string { return strings.TrimSpace(o.kind + " " + o.field) }

// rmw tells a read-modify-write.
func (o op) rmw() bool {
	switch base, _, _ := strings.Cut(o.kind, "."); base {
	case "add", "and", "or", "xor", "xchg", "cmpxchg":
		return true
	}
	return false
}

func (o op) store() bool { return strings.HasPrefix(o.kind, "store") }

// private tells memory that only the own CPU or thread uses.
func (o op) private() bool {
	for _, p := range []string{"task_struct", "uprobe_task", "pcpu_hot", "hits", "return_instance", "user_stack", "srcu_data",
		"timer_base", "kmem_cache_cpu", "rcu_data", "page_data", "percpu_read_count"} {
		if strings.HasPrefix(o.object, p) {
			return true
		}
	}
	return false
}

// record runs f alone as thread 0 and lists its memory operations and fences.
func (w *world) record(t *testing.T, f func(c *sim.CPU)) (ops []op) {
	t.Helper()
	m := simtest.New(w.mem, simtest.Options{Syms: w.syms, Trace: func(o simtest.Op) {
		r := op{kind: o.Kind}
		if o.Kind == "compute" {
			return
		}
		if o.Order != sim.Relaxed {
			r.kind += "." + o.Order.String()
		}
		if o.Ref.A != 0 {
			y := w.syms.Lookup(o.Ref.A)
			r.object, r.field = y.Object, y.Field
		}
		ops = append(ops, r)
	}})
	m.Go("task", 0, f)
	simtest.Run(t, m)
	return ops
}
