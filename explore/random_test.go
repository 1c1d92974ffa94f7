package explore

import (
	"fmt"
	"sort"
	"strings"
	"testing"

	"mmsim/sim"
)

// rop is one operation of a random program.
type rop struct {
	kind string // W R xchg add cas mb rmb wmb before after rl ru gp lock unlock
	v    int
	val  uint64
	cmp  uint64
	o    sim.Order
	void bool
	addr int // index of an earlier read of the thread, or -1
	data int
	ctrl bool // reads: everything behind depends on it by control
	reg  int
}

func (p rop) read() bool {
	return p.kind == "R" || p.kind == "xchg" || p.kind == "cas" || p.kind == "add"
}

type rprog [][]rop

func (p rprog) String() string {
	var b strings.Builder
	for i, t := range p {
		fmt.Fprintf(&b, "P%d:", i)
		for _, o := range t {
			fmt.Fprintf(&b, " %s.%v(v%d,%d,%d addr%d data%d ctrl%v void%v reg%d);", o.kind, o.o, o.v, o.val, o.cmp, o.addr, o.data, o.ctrl, o.void, o.reg)
		}
		b.WriteByte('\n')
	}
	return b.String()
}

// randomProgram draws a program of the given flavour.
func randomProgram(r *rng, flavour string) rprog {
	threads := 2 + int(r.below(2))
	if flavour != "" && r.below(2) == 0 {
		threads = 2
	}
	var p rprog
	reg, val := 0, uint64(1)
	for range threads {
		var t []rop
		n := 2 + int(r.below(3))
		if threads == 2 {
			n++
		}
		in, held := false, -1
		for len(t) < n {
			o := rop{addr: -1, data: -1, v: int(r.below(2)), reg: -1}
			if threads == 3 {
				o.v = int(r.below(3))
			}
			reads := -1
			for i, q := range t {
				if q.read() && !q.void {
					reads = i
				}
			}
			switch k := r.below(20); {
			case k < 6:
				o.kind, o.val = "W", val
				val++
				if r.below(4) == 0 {
					o.o = sim.Release
				}
				if reads >= 0 && r.below(3) == 0 {
					o.data = reads
				}
			case k < 12:
				o.kind, o.reg = "R", reg
				reg++
				if r.below(4) == 0 {
					o.o = sim.Acquire
				}
				o.ctrl = r.below(4) == 0
			case k < 15:
				o.kind = []string{"mb", "rmb", "wmb"}[r.below(3)]
			case k < 18 && flavour == "rmw":
				o.kind = []string{"xchg", "add", "cas", "before", "after"}[r.below(5)]
				if o.kind == "xchg" || o.kind == "add" || o.kind == "cas" {
					o.o = []sim.Order{sim.Relaxed, sim.Acquire, sim.Release, sim.Full}[r.below(4)]
					o.val, o.reg = val, reg
					if o.kind == "add" {
						o.val = 16
						o.void = r.below(3) == 0 && o.o == sim.Relaxed
					}
					o.cmp = r.below(3)
					reg, val = reg+1, val+1
				}
			case k < 18 && flavour == "rcu":
				if in {
					o.kind, in = "ru", false
				} else if r.below(2) == 0 {
					o.kind, in = "rl", true
				} else {
					o.kind = "gp"
				}
			case k < 18 && flavour == "lock":
				if held >= 0 {
					o.kind, o.v, held = "unlock", held, -1
				} else {
					o.kind = "lock"
					o.v = 4 + int(r.below(2))
					held = o.v
				}
			default:
				continue
			}
			if reads >= 0 && (o.kind == "R" || o.kind == "W") && r.below(3) == 0 {
				o.addr = reads
			}
			t = append(t, o)
		}
		if in {
			t = append(t, rop{kind: "ru"})
		}
		if held >= 0 {
			t = append(t, rop{kind: "unlock", v: held, addr: -1, data: -1})
		}
		p = append(p, t)
	}
	return p
}

// program makes it explorable.
func (p rprog) program() *Program {
	regs := make([]uint64, 64)
	g := &Program{Mem: sim.NewMemory(), ExactDeps: true}
	for i, ops := range p {
		g.Threads = append(g.Threads, Thread{CPU: i, Body: func(c *sim.CPU) { runOps(c, ops, regs) }})
	}
	g.Reset = func() { clear(regs) }
	g.Final = func(v View) (string, error) {
		return outcome(regs, func(i int) uint64 { return v.Read(variable(i).A, 8) }), nil
	}
	return g
}

