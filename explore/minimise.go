package explore

import "fmt"

// Limits of the search for a smaller violation.
const (
	smallBound      = 4
	smallExecutions = 20_000
)

// minimise replaces the violation by one with fewer preemptions, stale reads
// and delayed stores, if a search by schedules finds one, and draws its
// columns.
func (r *run) minimise() error {
	v := r.sum.Violation
	if r.o.Search != Exhaustive || r.o.Bound == Unbounded {
		q := newRun(r.p, Options{Model: r.o.Model, Bound: smallBound, MaxExecutions: smallExecutions, MaxOps: r.o.MaxOps})
		q.m.words, q.m.usesCPU, q.m.usesIRQ = r.m.words, r.m.usesCPU, r.m.usesIRQ
		q.search()
		q.m.close()
		if w := q.sum.Violation; w != nil && w.Invariant == v.Invariant {
			v.Token = w.Token
		}
	}
	w, err := replay(r.p, v.Token)
	if err != nil {
		return err
	}
	if w.Invariant != v.Invariant {
		return fmt.Errorf("explore: replaying %s gave %q instead of %q", v.Token, w.Invariant, v.Invariant)
	}
	*v = *w
	v.Token += ":" + v.seal()
	return nil
}
