package litmus

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"

	"mmsim/explore"
	"mmsim/sim"
)

// The tests below make litmus tests as the generators of the kernel's
// collections do: rings of threads, each joined to the next by a communication
// edge, in all the styles of writing that such files have.

// diyStmt is one statement of a thread; a register's declaration is left to the
// style.
type diyStmt struct {
	reg, typ string // assigned, if not empty
	text     string // expression or statement
	cond     string // the statement is the arm of this branch
}

// diyThread is one thread of a ring.
type diyThread struct {
	stmts []diyStmt
	regs  int
	vars  []string // parameters
}

// diyTest is a ring before it is written down.
type diyTest struct {
	name    string
	init    []string // "x=y"
	threads []diyThread
	types   map[string]string // of variables that are not int
	kinds   []string          // of edges; nil for all
	atoms   []string          // of the condition
	shown   []string          // further places
}

// diyAccess is a memory access of the ring: a read or a write of a variable.
type diyAccess struct {
	write bool
	v     string
	val   int
}

// diyEdges are what joins the accesses of a thread, by whether they write.
var diyEdges = map[string][]string{
	"RR": {"po", "mb", "rmb", "acq", "addr", "rscs", "gp", "lock", "ul", "deref", "srcu", "sgp", "ctrlrmb", "atomic"},
	"RW": {"po", "mb", "acq", "rel", "acqrel", "addr", "data", "ctrl", "rscs", "gp", "lock", "ul", "deref", "srcu", "atomic", "xchg"},
	"WR": {"po", "mb", "rscs", "gp", "lock", "ul", "rfi", "rfiaddr", "srcu", "sgp", "storemb", "atomic", "relacq", "xchg"},
	"WW": {"po", "mb", "wmb", "rel", "rscs", "gp", "lock", "ul", "rfidata", "srcu", "atomic", "xchg", "wsi"},
}

// graceKinds are the edges of rings about grace periods.
var graceKinds = []string{"rscs", "rscs", "gp", "po", "mb", "srcu", "sgp"}

// diyRing draws a ring of n threads, with all kinds of edges or some.
func diyRing(r *sim.Rand, n int, kinds []string) *diyTest {
	t := &diyTest{types: map[string]string{}, kinds: kinds}
	var ends [][2]bool
	for range n {
		ends = append(ends, [2]bool{r.Below(2) == 0, r.Below(2) == 0})
	}
	for i := range ends { // a variable that nobody writes joins nothing
		if next := (i + 1) % n; !ends[i][1] && !ends[next][0] {
			ends[i][1] = true
		}
	}
	var names []string
	for i := range n {
		edge := t.thread(r, i, n, ends)
		names = append(names, edge)
	}
	for i := range n {
		t.communication(i, n, ends)
	}
	t.name = "C-" + strings.Join(names, "+")
	return t
}

func diyVar(i, n int) string { return fmt.Sprintf("x%d", (i+n)%n) }

// thread adds thread i of n and names its edge.
func (t *diyTest) thread(r *sim.Rand, i, n int, ends [][2]bool) string {
	th := &diyThread{vars: []string{diyVar(i, n), diyVar(i+1, n)}}
	first := diyAccess{write: ends[i][0], v: diyVar(i, n), val: 1}
	second := diyAccess{write: ends[i][1], v: diyVar(i+1, n), val: 1}
	if ends[i][0] && ends[(i+n-1)%n][1] {
		first.val = 2 // the second of two writes
	}
	key := map[bool]string{false: "R", true: "W"}
	kinds := t.kinds
	if kinds == nil {
		kinds = diyEdges[key[first.write]+key[second.write]]
	}
	edge := kinds[r.Below(uint64(len(kinds)))]
	if edge == "deref" {
		t.pointer(i, n, ends)
	}
	th.join(r, edge, first, second, i)
	t.threads = append(t.threads, *th)
	return edge
}

