package explore

import "mmsim/sim"

// none stands for the initial value of a location where a write is expected.
const none = int32(-1)

// evFlags are the properties of an event that the axioms ask for.
type evFlags uint16

const (
	fWrite    evFlags = 1 << iota // a write; otherwise a read
	fAcquire                      // [A]: orders what follows
	fRelease                      // [L]: ordered behind what precedes
	fNoReturn                     // the read of an atomic without a result
	fRMW                          // half of an atomic that writes
	fFull                         // half of a value-returning atomic without suffix
	fLock                         // read or write of spin_lock
	fUnlock                       // write of spin_unlock
	fTaken                        // an atomic's write follows directly in coherence order
	fPartial                      // a write whose word keeps bytes of its predecessor
)

// event is one access to a shared word: a node of the execution graph.
type event struct {
	val   uint64  // the whole word as read or written
	deps  sim.Dep // writes: dependencies of the data
	addr  sim.Dep // writes: dependencies of the address
	cpu   int32
	loc   int32
	rf    int32 // reads: the write read from; writes of an atomic: their read
	pos   int32 // writes: index in the coherence order
	prev  int32 // previous event of the same CPU at the same location
	first int32 // writes: list of the reads that read from it
	next  int32 // reads: next in that list
	flags evFlags
}

// location is one shared word.
type location struct {
	addr   sim.Addr
	mask   uint64 // bits in use
	init   uint64
	co     []int32 // writes in coherence order
	first  int32   // reads of the initial value
	taken  bool    // an atomic's write follows the initial value directly
	coh    []int32 // by CPU: the latest write it has seen or made
	last   []int32 // by CPU: its last event here
	points []int32 // choice points of reads here, for the race check
}

// graph is the execution graph that grows with each operation. Rows of bits are
// indexed by event; bit i of a row stands for event i.
type graph struct {
	model  Model
	exact  bool // dependencies of stores are announced
	stride int  // words in a row
	ev     []event
	ppo    []uint64 // direct predecessors by program order, dependencies and fences
	sf     []uint64 // LKMM: events a strong fence orders before this one
	cf     []uint64 // LKMM: closed predecessors by cumul-fence, the event included
	cs     []uint64 // LKMM: cf of the event and of the external write it reads
	prop   []uint64 // LKMM: events of this CPU that propagate before this one
	clock  []uint16 // by event and CPU: steps that precede it in program order and reads-from
	locs   []location
	th     []thread
	rcu    []rcuEvent
	graces int
	doomed bool // a grace period rules the graph out

	seen, target, work, tail     []uint64 // scratch rows
	stack                        []int32
	links, order, via, tmp, tmp2 matrix // of the RCU axiom
}

// thread is the state of one CPU in the graph.
type thread struct {
	acc    []uint64 // rows of sets, see the ac constants
	events []int32  // in program order
	clock  []uint16 // own steps, and those of others known through reads-from
	racy   []uint64 // LKMM: external writes that may come after an own event at their location
	loads  int
	dep    sim.Dep // of the latest load
	data   sim.Dep // announced for the next store
	ctrl   sim.Dep
}

// Sets that a CPU carries along.
const (
	acAll    = iota // all events
	acLoads         // reads with a result
	acStores        // writes
	acAny           // precede every later event
	acNextR         // precede every later read
	acNextW         // precede every later write
	acRel           // arm64: store-releases
	acSF            // LKMM: before every later event by a strong fence
	acSFc           // LKMM: the same, closed under cumul-fence
	acCsAll         // LKMM: cs of all events
	acCfW           // LKMM: cf of all writes
	acWMBc          // LKMM: cf of the writes before the last smp_wmb
	acUL            // LKMM: events before a spin_unlock of this CPU
	acPulp          // LKMM: events before an unlock that a lock of this CPU follows
	acPulpC         // LKMM: the same, closed under cumul-fence
	acBefore        // LKMM: events before smp_mb__before_atomic
	acRMW           // LKMM: events up to the last atomic
	acLock          // LKMM: events up to the last spin_lock
	acDep           // 32 rows: loads by dependency bit
	numAcc   = acDep + 32
)

func (g *graph) row(rows []uint64, e int32) []uint64 {
	at := int(e) * g.stride
	return rows[at : at+g.stride : at+g.stride]
}

func (t *thread) set(g *graph, k int) []uint64 { return g.row(t.acc, int32(k)) }

func setBit(row []uint64, e int32)      { row[e>>6] |= 1 << (e & 63) }
func clearBit(row []uint64, e int32)    { row[e>>6] &^= 1 << (e & 63) }
func hasBit(row []uint64, e int32) bool { return row[e>>6]>>(e&63)&1 != 0 }

func union(dst, src []uint64) {
	for i, w := range src {
		dst[i] |= w
	}
}

