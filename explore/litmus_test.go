package explore

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/sim"
)

// shape is a litmus test: bodies over shared variables that fill registers, and
// the outcome asked for.
type shape struct {
	name   string
	bodies []func(t *lit)
	asked  func(r []uint64, v func(i int) uint64) bool
	// verdicts by model: N never, S sometimes, L sometimes by load buffering,
	// which is not explored.
	want string
}

// lit is what a body of a shape works with.
type lit struct {
	c    *sim.CPU
	regs []uint64
	// exact dependencies: of the next store
	last sim.Dep
}

const varBase = sim.Addr(0x10000)

func variable(i int) sim.Ref { return sim.At(varBase+sim.Addr(i)*64).Ref(0, 8) }

// Variables of the shapes.
const (
	vx = iota
	vy
	vz
	vw
	vs
	vt
	numVars
)

func (t *lit) W(v int, n uint64)    { t.c.Store(variable(v), n) }
func (t *lit) Wrel(v int, n uint64) { t.c.StoreRelease(variable(v), n) }
func (t *lit) R(v, reg int)         { t.regs[reg] = t.c.Load(variable(v)); t.last = LastDep(t.c) }
func (t *lit) Racq(v, reg int)      { t.regs[reg] = t.c.LoadAcquire(variable(v)); t.last = LastDep(t.c) }
func (t *lit) data()                { StoreDeps(t.c, t.last, 0) }
func (t *lit) ctrl()                { StoreDeps(t.c, 0, t.last) }
func (t *lit) Raddr(v, reg int) {
	r := variable(v)
	r.D = t.last
	t.regs[reg] = t.c.Load(r)
	t.last = LastDep(t.c)
}
func (t *lit) mb()                     { t.c.SmpMB() }
func (t *lit) rmb()                    { t.c.SmpRMB() }
func (t *lit) wmb()                    { t.c.SmpWMB() }
func (t *lit) lock(v int)              { SpinLock(t.c, variable(v)) }
func (t *lit) unlock(v int)            { SpinUnlock(t.c, variable(v)) }
func (t *lit) rl()                     { ReadLock(t.c, 0) }
func (t *lit) ru()                     { ReadUnlock(t.c, 0) }
func (t *lit) gp()                     { Synchronize(t.c, 0) }
func (t *lit) xchg(v int, o sim.Order) { t.c.Xchg(variable(v), 1, o) }

// program makes a shape explorable.
func (s *shape) program() *Program {
	regs := make([]uint64, 16)
	p := &Program{Mem: sim.NewMemory(), ExactDeps: true}
	for i, b := range s.bodies {
		p.Threads = append(p.Threads, Thread{Name: fmt.Sprintf("P%d", i), CPU: i, Body: func(c *sim.CPU) {
			b(&lit{c: c, regs: regs})
		}})
	}
	p.Reset = func() { clear(regs) }
	p.Final = func(v View) (string, error) {
		var b strings.Builder
		for _, r := range regs {
			fmt.Fprintf(&b, "%d ", r)
		}
		for i := range numVars {
			fmt.Fprintf(&b, " %d", v.Read(variable(i).A, 8))
		}
		if s.asked(regs, func(i int) uint64 { return v.Read(variable(i).A, 8) }) {
			b.WriteString(" *")
		}
		return b.String(), nil
	}
	return p
}

type body = func(t *lit)

func regs(want ...uint64) func(r []uint64, v func(int) uint64) bool {
	return func(r []uint64, _ func(int) uint64) bool {
		for i, w := range want {
			if r[i] != w {
				return false
			}
		}
		return true
	}
}

// final adds a final value to a condition on registers.
func final(f func(r []uint64, v func(int) uint64) bool, x int, n uint64) func(r []uint64, v func(int) uint64) bool {
	return func(r []uint64, v func(int) uint64) bool { return f(r, v) && v(x) == n }
}

func none_(*lit) {}

// Steps between the two accesses of a thread.
var steps = map[string]func(t *lit){
	"po": none_, "mb": (*lit).mb, "rmb": (*lit).rmb, "wmb": (*lit).wmb,
}