// pointer makes the variable that thread i reads first a pointer to the one
// that it accesses next.
func (t *diyTest) pointer(i, n int, ends [][2]bool) {
	v := diyVar(i, n)
	t.types[v] = "int *"
	t.init = append(t.init, v+"="+diyVar(i+1, n))
}

// access appends an access; it returns the register loaded into.
func (th *diyThread) access(a diyAccess, order string) string {
	if a.write {
		text := fmt.Sprintf("WRITE_ONCE(*%s, %d)", a.v, a.val)
		switch order {
		case "rel":
			text = fmt.Sprintf("smp_store_release(%s, %d)", a.v, a.val)
		case "storemb":
			text = fmt.Sprintf("smp_store_mb(*%s, %d)", a.v, a.val)
		}
		th.stmts = append(th.stmts, diyStmt{text: text})
		return ""
	}
	text := fmt.Sprintf("READ_ONCE(*%s)", a.v)
	if order == "acq" {
		text = fmt.Sprintf("smp_load_acquire(%s)", a.v)
	}
	return th.assign(text)
}

// assign loads into a new register.
func (th *diyThread) assign(text string) string {
	reg := fmt.Sprintf("r%d", th.regs)
	th.regs++
	th.stmts = append(th.stmts, diyStmt{reg: reg, typ: "int", text: text})
	return reg
}

func (th *diyThread) add(text string) { th.stmts = append(th.stmts, diyStmt{text: text}) }

// need adds a parameter.
func (th *diyThread) need(v string) {
	if !slices.Contains(th.vars, v) {
		th.vars = append(th.vars, v)
	}
}

// around are the edges that stand between two accesses, or around them.
var around = map[string][3]string{
	"po": {}, "mb": {"", "smp_mb()", ""}, "rmb": {"", "smp_rmb()", ""}, "wmb": {"", "smp_wmb()", ""},
	"rscs": {"rcu_read_lock()", "", "rcu_read_unlock()"}, "gp": {"", "synchronize_rcu()", ""},
	"lock": {"spin_lock(sl)", "", "spin_unlock(sl)"}, "sgp": {"", "synchronize_srcu(ss)", ""},
}

// orders are the edges that are a property of the first and of the second
// access.
var orders = map[string][2]string{"acq": {"acq", ""}, "rel": {"", "rel"}, "acqrel": {"acq", "rel"},
	"storemb": {"storemb", ""}, "relacq": {"rel", "acq"}}

// join appends both accesses and the edge between them.
func (th *diyThread) join(r *sim.Rand, edge string, a, b diyAccess, i int) {
	if s, ok := around[edge]; ok {
		th.put(s[0])
		th.access(a, "")
		th.put(s[1])
		th.access(b, "")
		th.put(s[2])
		return
	}
	if o, ok := orders[edge]; ok {
		th.access(a, o[0])
		th.access(b, o[1])
		return
	}
	switch edge {
	case "xchg":
		th.exchange(r, a, b)
	case "atomic":
		th.atomic(r, a, b, i)
	case "srcu":
		th.need("ss")
		cookie := th.assign("srcu_read_lock(ss)")
		th.access(a, "")
		th.access(b, "")
		th.add("srcu_read_unlock(ss, " + cookie + ")")
	case "ul":
		th.need("sl")
		th.need("sm")
		th.add("spin_lock(sl)")
		th.access(a, "")
		th.add("spin_unlock(sl)")
		th.add("spin_lock(sm)")
		if r.Below(2) == 0 {
			th.add([]string{"smp_mb__after_spinlock()", "smp_mb__after_unlock_lock()"}[r.Below(2)])
		}
		th.access(b, "")
		th.add("spin_unlock(sm)")
	default:
		th.depend(edge, a, b)
	}
}