func outcome(regs []uint64, v func(i int) uint64) string {
	s := fmt.Sprint(regs[:16])
	for i := range 3 {
		s += fmt.Sprintf(" v%d=%d", i, v(i))
	}
	return s
}

func runOps(c *sim.CPU, ops []rop, regs []uint64) {
	var deps [16]sim.Dep
	ctrl := sim.Dep(0)
	for i, o := range ops {
		ref := variable(o.v)
		if o.addr >= 0 && o.kind != "rl" && o.kind != "ru" {
			ref.D = deps[o.addr]
		}
		data := sim.Dep(0)
		if o.data >= 0 && o.kind == "W" {
			data = deps[o.data]
		}
		if o.kind == "W" || o.read() && o.kind != "R" || o.kind == "unlock" || o.kind == "lock" {
			StoreDeps(c, data, ctrl)
		}
		switch o.kind {
		case "W":
			if o.o == sim.Release {
				c.StoreRelease(ref, o.val)
			} else {
				c.Store(ref, o.val)
			}
		case "R":
			if o.o == sim.Acquire {
				regs[o.reg] = c.LoadAcquire(ref)
			} else {
				regs[o.reg] = c.Load(ref)
			}
		case "xchg":
			regs[o.reg] = c.Xchg(ref, o.val, o.o)
		case "add":
			if o.void {
				c.AtomicAdd(ref, o.val)
			} else {
				regs[o.reg] = c.FetchAdd(ref, o.val, o.o)
			}
		case "cas":
			regs[o.reg], _ = c.CmpXchg(ref, o.cmp, o.val, o.o)
		case "mb":
			c.SmpMB()
		case "rmb":
			c.SmpRMB()
		case "wmb":
			c.SmpWMB()
		case "before":
			c.Fence(sim.MBBeforeAtomic)
		case "after":
			c.Fence(sim.MBAfterAtomic)
		case "rl":
			ReadLock(c, 0)
		case "ru":
			ReadUnlock(c, 0)
		case "gp":
			Synchronize(c, 0)
		case "lock":
			SpinLock(c, ref)
		case "unlock":
			SpinUnlock(c, ref)
		}
		if o.read() && !o.void {
			deps[i] = LastDep(c)
			if o.ctrl {
				ctrl |= deps[i]
			}
		}
	}
}

// catEvent is an event of the reference enumeration.
type catEvent struct {
	tid, v  int
	read    bool
	write   bool
	op      *rop
	partner int // read of an atomic's write
	val     uint64
	src     int
}

// refEnum enumerates all candidate executions of a program.
type refEnum struct {
	p    rprog
	m    Model
	x    catExec
	ev   []catEvent
	out  map[string]bool
	hint []bool // by atomic: whether it is assumed to write
}

// reference is the set of outcomes that the axioms allow without load
// buffering.
func reference(p rprog, m Model) map[string]bool {
	out := map[string]bool{}
	n := 0
	for _, t := range p {
		for _, o := range t {
			if o.kind == "cas" {
				n++
			}
		}
	}
	for mask := range 1 << n {
		e := &refEnum{p: p, m: m, out: out}
		for i := range n {
			e.hint = append(e.hint, mask>>i&1 != 0)
		}
		e.build()
		e.reads(0)
	}
	return out
}

func (e *refEnum) add(v catEvent) int {
	e.ev = append(e.ev, v)
	return len(e.ev) - 1
}

