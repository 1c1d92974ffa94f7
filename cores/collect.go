package cores

import (
	"slices"

	"mmsim/sim"
)

// collect closes all accounts at the end of the measured interval.
func (e *engine) collect() *Result {
	r := &Result{Elapsed: e.opt.Duration, Syms: e.prog.Syms, HostEvents: e.events, Latency: e.latency}
	for _, h := range e.hws {
		if h == nil {
			continue
		}
		h.close()
		for g, acct := range h.accts {
			if acct != nil && (g == h.homeGroup || acct.total() > 0) {
				r.CPUs = append(r.CPUs, *acct)
			}
		}
	}
	for _, tk := range e.tasks {
		if tk.waits() {
			tk.settle(e.end)
		}
		r.Tasks = append(r.Tasks, tk.result)
	}
	r.Locks, r.LockOrder = e.locks.Results(e.end), e.locks.Orders()
	keys := make([]uint64, 0, len(e.bounces))
	for k := range e.bounces {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	for _, k := range keys {
		r.Bounces = append(r.Bounces, Bounce{unpackBounce(k), e.bounces[k]})
	}
	return r
}

// close books the time from the thread's clock to the end by what it was
// waiting for.
func (h *hw) close() {
	if h.now >= h.e.end {
		return
	}
	h.charge(h.openCategory(), h.e.end-h.now)
}

func (h *hw) openCategory() Category {
	switch h.state {
	case computing:
		return h.delayCat
	case missing, starved:
		if t := h.e.sys.Pending(h.core.id, h.missLine); t != nil {
			return fillCategory(t)
		}
		return LLC
	case full:
		return StoreStall
	case draining, syncing:
		return FenceStall
	case spinning:
		return LockSpin
	case halted, finished:
		return Idle
	}
	return Compute
}

var _ sim.Executor = (*engine)(nil)
