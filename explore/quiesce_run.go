package explore

// dryRun carries out the events of an execution in an order that the model
// allows, with quiescent states as early as they can be.
type dryRun struct {
	q    *quiescence
	done []uint64
	met  []bool // by pass
	at   []int  // by CPU: how much of its program is done, or -1 in between
}

// runs reports whether a simple rule finds an order of the events that leaves
// room for all quiescent states: go on with a CPU that is inside of something,
// else with one that can reach its next quiescent place at once.
func (q *quiescence) runs() bool {
	r := &dryRun{q: q, done: make([]uint64, q.g.stride), met: make([]bool, len(q.passes)), at: make([]int, len(q.cpus))}
	for range q.g.ev {
		r.meet()
		e := r.pick()
		if e == none {
			return false
		}
		setBit(r.done, e)
		cpu := q.g.ev[e].cpu
		r.at[cpu] = q.cpus[cpu].quietAt(r.done)
	}
	return true
}

// quietAt is the quiet place that some executed events lead to, or -1.
func (c *quietCPU) quietAt(done []uint64) int {
	for i := len(c.places) - 1; i >= 0; i-- {
		k := c.places[i]
		if contains(done, c.prefixes[k]) {
			if intersects(done, c.suffixes[k]) {
				return -1
			}
			return k
		}
	}
	return -1
}

// contains reports whether all of a row is in another.
func contains(row, part []uint64) bool {
	for i, w := range part {
		if w&^row[i] != 0 {
			return false
		}
	}
	return true
}

// meet notes the passes that happen now.
func (r *dryRun) meet() {
	for i := range r.met {
		p := &r.q.passes[i]
		at := r.at[p.cpu]
		if !r.met[i] && at >= 0 && (p.place == unplaced || p.place == at) && contains(r.done, p.before) {
			r.met[i] = true
		}
	}
}

// pick is the next event, or none.
func (r *dryRun) pick() int32 {
	choice := none
	for cpu := range r.at {
		e := r.next(cpu, r.done)
		switch {
		case e == none:
		case r.at[cpu] < 0:
			return e
		case r.free(cpu):
			choice = e
		case choice == none:
			choice = e
		}
	}
	return choice
}

// next is the first event of a CPU that can be executed behind others.
func (r *dryRun) next(cpu int, done []uint64) int32 {
	for _, e := range r.q.g.th[cpu].events {
		if !hasBit(done, e) && r.ready(e, done) {
			return e
		}
	}
	return none
}

// ready reports whether all before e is done, and grace periods before it have
// ended.
func (r *dryRun) ready(e int32, done []uint64) bool {
	for i, w := range r.q.g.row(r.q.pred, e) {
		if int32(i) == e>>6 {
			w &^= 1 << (e & 63)
		}
		if w&^done[i] != 0 {
			return false
		}
	}
	for i := range r.met {
		if !r.met[i] && hasBit(r.q.passes[i].after, e) {
			return false
		}
	}
	return true
}

// free reports whether a CPU at a quiet place can go to the next one at once.
func (r *dryRun) free(cpu int) bool {
	ahead := r.q.g.work
	copy(ahead, r.done)
	for {
		e := r.next(cpu, ahead)
		if e == none {
			return false
		}
		setBit(ahead, e)
		if r.q.cpus[cpu].quietAt(ahead) >= 0 {
			return true
		}
	}
}