// pair is two writes or reads with an order between them.
func ww(x, y int, o string) body {
	return func(t *lit) {
		t.W(x, 1)
		if f := steps[o]; f != nil {
			f(t)
		}
		if o == "rel" {
			t.Wrel(y, 1)
		} else {
			t.W(y, 1)
		}
	}
}

func rr(y, x, a, b int, o string) body {
	return func(t *lit) {
		if o == "acq" {
			t.Racq(y, a)
		} else {
			t.R(y, a)
		}
		if f := steps[o]; f != nil {
			f(t)
		}
		if o == "addr" {
			t.Raddr(x, b)
		} else {
			t.R(x, b)
		}
	}
}

func wr(x, y, a int, o string) body {
	return func(t *lit) {
		switch o {
		case "xchg", "xchg_relaxed", "xchg_acquire":
			t.xchg(x, map[string]sim.Order{"xchg": sim.Full, "xchg_relaxed": sim.Relaxed, "xchg_acquire": sim.Acquire}[o])
		case "rel", "rel+acq":
			t.Wrel(x, 1)
		default:
			t.W(x, 1)
		}
		if f := steps[o]; f != nil {
			f(t)
		}
		if o == "rel+acq" {
			t.Racq(y, a)
		} else {
			t.R(y, a)
		}
	}
}

func rw(x, y, a int, o string, n uint64) body {
	return func(t *lit) {
		if o == "acq" || o == "acqrel" {
			t.Racq(x, a)
		} else {
			t.R(x, a)
		}
		if f := steps[o]; f != nil {
			f(t)
		}
		if o == "data" {
			t.data()
		}
		if o == "ctrl" {
			t.ctrl()
		}
		if o == "rel" || o == "acqrel" {
			t.Wrel(y, n)
		} else {
			t.W(y, n)
		}
	}
}

func w1(x int) body { return func(t *lit) { t.W(x, 1) } }

// check explores a shape under every model and compares the verdicts.
func (s *shape) check(t *testing.T) {
	t.Helper()
	for m := range numModels {
		if m >= Model(len(s.want)) || s.want[m] == '-' {
			continue
		}
		sum, err := Run(s.program(), Options{Model: m, Bound: Unbounded})
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, o := range sum.Outcomes {
			found = found || strings.HasSuffix(o.State, "*")
		}
		if want := s.want[m] == 'S'; found != want || !sum.Exhausted {
			t.Errorf("%s under %v: shown %v, want %c; %d executions, %d cut", s.name, m, found, s.want[m], sum.Executions, sum.Cut)
		}
	}
}

