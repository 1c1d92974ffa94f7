package litmus

// Grace periods in the oracle, for the models that are machines: some order of
// the events, one of those that the model allows, must leave each CPU a moment
// for each grace period, behind all that comes before it and before all that
// comes behind it on its caller, in which the CPU has executed a prefix of its
// program and is outside of readers.

// axGrace is one grace period.
type axGrace struct {
	thread        int
	before, after uint64 // events of the caller
}

// axWalk searches the orders.
type axWalk struct {
	g        *axGraph
	pred     rel
	graces   []axGrace
	prefixes [][]uint64 // by thread: sets of executed events that are prefixes outside of readers
	all      []uint64   // by thread: its memory events
	goal     uint64
	dead     map[[2]uint64]bool // executed events, and quiescent states seen
}

// quiescent reports whether there is such an order.
func (g *axGraph) quiescent(order rel) bool {
	w := &axWalk{g: g, pred: order.inv(), dead: map[[2]uint64]bool{}}
	for i := range g.ev {
		e := &g.ev[i]
		if e.kind == axSync && e.domain == 0 {
			w.addGrace(i)
		}
		if e.isM() && e.thread >= 0 {
			w.goal |= 1 << i
		}
	}
	if len(w.graces) == 0 {
		return true
	}
	for t := 0; ; t++ {
		if !w.addThread(t) {
			break
		}
	}
	return w.walk(0, 0)
}

func (w *axWalk) addGrace(sync int) {
	x := axGrace{thread: w.g.ev[sync].thread}
	for i := range w.g.ev {
		if e := &w.g.ev[i]; e.isM() && e.thread == x.thread {
			if i < sync {
				x.before |= 1 << i
			} else {
				x.after |= 1 << i
			}
		}
	}
	w.graces = append(w.graces, x)
}

// addThread collects the prefixes of thread t; false if there is no such thread.
func (w *axWalk) addThread(t int) (found bool) {
	var done uint64
	depth, last := 0, 0
	var prefixes []uint64
	for i := range w.g.ev {
		e := &w.g.ev[i]
		last = max(last, e.thread)
		if e.thread != t {
			continue
		}
		if depth == 0 {
			prefixes = append(prefixes, done)
		}
		switch {
		case e.isM():
			done |= 1 << i
		case e.kind == axReadLock && e.domain == 0:
			depth++
		case e.kind == axReadUnlock && e.domain == 0:
			depth--
		}
	}
	if depth == 0 {
		prefixes = append(prefixes, done)
	}
	w.prefixes, w.all = append(w.prefixes, prefixes), append(w.all, done)
	return t <= last
}

// walk executes events until all are done.
func (w *axWalk) walk(done, seen uint64) bool {
	for i, x := range w.graces {
		for t := range w.all {
			if x.before&^done == 0 && (t == x.thread || w.quiet(t, done)) {
				seen |= 1 << (i*len(w.all) + t)
			}
		}
	}
	if done == w.goal {
		return true
	}
	key := [2]uint64{done, seen}
	if w.dead[key] {
		return false
	}
	for i := range w.g.ev {
		bit := uint64(1) << i
		if w.goal&bit == 0 || done&bit != 0 || w.pred[i]&w.goal&^done != 0 || !w.over(bit, seen) {
			continue
		}
		if w.walk(done|bit, seen) {
			return true
		}
	}
	w.dead[key] = true
	return false
}

// quiet reports whether thread t is in a quiescent state.
func (w *axWalk) quiet(t int, done uint64) bool {
	for _, p := range w.prefixes[t] {
		if done&w.all[t] == p {
			return true
		}
	}
	return false
}

// over reports whether the grace periods before an event have ended.
func (w *axWalk) over(bit, seen uint64) bool {
	for i, x := range w.graces {
		ended := uint64(1)<<len(w.all) - 1
		if x.after&bit != 0 && seen>>(i*len(w.all))&ended != ended {
			return false
		}
	}
	return true
}