// put adds a statement, with the variable that it needs.
func (th *diyThread) put(text string) {
	if text == "" {
		return
	}
	for _, v := range []string{"sl", "ss"} {
		if strings.Contains(text, "("+v) {
			th.need(v)
		}
	}
	th.add(text)
}

// exchange makes a write an atomic of some order.
func (th *diyThread) exchange(r *sim.Rand, a, b diyAccess) {
	suffix := []string{"", "_relaxed", "_acquire", "_release"}[r.Below(4)]
	do := func(x diyAccess) {
		switch r.Below(3) {
		case 0:
			th.assign(fmt.Sprintf("xchg%s(%s, %d)", suffix, x.v, x.val))
		case 1:
			th.assign(fmt.Sprintf("atomic_fetch_add%s(%d, %s)", suffix, x.val, x.v))
		default:
			th.assign(fmt.Sprintf("cmpxchg%s(%s, 0, %d)", suffix, x.v, x.val))
		}
	}
	if a.write {
		do(a)
		th.access(b, "")
		return
	}
	th.access(a, "")
	do(b)
}

// atomic puts an atomic on a variable of its own between the accesses.
func (th *diyThread) atomic(r *sim.Rand, a, b diyAccess, i int) {
	v := fmt.Sprintf("a%d", i)
	th.need(v)
	th.access(a, "")
	switch r.Below(6) {
	case 0:
		th.add("smp_mb__before_atomic()")
		th.add("atomic_inc(" + v + ")")
	case 1:
		th.add("atomic_dec(" + v + ")")
		th.add("smp_mb__after_atomic()")
	case 2:
		th.add("atomic_add(2, " + v + ")")
	case 3:
		th.assign("atomic_add_unless(" + v + ", 1, 0)")
	case 4:
		th.assign("atomic_inc_return" + []string{"", "_relaxed", "_acquire", "_release"}[r.Below(4)] + "(" + v + ")")
	default:
		th.assign("cmpxchg" + []string{"", "_acquire"}[r.Below(2)] + "(" + v + ", " + strconv.Itoa(int(r.Below(2))) + ", 3)")
	}
	th.access(b, "")
}

// depend is the edges that carry a value from the first access to the second.
func (th *diyThread) depend(edge string, a, b diyAccess) {
	reg := th.access(a, "")
	switch edge {
	case "addr":
		b.v = fmt.Sprintf("(%s + (%s ^ %s))", b.v, reg, reg)
	case "deref":
		th.stmts[len(th.stmts)-1] = diyStmt{reg: reg, typ: "int *", text: fmt.Sprintf("rcu_dereference(*%s)", a.v)}
		b.v = reg
	case "data":
		th.add(fmt.Sprintf("WRITE_ONCE(*%s, %d + (%s & 128))", b.v, b.val, reg))
		return
	case "ctrl":
		th.stmts = append(th.stmts, diyStmt{cond: fmt.Sprintf("%s != 7", reg), text: fmt.Sprintf("WRITE_ONCE(*%s, %d)", b.v, b.val)})
		return
	case "ctrlrmb":
		th.stmts = append(th.stmts, diyStmt{cond: fmt.Sprintf("!%s", reg), text: "smp_rmb()"})
	case "rfi":
		th.assign(fmt.Sprintf("READ_ONCE(*%s)", a.v))
	case "rfiaddr":
		own := th.assign(fmt.Sprintf("READ_ONCE(*%s)", a.v))
		b.v = fmt.Sprintf("(%s + (%s ^ %s))", b.v, own, own)
	case "rfidata":
		own := th.assign(fmt.Sprintf("READ_ONCE(*%s)", a.v))
		th.add(fmt.Sprintf("WRITE_ONCE(*%s, %d + (%s ^ %s))", b.v, b.val, own, own))
		return
	case "wsi":
		th.access(diyAccess{write: true, v: a.v, val: a.val + 2}, "")
	}
	th.access(b, "")
}