// The shapes of litmus-visible.md and locks-and-barriers.md section 15, with
// verdicts under sc, x86-tso, arm64 and lkmm.
func shapes() []shape {
	var list []shape
	add := func(want, name string, asked func(r []uint64, v func(int) uint64) bool, b ...body) {
		list = append(list, shape{name, b, asked, want})
	}
	add("NNNN", "CoRR", regs(1, 0), w1(vx), rr(vx, vx, 0, 1, "po"))
	add("NNNN", "CoWW", final(regs(), vx, 1), func(t *lit) { t.W(vx, 1); t.W(vx, 2) })
	add("NNNN", "CoRW", final(regs(2), vx, 2), func(t *lit) { t.R(vx, 0); t.W(vx, 1) }, func(t *lit) { t.W(vx, 2) })
	add("NNNN", "CoWR", final(regs(2), vx, 1), func(t *lit) { t.W(vx, 1); t.R(vx, 0) }, func(t *lit) { t.W(vx, 2) })
	for _, k := range []struct{ want, w, r string }{
		{"NNSS", "po", "po"}, {"NNNN", "wmb", "rmb"}, {"NNNN", "rel", "acq"}, {"NNNN", "wmb", "acq"}, {"NNNN", "rel", "rmb"},
		{"NNNN", "mb", "mb"}, {"NNSS", "wmb", "po"}, {"NNSS", "po", "rmb"}, {"NNSS", "po", "acq"}, {"NNNN", "wmb", "addr"},
		{"NNSS", "rmb", "wmb"},
	} {
		add(k.want, "MP "+k.w+"+"+k.r, regs(1, 0), ww(vx, vy, k.w), rr(vy, vx, 0, 1, k.r))
	}
	for _, k := range []struct{ want, a, b string }{
		{"NSSS", "po", "po"}, {"NSNS", "rel+acq", "rel+acq"}, {"NSSS", "wmb", "rmb"}, {"NSSS", "mb", "po"}, {"NNNN", "mb", "mb"},
		{"NNNN", "xchg", "xchg"}, {"NSSS", "xchg", "po"}, {"NNSS", "xchg_relaxed", "xchg_relaxed"}, {"NNSS", "xchg_acquire", "xchg_acquire"},
	} {
		add(k.want, "SB "+k.a+"+"+k.b, regs(0, 0), wr(vx, vy, 0, k.a), wr(vy, vx, 1, k.b))
	}
	add("NSSS", "SB+rfi", regs(1, 0, 1, 0), func(t *lit) { t.W(vx, 1); t.R(vx, 0); t.R(vy, 1) }, func(t *lit) { t.W(vy, 1); t.R(vy, 2); t.R(vx, 3) })
	for _, k := range []struct{ want, a, b string }{
		{"NNLL", "po", "po"}, {"NNNN", "data", "data"}, {"NNNN", "ctrl", "ctrl"}, {"NNLL", "data", "po"}, {"NNNN", "acq", "acq"},
		{"NNNN", "rel", "rel"}, {"NNNN", "acq", "rel"}, {"NNNN", "mb", "mb"}, {"NNNL", "rmb", "rmb"},
	} {
		add(k.want, "LB "+k.a+"+"+k.b, regs(1, 1), rw(vx, vy, 0, k.a, 1), rw(vy, vx, 1, k.b, 1))
	}
	for _, k := range []struct{ want, w, r string }{
		{"NNSS", "po", "po"}, {"NNNN", "wmb", "data"}, {"NNNN", "wmb", "ctrl"}, {"NNNN", "rel", "acq"}, {"NNNN", "wmb", "acq"},
		{"NNNS", "wmb", "rmb"}, {"NNSS", "wmb", "po"},
	} {
		add(k.want, "S "+k.w+"+"+k.r, final(regs(1), vx, 2), func(t *lit) {
			t.W(vx, 2)
			if f := steps[k.w]; f != nil {
				f(t)
			}
			if k.w == "rel" {
				t.Wrel(vy, 1)
			} else {
				t.W(vy, 1)
			}
		}, rw(vy, vx, 0, k.r, 1))
	}
	w2r := func(o string) body {
		return func(t *lit) {
			t.W(vy, 2)
			if f := steps[o]; f != nil {
				f(t)
			}
			if o == "acq" {
				t.Racq(vx, 0)
			} else {
				t.R(vx, 0)
			}
		}
	}
	for _, k := range []struct{ want, w, r string }{
		{"NSSS", "po", "po"}, {"NSSS", "mb", "po"}, {"NNNN", "mb", "mb"}, {"NNNS", "wmb", "mb"}, {"NNNS", "rel", "mb"},
	} {
		add(k.want, "R "+k.w+"+"+k.r, final(regs(0), vy, 2), ww(vx, vy, k.w), w2r(k.r))
	}
	w12 := func(x, y int, o string) body {
		return func(t *lit) {
			t.W(x, 1)
			if f := steps[o]; f != nil {
				f(t)
			}
			if o == "rel" {
				t.Wrel(y, 2)
			} else {
				t.W(y, 2)
			}
		}
	}
	for _, k := range []struct{ want, o string }{{"NNSS", "po"}, {"NNNS", "wmb"}, {"NNNS", "rel"}, {"NNNN", "mb"}} {
		add(k.want, "2+2W "+k.o, final(final(regs(), vx, 1), vy, 1), w12(vx, vy, k.o), w12(vy, vx, k.o))
	}
	add("NNNS", "3.2W wmb", final(final(final(regs(), vx, 1), vy, 1), vz, 1), w12(vx, vy, "wmb"), w12(vy, vz, "wmb"), w12(vz, vx, "wmb"))
	for _, k := range []struct{ want, a, b string }{
		{"NNSS", "po", "po"}, {"NNNS", "data", "addr"}, {"NNNS", "acq", "acq"}, {"NNNN", "rel", "acq"}, {"NNNN", "rel", "rmb"},
		{"NNNN", "mb", "rmb"}, {"NNSS", "wmb", "rmb"},
	} {
		add(k.want, "WRC "+k.a+"+"+k.b, regs(1, 1, 0), w1(vx), rw(vx, vy, 0, k.a, 1), rr(vy, vx, 1, 2, k.b))
	}
	for _, k := range []struct{ want, a, b, c string }{
		{"NNSS", "po", "po", "po"}, {"NNNN", "rel", "acqrel", "acq"}, {"NNNN", "wmb", "acqrel", "rmb"}, {"NNNN", "mb", "acq", "rmb"},
		{"NNNS", "wmb", "acq", "rmb"}, {"NNNS", "rel", "acq", "rmb"},
	} {
		add(k.want, "ISA2 "+k.a+"+"+k.b+"+"+k.c, regs(1, 1, 0), ww(vx, vy, k.a), rw(vy, vz, 0, k.b, 1), rr(vz, vx, 1, 2, k.c))
	}
	for _, k := range []struct{ want, a, b string }{
		{"NSSS", "po", "po"}, {"NNNS", "rmb", "mb"}, {"NNNS", "acq", "mb"}, {"NNNN", "mb", "mb"},
	} {
		add(k.want, "RWC "+k.a+"+"+k.b, regs(1, 0, 0), w1(vx), rr(vx, vy, 0, 1, k.a), wr(vy, vx, 2, k.b))
	}
	z6 := func(t *lit) { t.W(vz, 2); t.mb(); t.R(vx, 1) }
	add("NNNS", "Z6.0 rel+acqrel+mb", final(regs(1, 0), vz, 2), ww(vx, vy, "rel"), rw(vy, vz, 0, "acqrel", 1), z6)
	add("NNNN", "Z6.0 mb", final(regs(1, 0), vz, 2), ww(vx, vy, "mb"), rw(vy, vz, 0, "mb", 1), z6)
	for _, k := range []struct{ want, o string }{
		{"NNSS", "po"}, {"NNNS", "addr"}, {"NNNS", "rmb"}, {"NNNS", "acq"}, {"NNNN", "mb"},
	} {
		add(k.want, "IRIW "+k.o, regs(1, 0, 1, 0), w1(vx), rr(vx, vy, 0, 1, k.o), w1(vy), rr(vy, vx, 2, 3, k.o))
	}
	fail := func(x, y, a int, after bool) body {
		return func(t *lit) {
			t.W(x, 1)
			t.c.CmpXchg(variable(vz), 1, 0, sim.Full)
			if after {
				t.c.Fence(sim.MBAfterAtomic)
			}
			t.R(y, a)
		}
	}
	add("NNSS", "cmpxchg-fail-unordered-1", regs(0, 0), fail(vx, vy, 0, false), fail(vy, vx, 1, false))
	add("NNNN", "cmpxchg-fail-ordered-1", regs(0, 0), fail(vx, vy, 0, true), fail(vy, vx, 1, true))
	list = append(list, lockShapes()...)
	return append(list, rcuShapes()...)
}