func (e *refEnum) build() {
	x := &e.x
	set := func(s *uint64, i int) { *s |= 1 << i }
	for v := range 6 {
		i := e.add(catEvent{tid: -1, v: v, write: true, partner: -1, src: -1})
		set(&x.IW, i)
	}
	type arrow struct{ a, b int }
	var addr, data, ctrl, rmw, rscs []arrow
	cas := 0
	for tid, ops := range e.p {
		var reads [16]int
		var ctrls []int
		lock := -1
		for k := range ops {
			o := &ops[k]
			fence := func(s *uint64) int {
				i := e.add(catEvent{tid: tid, v: -1, op: o, partner: -1, src: -1})
				set(s, i)
				return i
			}
			access := func(read bool, partner int) int {
				i := e.add(catEvent{tid: tid, v: o.v, read: read, write: !read, op: o, partner: partner, src: -1})
				if o.addr >= 0 {
					addr = append(addr, arrow{reads[o.addr], i})
				}
				if !read && o.data >= 0 && o.kind == "W" {
					data = append(data, arrow{reads[o.data], i})
				}
				for _, r := range ctrls {
					ctrl = append(ctrl, arrow{r, i})
				}
				return i
			}
			switch o.kind {
			case "W", "unlock":
				i := access(false, -1)
				if o.o == sim.Release || o.kind == "unlock" {
					set(&x.Rel, i)
				}
				if o.kind == "unlock" {
					set(&x.UL, i)
				}
			case "R":
				i := access(true, -1)
				reads[k] = i
				if o.o == sim.Acquire {
					set(&x.Acq, i)
				}
			case "xchg", "add", "cas", "lock":
				writes := true
				if o.kind == "cas" {
					writes = e.hint[cas]
					cas++
				}
				full := o.o == sim.Full && writes
				if full && e.m == LKMM {
					fence(&x.MB)
				}
				i := access(true, -1)
				reads[k] = i
				set(&x.RMW, i)
				if o.void {
					set(&x.NoRet, i)
				}
				if writes {
					w := access(false, i)
					set(&x.RMW, w)
					rmw = append(rmw, arrow{i, w})
					if o.o == sim.Acquire || full && e.m == ARM64 || o.kind == "lock" {
						set(&x.Acq, i)
					}
					if o.o == sim.Release || full && e.m == ARM64 {
						set(&x.Rel, w)
					}
					if full && e.m == ARM64 {
						set(&x.Full, w)
					}
					if o.kind == "lock" {
						set(&x.LKR, i)
						set(&x.LKW, w)
					}
				}
				if full && e.m == LKMM {
					fence(&x.MB)
				}
			case "mb":
				fence(&x.MB)
			case "rmb":
				fence(&x.RMB)
			case "wmb":
				fence(&x.WMB)
			case "before":
				fence(&x.Before)
			case "after":
				fence(&x.After)
			case "rl":
				lock = fence(new(uint64))
			case "ru":
				rscs = append(rscs, arrow{lock, fence(new(uint64))})
			case "gp":
				i := fence(&x.MB)
				set(&x.Sync, i)
				if lock >= 0 && (len(rscs) == 0 || rscs[len(rscs)-1].a != lock) {
					rscs = append(rscs, arrow{lock, lock}) // never ends: see hopeless
				}
			}
			if o.read() && o.ctrl {
				ctrls = append(ctrls, reads[k])
			}
		}
	}
	n := len(e.ev)
	x.n = n
	empty := func() rel { return make(rel, n) }
	x.po, x.ext, x.loc, x.rmw, x.addr, x.data, x.ctrl, x.rscs = empty(), empty(), empty(), empty(), empty(), empty(), empty(), empty()
	for i, a := range e.ev {
		if a.read {
			set(&x.R, i)
		}
		if a.write {
			set(&x.W, i)
		}
		for j, b := range e.ev {
			if a.tid == b.tid && a.tid >= 0 && i < j {
				x.po[i] |= 1 << j
			}
			if a.tid != b.tid {
				x.ext[i] |= 1 << j
			}
			if a.v == b.v && a.v >= 0 {
				x.loc[i] |= 1 << j
			}
		}
	}
	x.M = x.R | x.W
	fill := func(r rel, as []arrow) {
		for _, a := range as {
			r[a.a] |= 1 << a.b
		}
	}
	fill(x.addr, addr)
	fill(x.data, data)
	fill(x.ctrl, ctrl)
	fill(x.rmw, rmw)
	fill(x.rscs, rscs)
}

// reads picks a source for every read from event i on.
func (e *refEnum) reads(i int) {
	for i < len(e.ev) && !e.ev[i].read {
		i++
	}
	if i == len(e.ev) {
		if e.values() {
			e.orders(0, make(rel, e.x.n))
		}
		return
	}
	for w, c := range e.ev {
		if c.write && c.v == e.ev[i].v && c.partner != i {
			e.ev[i].src = w
			e.reads(i + 1)
		}
	}
}