// communication adds what the condition says of the variable between threads
// i-1 and i.
func (t *diyTest) communication(i, n int, ends [][2]bool) {
	v, before := diyVar(i, n), (i+n-1)%n
	wrote, writes := ends[before][1], ends[i][0]
	pointer := t.types[v] != ""
	if pointer && wrote {
		t.assignPointer(before, v, diyVar(i+1, n))
	}
	switch {
	case wrote && writes:
		t.atoms = append(t.atoms, fmt.Sprintf("%s=2", v))
	case wrote && pointer:
		t.atoms = append(t.atoms, fmt.Sprintf("%d:%s=%s", i, t.threads[i].firstLoad(v), diyVar(i+1, n)))
	case wrote:
		t.atoms = append(t.atoms, fmt.Sprintf("%d:%s=1", i, t.threads[i].firstLoad(v)))
	default:
		t.atoms = append(t.atoms, fmt.Sprintf("%d:%s=0", before, t.threads[before].lastLoad(v)))
	}
	t.shown = append(t.shown, v)
	for j := range t.threads[i].regs {
		t.shown = append(t.shown, fmt.Sprintf("%d:r%d", i, j))
	}
}

// assignPointer makes the write of thread i to v store an address.
func (t *diyTest) assignPointer(i int, v, target string) {
	th := &t.threads[i]
	th.need(target)
	for k := range th.stmts {
		s := &th.stmts[k]
		for _, form := range []string{"WRITE_ONCE(*" + v + ", 1", "smp_store_release(" + v + ", 1", "smp_store_mb(*" + v + ", 1"} {
			s.text = strings.Replace(s.text, form, strings.TrimSuffix(form, "1")+target, 1)
		}
	}
}

// firstLoad is the register of the first load of v, lastLoad that of the last.
func (th *diyThread) firstLoad(v string) string {
	for i := range th.stmts {
		if s := &th.stmts[i]; s.reg != "" && strings.Contains(s.text, v) {
			return s.reg
		}
	}
	return "r0"
}

func (th *diyThread) lastLoad(v string) string {
	for i := len(th.stmts) - 1; i >= 0; i-- {
		if s := &th.stmts[i]; s.reg != "" {
			return s.reg
		}
	}
	return "r0"
}

// large is how many times more tests are run than by default: the environment
// variable LITMUS_LARGE.
func large() int {
	n, err := strconv.Atoi(os.Getenv("LITMUS_LARGE"))
	if err != nil {
		return 1
	}
	return n
}

// Rings of threads, as generators make them, written in two styles: both mean
// the same, and what exploration shows is what the axioms allow.
func TestRingsAgreeWithAxioms(t *testing.T) {
	for i, v := range []struct {
		threads, tests int
		kinds          []string
	}{{2, 60, nil}, {3, 25, nil}, {4, 4, nil}, {2, 40, graceKinds}, {3, 30, graceKinds}, {4, 10, graceKinds}} {
		r := sim.NewRand(uint64(large()), uint64(i), 0)
		for range v.tests * large() {
			ring := diyRing(&r, v.threads, v.kinds)
			src := ring.write(plainStyle())
			p := compile(t, src)
			other := ring.write(randomStyle(&r))
			q := compile(t, other)
			for m := explore.SC; m <= explore.LKMM; m++ {
				if bad := disagreement(t, p, m); bad != "" {
					t.Errorf("under %v:\n%s\n%s", m, src, bad)
				}
				if a, b := explored(t, p, m), explored(t, q, m); !sameStates(a, b) {
					t.Errorf("under %v, two styles of writing differ: %v %v\n%s\n%s", m, a.States, b.States, src, other)
				}
			}
			if t.Failed() {
				return
			}
		}
	}
}

func sameStates(a, b *Result) bool {
	return a.Verdict() == b.Verdict() && slices.EqualFunc(a.States, b.States, func(x, y State) bool {
		return x.Text == y.Text && x.Witness == y.Witness
	})
}
