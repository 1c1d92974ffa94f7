package lockstat

import "mmsim/sim"

// record is what is known of the lock at one address.
type record struct {
	addr    sim.Addr
	class   int32
	holder  int32  // slot of the context that took it last
	changes uint32 // sim.Symbols.Changes when the class was looked up
	life    uint32 // counts initialisations
	freed   [2]release
}

// release is when and on which CPU a lock was given up. freed[Shared] is what a
// reader waits for: that a writer gives up. freed[Exclusive] is what a writer
// waits for: that the last holder of either kind gives up.
type release struct {
	at  sim.Time
	cpu int32
}

var never = release{at: -1}

func (r *record) renew() {
	r.life++
	r.freed = [2]release{never, never}
}

func (r *record) release(m sim.LockMode, e *Event) {
	now := release{e.At, int32(e.CPU)}
	if m == sim.Exclusive {
		r.freed[sim.Shared] = now
	}
	if e.At >= r.freed[sim.Exclusive].at {
		r.freed[sim.Exclusive] = now
	}
}

// table finds records by address: open addressing, no deletion.
type table struct {
	recs  []record
	slots []int32 // index into recs + 1
	shift uint
}

func (t *table) init() {
	t.slots, t.shift = make([]int32, 1024), 64-10
}

func (t *table) at(i int32) *record { return &t.recs[i] }

// slot is where the address is, or where it belongs.
func (t *table) slot(a sim.Addr) *int32 {
	mask := uint64(len(t.slots) - 1)
	for i := uint64(a) * 0x9e3779b97f4a7c15 >> t.shift; ; i = (i + 1) & mask {
		s := &t.slots[i]
		if *s == 0 || t.recs[*s-1].addr == a {
			return s
		}
	}
}

func (t *table) add(r record) int32 {
	if 2*len(t.recs) >= len(t.slots) {
		t.slots = make([]int32, 2*len(t.slots))
		t.shift--
		for i := range t.recs {
			*t.slot(t.recs[i].addr) = int32(i + 1)
		}
	}
	t.recs = append(t.recs, r)
	*t.slot(r.addr) = int32(len(t.recs))
	return int32(len(t.recs) - 1)
}

// record is the index of the lock's record, with the class that its address
// has now: memory may have become something else.
func (t *Tracker) record(a sim.Addr) int32 {
	var changes uint32
	if t.opt.Syms != nil {
		changes = t.opt.Syms.Changes()
	}
	if i := *t.locks.slot(a) - 1; i >= 0 {
		if r := t.locks.at(i); r.changes != changes {
			t.refresh(r, changes)
		}
		return i
	}
	return t.locks.add(record{addr: a, class: t.classOf(a), changes: changes, freed: [2]release{never, never}})
}

func (t *Tracker) refresh(r *record, changes uint32) {
	r.changes = changes
	if k := t.classOf(r.addr); k != r.class {
		r.class = k
		r.renew()
	}
}