func lockShapes() (list []shape) {
	add := func(want, name string, asked func(r []uint64, v func(int) uint64) bool, b ...body) {
		list = append(list, shape{name, b, asked, want})
	}
	add("NNNN", "MP+polocks", regs(1, 0), func(t *lit) { t.W(vx, 1); t.lock(vs); t.W(vy, 1); t.unlock(vs) },
		func(t *lit) { t.lock(vs); t.R(vy, 0); t.unlock(vs); t.R(vx, 1) })
	add("NNNN", "MP+porevlocks", regs(1, 0), func(t *lit) { t.lock(vs); t.W(vx, 1); t.unlock(vs); t.W(vy, 1) },
		func(t *lit) { t.R(vy, 0); t.lock(vs); t.R(vx, 1); t.unlock(vs) })
	add("NNNN", "LB+unlocklockonceonce+poacquireonce", regs(1, 1),
		func(t *lit) {
			t.lock(vs)
			t.R(vx, 0)
			t.unlock(vs)
			t.lock(vt)
			t.W(vy, 1)
			t.unlock(vt)
		}, rw(vy, vx, 1, "acq", 1))
	add("NNNN", "MP+unlocklock+acq", regs(1, 0), func(t *lit) {
		t.lock(vs)
		t.W(vx, 1)
		t.unlock(vs)
		t.lock(vt)
		t.W(vy, 1)
		t.unlock(vt)
	}, rr(vy, vx, 0, 1, "acq"))
	add("NNNN", "MP+rel+rmw+acq", regs(2, 0), ww(vx, vy, "rel"), func(t *lit) { t.c.FetchAdd(variable(vy), 1, sim.Relaxed) },
		rr(vy, vx, 0, 1, "acq"))
	z6 := func(after bool) []body {
		return []body{func(t *lit) { t.lock(vs); t.W(vx, 1); t.W(vy, 1); t.unlock(vs) },
			func(t *lit) {
				t.lock(vs)
				if after {
					t.c.Fence(sim.MBAfterSpinlock)
				}
				t.R(vy, 0)
				t.W(vz, 1)
				t.unlock(vs)
			}, func(t *lit) { t.W(vz, 2); t.mb(); t.R(vx, 1) }}
	}
	add("NNNS", "Z6.0+pooncelock+pooncelock+pombonce", final(regs(1, 0), vz, 2), z6(false)...)
	add("NNNN", "Z6.0+pooncelock+poonceLock+pombonce", final(regs(1, 0), vz, 2), z6(true)...)
	return list
}

