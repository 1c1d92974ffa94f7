// Package cache holds set-associative arrays and their replacement. It knows
// nothing of protocols: each entry carries eight bits that belong to the user.
package cache

import "mmsim/sim"

// Line is a line number: a physical address divided by the line size.
type Line uint32

// LineOf is the line that holds address a.
func LineOf(a sim.Addr, lineBytes int) Line { return Line(uint64(a) / uint64(lineBytes)) }

// Array is one set-associative array. An entry is named by its index, which
// stays valid until the entry is removed or replaced. Index -1 is "not here".
type Array struct {
	ways  int
	sets  uint32
	mask  uint32 // sets-1 when sets is a power of two, else 0
	ents  []uint64
	stamp []uint32 // true LRU: time of last use per entry
	tree  []uint32 // tree-PLRU: direction bits per set
	clock uint32
	plru  bool
}

const valid = 1 << 63

// New makes an empty array. The number of entries must be a multiple of ways,
// and ways a power of two for tree-PLRU; configs checks both.
func New(entries, ways int, plru bool) *Array {
	if entries%ways != 0 || plru && ways&(ways-1) != 0 {
		panic("cache: impossible geometry")
	}
	sets := uint32(entries / ways)
	a := &Array{ways: ways, sets: sets, ents: make([]uint64, entries), plru: plru}
	if sets&(sets-1) == 0 {
		a.mask = sets - 1
	}
	if plru {
		a.tree = make([]uint32, sets)
	} else {
		a.stamp = make([]uint32, entries)
	}
	return a
}

func (a *Array) base(l Line) int {
	if a.mask != 0 || a.sets == 1 {
		return int(uint32(l)&a.mask) * a.ways
	}
	return int(uint32(l)%a.sets) * a.ways
}

// Find returns the entry of l, or -1.
func (a *Array) Find(l Line) int {
	b := a.base(l)
	key := valid | uint64(l)<<8
	for i, e := range a.ents[b : b+a.ways] {
		if e&^0xff == key {
			return b + i
		}
	}
	return -1
}

// Line is the line held by entry i.
func (a *Array) Line(i int) Line { return Line(a.ents[i] >> 8) }

// Meta is the user's bits of entry i.
func (a *Array) Meta(i int) uint8 { return uint8(a.ents[i]) }

// SetMeta sets the user's bits of entry i.
func (a *Array) SetMeta(i int, m uint8) { a.ents[i] = a.ents[i]&^0xff | uint64(m) }

// Touch makes entry i the most recently used of its set.
func (a *Array) Touch(i int) {
	if !a.plru {
		a.clock++
		if a.clock == 0 { // wrapped: ages restart, order within sets is lost once in 2^32 uses
			clear(a.stamp)
			a.clock = 1
		}
		a.stamp[i] = a.clock
		return
	}
	set, way := i/a.ways, i%a.ways
	t := a.tree[set]
	node := 1
	for half := a.ways / 2; half > 0; half /= 2 {
		if way&half != 0 {
			t &^= 1 << node // used right: victim search goes left
			node = 2*node + 1
		} else {
			t |= 1 << node
			node = 2 * node
		}
	}
	a.tree[set] = t
}

// Victim returns the entry that the next insertion of l should use: a free one
// if the set has one, else the replacement policy's choice. full tells which.
func (a *Array) Victim(l Line) (i int, full bool) {
	b := a.base(l)
	for i, e := range a.ents[b : b+a.ways] {
		if e&valid == 0 {
			return b + i, false
		}
	}
	if a.plru {
		t := a.tree[b/a.ways]
		node := 1
		for node < a.ways {
			node = 2*node + int(t>>node&1)
		}
		return b + node - a.ways, true
	}
	v := b
	for i := b + 1; i < b+a.ways; i++ {
		if a.stamp[i] < a.stamp[v] {
			v = i
		}
	}
	return v, true
}

// Put stores l with the given bits in entry i, replacing what was there, and
// makes it the most recently used.
func (a *Array) Put(i int, l Line, m uint8) {
	a.ents[i] = valid | uint64(l)<<8 | uint64(m)
	a.Touch(i)
}

// Remove empties entry i.
func (a *Array) Remove(i int) { a.ents[i] = 0 }

// Each calls f for every entry in use, in index order.
func (a *Array) Each(f func(i int, l Line, m uint8)) {
	for i, e := range a.ents {
		if e&valid != 0 {
			f(i, Line(e>>8), uint8(e))
		}
	}
}
