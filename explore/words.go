package explore

import "mmsim/sim"

// wordInfo is what is known of one 64-bit word of simulated memory, from all
// executions so far.
type wordInfo struct {
	addr    sim.Addr // 0: free entry
	mask    uint64   // bits that any access touched
	readers uint64   // CPUs that touched it (CPU 63 stands for all above)
	writers uint64   // CPUs that wrote it
	loc     int32    // its location in the graph, or none
	ordered bool     // some access asks for order, or is atomic
	shared  bool     // several CPUs touch it and one of them writes
	stamp   uint32   // the execution that the location's initial value is of
}

// words is a hash table of wordInfo by address.
type words struct {
	slots []wordInfo
	used  int
}

func (t *words) find(a sim.Addr) *wordInfo {
	if t.used*2 >= len(t.slots) {
		t.rehash()
	}
	i := int(uint64(a) * 0x9e3779b97f4a7c15 >> 20)
	for ; ; i++ {
		w := &t.slots[i&(len(t.slots)-1)]
		if w.addr == a {
			return w
		}
		if w.addr == 0 {
			t.used++
			w.addr, w.loc = a, none
			return w
		}
	}
}

func (t *words) rehash() {
	old := t.slots
	t.slots, t.used = make([]wordInfo, max(256, 2*len(old))), 0
	for _, w := range old {
		if w.addr != 0 {
			*t.find(w.addr) = w
		}
	}
}

func cpuBit(cpu int32) uint64 { return 1 << min(cpu, 63) }

// note records an access and reports whether it changed what the search relies
// on: the word is shared now, or needs a location, or is used in other bits.
func (w *wordInfo) note(cpu int32, mask uint64, write, ordered bool) (changed bool) {
	w.readers |= cpuBit(cpu)
	if write {
		w.writers |= cpuBit(cpu)
	}
	if w.mask|mask != w.mask {
		w.mask |= mask
		changed = w.shared
	}
	if ordered && !w.ordered {
		w.ordered, changed = true, true
	}
	if !w.shared && w.writers != 0 && (w.readers&(w.readers-1) != 0 || w.readers == 1<<63) {
		w.shared, changed = true, true
	}
	return changed
}

// wordMask is the bits of its word that a reference covers.
func wordMask(r sim.Ref) uint64 { return r.Size.Mask() << (8 * (r.A & 7)) }

// part is the referenced part of a word.
func part(r sim.Ref, word uint64) uint64 { return word >> (8 * (r.A & 7)) & r.Size.Mask() }

// merge is the word with the referenced part replaced.
func merge(r sim.Ref, word, v uint64) uint64 {
	m := wordMask(r)
	return word&^m | v<<(8*(r.A&7))&m
}