// values computes all values, and reports whether they fit what was assumed.
func (e *refEnum) values() bool {
	n := e.x.n
	e.x.rf = make(rel, n)
	for i, v := range e.ev {
		if v.read {
			e.x.rf[v.src] |= 1 << i
		}
	}
	if !e.x.po.or(e.x.rf).acyclic() {
		return false
	}
	for range n { // enough rounds for values to arrive
		for i := range e.ev {
			v := &e.ev[i]
			switch {
			case v.read:
				v.val = e.ev[v.src].val
			case v.write && v.op != nil && v.op.kind == "add":
				v.val = e.ev[v.partner].val + v.op.val
			case v.write && v.op != nil && v.op.kind == "lock":
				v.val = 1
			case v.write && v.op != nil && v.op.kind == "unlock":
				v.val = 0
			case v.write && v.op != nil:
				v.val = v.op.val
			}
		}
	}
	for i, v := range e.ev {
		if v.read && v.op.kind == "cas" && (v.val == v.op.cmp) != (e.x.rmw[i] != 0) {
			return false
		}
		if v.read && v.op.kind == "lock" && v.val != 0 {
			return false
		}
	}
	return true
}

// orders picks a coherence order for every variable from v on.
func (e *refEnum) orders(v int, co rel) {
	if v == 6 {
		e.x.co = co
		if e.x.consistent(e.m) {
			e.record(co)
		}
		return
	}
	var ws []int
	for i, w := range e.ev {
		if w.write && w.v == v && w.tid >= 0 {
			ws = append(ws, i)
		}
	}
	permute(ws, 0, func(order []int) {
		c := append(rel(nil), co...)
		for i, w := range order {
			c[v] |= 1 << w
			for _, u := range order[i+1:] {
				c[w] |= 1 << u
			}
		}
		e.orders(v+1, c)
	})
}

func permute(a []int, k int, f func([]int)) {
	if k >= len(a)-1 {
		f(a)
		return
	}
	for i := k; i < len(a); i++ {
		a[k], a[i] = a[i], a[k]
		permute(a, k+1, f)
		a[k], a[i] = a[i], a[k]
	}
}

func (e *refEnum) record(co rel) {
	regs := make([]uint64, 64)
	for _, v := range e.ev {
		if v.read && v.op.reg >= 0 && v.op.kind != "lock" && !v.op.void {
			regs[v.op.reg] = v.val
		}
	}
	e.out[outcome(regs, func(i int) uint64 {
		for w, v := range e.ev {
			if v.write && v.v == i && co[w] == 0 {
				return v.val
			}
		}
		panic("no last write")
	})] = true
}

func keys(m map[string]bool) []string {
	var k []string
	for s := range m {
		k = append(k, s)
	}
	sort.Strings(k)
	return k
}

// The graph search shows exactly what the axioms allow (load buffering left
// out), under every model.
func TestExactlyTheModels(t *testing.T) {
	for _, flavour := range []string{"", "rmw", "lock", "rcu"} {
		for seed := range uint64(30) {
			r := rng{seed*7919 + uint64(len(flavour))}
			p := randomProgram(&r, flavour)
			for m := range numModels {
				compare(t, p, m, fmt.Sprintf("%s seed %d", flavour, seed))
				if t.Failed() {
					return
				}
			}
		}
	}
}

// Programs whose outcomes hang on rare parts of the models: prop & int of the
// kernel model, address dependencies into later stores, and stale reads behind
// a grace period.
func TestRareParts(t *testing.T) {
	for _, k := range []struct {
		flavour string
		seed    uint64
	}{{"", 2620}, {"", 68}, {"rcu", 500}} {
		r := rng{k.seed*7919 + uint64(len(k.flavour))}
		p := randomProgram(&r, k.flavour)
		for m := range numModels {
			compare(t, p, m, fmt.Sprintf("%s seed %d", k.flavour, k.seed))
		}
	}
}

func compare(t *testing.T, p rprog, m Model, what string) {
	t.Helper()
	want := reference(p, m)
	sum, err := Run(p.program(), Options{Model: m, Bound: Unbounded})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]bool{}
	for _, o := range sum.Outcomes {
		got[o.State] = true
	}
	for _, s := range keys(got) {
		if !want[s] {
			t.Errorf("%s under %v shows what the model forbids: %s\n%v", what, m, s, p)
			return
		}
	}
	for _, s := range keys(want) {
		if !got[s] {
			t.Errorf("%s under %v does not show %s (%d of %d outcomes)\n%v", what, m, s, len(got), len(want), p)
			return
		}
	}
}