func rcuShapes() (list []shape) {
	add := func(want, name string, asked func(r []uint64, v func(int) uint64) bool, b ...body) {
		list = append(list, shape{name, b, asked, want})
	}
	reader := func(w, r, a int) body { return func(t *lit) { t.rl(); t.W(w, 2); t.R(r, a); t.ru() } }
	sync := func(w, r, a int) body { return func(t *lit) { t.W(w, 2); t.gp(); t.R(r, a) } }
	add("NN-N", "C-SB+o-rcusync-o+rl-o-o-rul", regs(0, 0), sync(vx, vy, 0), reader(vy, vx, 1))
	add("NS-S", "C-SB+o-rcusync-o+rl-o-o-rul+rl-o-o-rul", regs(0, 0, 0), sync(vx, vy, 0), reader(vy, vz, 1), reader(vz, vx, 2))
	add("NN-N", "C-SB+o-rcusync-o+o-rcusync-o+rl-o-o-rul+rl-o-o-rul", regs(0, 0, 0, 0),
		sync(vx, vy, 0), sync(vy, vz, 1), reader(vz, vw, 2), reader(vw, vx, 3))
	lb := func(r, w, a int) body { return func(t *lit) { t.rl(); t.R(r, a); t.W(w, 1); t.ru() } }
	add("NN-L", "C-LB+rl-o-o-rul+rl-o-o-rul", regs(1, 1), lb(vx, vy, 0), lb(vy, vx, 1))
	return list
}

// The graph search does not wait for a store that depends on the read: load
// buffering costs no execution that leads nowhere.
func TestNothingIsTriedInVain(t *testing.T) {
	for _, s := range shapes() {
		if !strings.HasPrefix(s.name, "LB") && !strings.HasPrefix(s.name, "IRIW") {
			continue
		}
		for m := range numModels {
			sum := search(t, s.program(), Options{Model: m, Bound: Unbounded})
			if sum.Cut != 0 || sum.Executions != len(sum.Outcomes) {
				t.Errorf("%s under %v: %d executions, %d cut, %d outcomes", s.name, m, sum.Executions, sum.Cut, len(sum.Outcomes))
			}
		}
	}
}

func TestShapes(t *testing.T) {
	for _, s := range shapes() {
		s.check(t)
	}
}
