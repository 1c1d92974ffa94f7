package explore

import (
	"fmt"
	"strings"

	"mmsim/sim"
)

// Trace is one execution as rows of columns, one column a CPU.
type Trace struct {
	Columns []string
	Rows    []Row
}

// Row is one operation.
type Row struct {
	Column int
	Text   string
	Note   string // of a stale read or delayed store: what made it possible
	addr   sim.Addr
	fence  bool
	over   int // row of the store that the note is about, before rows were dropped
}

// String renders the columns as developers draw races.
func (t *Trace) String() string {
	width := make([]int, len(t.Columns))
	for i, c := range t.Columns {
		width[i] = len(c)
	}
	for _, r := range t.Rows {
		width[r.Column] = max(width[r.Column], len(r.Text))
	}
	var b strings.Builder
	digits := len(fmt.Sprint(len(t.Rows)))
	line := func(n, column int, text, note string) {
		fmt.Fprintf(&b, "%*s  ", digits, strings.TrimPrefix(fmt.Sprint(n), "0"))
		cells := make([]string, len(width))
		for i, w := range width {
			s := ""
			if i == column || column < 0 {
				s = text
			}
			if column < 0 {
				s = t.Columns[i]
			}
			cells[i] = fmt.Sprintf("%-*s", w, s)
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, " | "), " "))
		if note != "" {
			b.WriteString("   <- " + note)
		}
		b.WriteByte('\n')
	}
	line(0, -1, "", "")
	rule := make([]string, len(width))
	for i, w := range width {
		rule[i] = strings.Repeat("-", w)
	}
	b.WriteString(strings.Repeat("-", digits) + "--" + strings.Join(rule, "-+-") + "\n")
	for i, r := range t.Rows {
		line(i+1, r.Column, r.Text, r.Note)
	}
	return b.String()
}

// tracer collects the rows of a replay. All its methods work on a nil one,
// doing nothing: that is what searches have.
type tracer struct {
	syms *sim.Symbols
	rows []Row
	row  []int  // by event: its row
	note string // for the next row
	over int
}

func newTracer(p *Program) *tracer {
	syms := p.Syms
	if syms == nil {
		syms = new(sim.Symbols)
	}
	return &tracer{syms: syms}
}

// finish drops the accesses that no other CPU can see, and titles the columns.
func (t *tracer) finish(m *machine) *Trace {
	tr := &Trace{}
	for i := range m.cpus {
		tr.Columns = append(tr.Columns, fmt.Sprintf("CPU%d", i))
	}
	for i := range m.p.Threads {
		if c := m.p.Threads[i].CPU; m.p.Threads[i].Name != "" {
			tr.Columns[c] += " " + m.p.Threads[i].Name
		}
	}
	t.dropFences(m)
	kept := make([]int, len(t.rows))
	for i, r := range t.rows {
		if t.visible(m, &r) {
			if r.Note != "" {
				r.Note = strings.Replace(r.Note, "%row", fmt.Sprint(kept[r.over]), 1)
			}
			tr.Rows = append(tr.Rows, r)
		}
		kept[i] = len(tr.Rows)
	}
	return tr
}

// visible reports whether a row is more than an access that no other CPU sees.
func (t *tracer) visible(m *machine, r *Row) bool {
	return r.Text != "" && (r.addr == 0 || m.words.find(r.addr&^7).shared)
}

// dropFences empties the rows of barriers that have no visible access of their
// CPU on one side, or stand directly behind the same barrier.
func (t *tracer) dropFences(m *machine) {
	for cpu := range m.cpus {
		pending := make([]int, 0, len(t.rows)) // barriers since the last access
		accessed := false
		for i := range t.rows {
			r := &t.rows[i]
			switch {
			case r.Column != cpu || !t.visible(m, r):
			case !r.fence:
				pending, accessed = pending[:0], true
			case !accessed || t.says(pending, r.Text):
				r.Text = ""
			default:
				pending = append(pending, i)
			}
		}
		for _, i := range pending {
			t.rows[i].Text = ""
		}
	}
}

// says reports whether one of the rows has the text.
func (t *tracer) says(rows []int, text string) bool {
	for _, i := range rows {
		if t.rows[i].Text == text {
			return true
		}
	}
	return false
}

func (t *tracer) add(x *context, addr sim.Addr, text string) {
	if x.c.InIRQ {
		text = "[irq] " + text
	}
	t.rows = append(t.rows, Row{Column: int(x.cpu), Text: text, Note: t.note, addr: addr, over: t.over})
	t.note = ""
}

// text adds a row that is about no memory.
func (t *tracer) text(x *context, s string) {
	if t != nil {
		t.add(x, 0, s)
	}
}