func intersects(a, b []uint64) bool {
	for i, w := range a {
		if w&b[i] != 0 {
			return true
		}
	}
	return false
}

// newGraph returns an empty graph for CPUs 0 to cpus-1.
func newGraph(model Model, exact bool, cpus int) *graph {
	g := &graph{model: model, exact: exact, stride: 1, th: make([]thread, cpus)}
	for i := range g.th {
		g.th[i].acc = make([]uint64, numAcc)
		g.th[i].racy = make([]uint64, 1)
		g.th[i].clock = make([]uint16, cpus)
	}
	g.scratch()
	return g
}

func (g *graph) scratch() {
	g.seen, g.target = make([]uint64, g.stride), make([]uint64, g.stride)
	g.work, g.tail = make([]uint64, g.stride), make([]uint64, g.stride)
}

// reset empties the graph for the next execution.
func (g *graph) reset() {
	g.ev, g.rcu, g.graces, g.doomed = g.ev[:0], g.rcu[:0], 0, false
	g.ppo, g.sf, g.cf, g.cs, g.prop = g.ppo[:0], g.sf[:0], g.cf[:0], g.cs[:0], g.prop[:0]
	g.clock = g.clock[:0]
	for i := range g.th {
		t := &g.th[i]
		clear(t.acc)
		clear(t.clock)
		clear(t.racy)
		t.events, t.loads, t.dep, t.data, t.ctrl = t.events[:0], 0, 0, 0, 0
	}
	for i := range g.locs {
		g.locs[i].reset()
	}
}

func (l *location) reset() {
	l.co, l.points, l.first, l.taken = l.co[:0], l.points[:0], none, false
	for i := range l.coh {
		l.coh[i], l.last[i] = none, none
	}
}

// addLoc adds a location.
func (g *graph) addLoc() int32 {
	n := len(g.th)
	l := location{coh: make([]int32, n), last: make([]int32, n)}
	l.reset()
	g.locs = append(g.locs, l)
	return int32(len(g.locs) - 1)
}

// newEvent appends an event with empty rows.
func (g *graph) newEvent(e event) int32 {
	n := int32(len(g.ev))
	if int(n) == g.stride*64 {
		g.grow()
	}
	g.ev = append(g.ev, e)
	g.ppo = addRow(g.ppo, g.stride)
	if g.model == LKMM {
		g.sf, g.cf = addRow(g.sf, g.stride), addRow(g.cf, g.stride)
		g.cs, g.prop = addRow(g.cs, g.stride), addRow(g.prop, g.stride)
	}
	g.clock = append(g.clock, g.th[e.cpu].clock...)
	return n
}

func addRow(rows []uint64, stride int) []uint64 {
	if stride == 1 {
		return append(rows, 0)
	}
	n := len(rows)
	for len(rows) < n+stride {
		rows = append(rows, 0)
	}
	return rows
}

// grow doubles the width of all rows.
func (g *graph) grow() {
	old := g.stride
	g.stride *= 2
	widen := func(rows []uint64) []uint64 {
		w := make([]uint64, 2*len(rows), 2*cap(rows))
		for i := 0; i*old < len(rows); i++ {
			copy(w[i*g.stride:], rows[i*old:(i+1)*old])
		}
		return w
	}
	g.ppo, g.sf, g.cf, g.cs, g.prop = widen(g.ppo), widen(g.sf), widen(g.cf), widen(g.cs), widen(g.prop)
	for i := range g.th {
		g.th[i].acc = widen(g.th[i].acc)
		g.th[i].racy = widen(g.th[i].racy)
	}
	g.scratch()
}

// value is the word that write w (or the initial state) left at location l.
func (g *graph) value(l, w int32) uint64 {
	if w == none {
		return g.locs[l].init
	}
	return g.ev[w].val
}

// latest is the last write in coherence order.
func (l *location) latest() int32 {
	if n := len(l.co); n > 0 {
		return l.co[n-1]
	}
	return none
}

// position is the index of write w in the coherence order; the initial value
// has -1.
func (g *graph) position(w int32) int32 {
	if w == none {
		return -1
	}
	return g.ev[w].pos
}

// taken reports whether an atomic's write follows w directly.
func (g *graph) taken(l, w int32) bool {
	if w == none {
		return g.locs[l].taken
	}
	return g.ev[w].flags&fTaken != 0
}

func (g *graph) setTaken(l, w int32, on bool) {
	switch {
	case w == none:
		g.locs[l].taken = on
	case on:
		g.ev[w].flags |= fTaken
	default:
		g.ev[w].flags &^= fTaken
	}
}

// external reports whether write w (possibly the initial one, which never
// counts here) was made by another CPU.
func (g *graph) external(cpu int32, w int32) bool { return w != none && g.ev[w].cpu != cpu }