// barrier adds a fence.
func (t *tracer) barrier(x *context, s string) {
	if t != nil {
		t.add(x, 0, s)
		t.rows[len(t.rows)-1].fence = true
	}
}

// events notes which row the newest events belong to.
func (t *tracer) events(m *machine) {
	if m.g == nil {
		return
	}
	for len(t.row) < len(m.g.ev) {
		t.row = append(t.row, len(t.rows))
	}
}

// access adds a load or store.
func (t *tracer) access(m *machine, x *context, verb string, v uint64) {
	if t == nil {
		return
	}
	t.events(m)
	o := &x.op
	if o.flags&fUnlock != 0 {
		t.add(x, o.ref.A, "spin_unlock "+t.name(o.ref.A))
		return
	}
	if o.order != sim.Relaxed {
		verb += "." + o.order.String()
	}
	sep := " = "
	if o.kind == opLoad {
		sep = " -> "
	}
	t.add(x, o.ref.A, verb+" "+t.name(o.ref.A)+sep+t.value(v))
}

// atomic adds a read-modify-write that found old.
func (t *tracer) atomic(m *machine, x *context, old uint64) {
	if t == nil {
		return
	}
	t.events(m)
	o := &x.op
	if o.flags&fLock != 0 {
		t.add(x, o.ref.A, t.lockText(o, old))
		return
	}
	v, writes := o.rmw.Apply(old, o.arg, o.cmp, o.ref.Size)
	text := fmt.Sprintf("%v.%v %s: %s -> %s", o.rmw, o.order, t.name(o.ref.A), t.value(old), t.value(v))
	if !writes {
		text = fmt.Sprintf("%v.%v %s: %s, expected %s", o.rmw, o.order, t.name(o.ref.A), t.value(old), t.value(o.cmp))
	}
	t.add(x, o.ref.A, text)
}

func (t *tracer) lockText(o *op, old uint64) string {
	switch {
	case o.must:
		return "spin_lock " + t.name(o.ref.A)
	case old == 0:
		return "spin_trylock " + t.name(o.ref.A) + ": taken"
	}
	return "spin_trylock " + t.name(o.ref.A) + ": busy"
}

// spin adds a spin-wait that has ended by condition k.
func (t *tracer) spin(m *machine, x *context, k int) {
	if t == nil {
		return
	}
	t.events(m)
	if k < 0 {
		t.add(x, 0, "spin-wait: the deadline passes")
		return
	}
	c := &x.c.Conds[k]
	rel := map[sim.Test]string{sim.Eq: "==", sim.Ne: "!="}[c.Test]
	t.add(x, c.Ref.A, fmt.Sprintf("spin-wait until %s %s %s", t.name(c.Ref.A), rel, t.value(c.Arg)))
}

func (t *tracer) name(a sim.Addr) string { return t.syms.Lookup(a).String() }

// value prints small numbers in decimal and what looks like a pointer by name.
func (t *tracer) value(v uint64) string {
	if v < sim.PageBytes {
		return fmt.Sprint(v)
	}
	if y := t.syms.Lookup(sim.Addr(v)); y.Object != "" {
		if y.Off == 0 {
			return "&" + y.Object
		}
		return "&" + y.String()
	}
	return fmt.Sprintf("%#x", v)
}

// past prepares the note of an operation that does not take the newest write.
func (t *tracer) past(m *machine, x *context) {
	if t == nil {
		return
	}
	l := m.pickLoc(x)
	if l == none || x.pick.w == m.g.locs[l].latest() {
		return
	}
	co := m.g.locs[l].co
	over := co[m.g.position(x.pick.w)+1]
	t.over = t.row[over]
	by := fmt.Sprintf("CPU%d's store in row %%row", m.g.ev[over].cpu)
	if x.op.kind == opStore {
		t.note = "delayed: lands before " + by
		return
	}
	t.note = "stale: misses " + by + "; " + m.why(x)
}

// why says which order, if it were there, would forbid x's stale read.
func (m *machine) why(x *context) string {
	try := func(f sim.Fence) bool {
		g := m.g
		g.save(x.cpu, &m.mark)
		g.fence(x.cpu, f)
		_, e := m.apply(x, x.pick)
		ok := g.consistent(e)
		g.undo(x.cpu, &m.mark)
		return ok
	}
	switch {
	case !try(sim.RMB):
		return "no smp_rmb, acquire or address dependency holds it behind the earlier reads"
	case !try(sim.MB):
		return "no smp_mb holds it behind the earlier stores"
	}
	return "nothing makes that store reach this CPU before what it has seen"
}
