// Package cache holds set-associative arrays and their replacement. It knows
// nothing of protocols: each entry carries eight bits that belong to the user.
package cache

import (
	"math/bits"

	"mmsim/sim"
)

// Line is a line number: a physical address divided by the line size.
type Line uint32

// LineOf is the line that holds address a.
func LineOf(a sim.Addr, lineBytes int) Line { return Line(uint64(a) / uint64(lineBytes)) }

// Array is one set-associative array. An entry is named by its index, which
// stays valid until the entry is removed or replaced. Index -1 is "not here".
//
// An entry packs a valid bit, the tag (the line number divided by the number
// of sets) and the user's bits into 32 bits, so that a set of 16 ways is one
// cache line of the host.
type Array struct {
	ways  int
	sets  uint32
	shift uint // log2(sets) when sets is a power of two
	pow2  bool
	ents  []uint32
	stamp []uint32 // true LRU: time of last use per entry
	clock uint32
	tree  []uint32 // tree-PLRU: direction bits per set
	wayLg uint     // log2(ways) under tree-PLRU
	clr   []uint32 // by way: direction bits that a use clears and sets
	set   []uint32
}

const (
	valid   = 1 << 31
	tagBits = 23
)

// New makes an empty array. The number of entries must be a multiple of ways,
// and ways a power of two for tree-PLRU; configs checks both.
func New(entries, ways int, plru bool) *Array {
	if entries%ways != 0 || plru && ways&(ways-1) != 0 {
		panic("cache: impossible geometry")
	}
	sets := uint32(entries / ways)
	a := &Array{ways: ways, sets: sets, ents: make([]uint32, entries)}
	if sets&(sets-1) == 0 {
		a.pow2, a.shift = true, uint(bits.TrailingZeros32(sets))
	}
	if plru {
		a.tree = make([]uint32, sets)
		a.wayLg = uint(bits.TrailingZeros(uint(ways)))
		a.directions()
	} else {
		a.stamp = make([]uint32, entries)
	}
	return a
}

// directions precomputes what a use of each way does to its set's tree: every
// node on the way points to the half that was not used.
func (a *Array) directions() {
	a.clr, a.set = make([]uint32, a.ways), make([]uint32, a.ways)
	for way := range a.ways {
		node := 1
		for half := a.ways / 2; half > 0; half /= 2 {
			if way&half != 0 {
				a.clr[way] |= 1 << node
				node = 2*node + 1
			} else {
				a.set[way] |= 1 << node
				node = 2 * node
			}
		}
	}
}

// place is the first entry of the line's set, and the entry's key.
func (a *Array) place(l Line) (base int, key uint32) {
	if a.pow2 {
		return int(uint32(l)&(a.sets-1)) * a.ways, valid | uint32(l)>>a.shift<<8
	}
	return int(uint32(l)%a.sets) * a.ways, valid | uint32(l)/a.sets<<8
}

// Find returns the entry of l, or -1.
func (a *Array) Find(l Line) int {
	b, key := a.place(l)
	for i, e := range a.ents[b : b+a.ways] {
		if e&^0xff == key {
			return b + i
		}
	}
	return -1
}

// Line is the line held by entry i.
func (a *Array) Line(i int) Line {
	tag := a.ents[i] &^ valid >> 8
	return Line(tag*a.sets + uint32(i/a.ways))
}

// Meta is the user's bits of entry i.
func (a *Array) Meta(i int) uint8 { return uint8(a.ents[i]) }

// SetMeta sets the user's bits of entry i.
func (a *Array) SetMeta(i int, m uint8) { a.ents[i] = a.ents[i]&^0xff | uint32(m) }

// Touch makes entry i the most recently used of its set.
func (a *Array) Touch(i int) {
	if a.tree != nil {
		set, way := i>>a.wayLg, i&(a.ways-1)
		a.tree[set] = a.tree[set]&^a.clr[way] | a.set[way]
		return
	}
	a.clock++
	if a.clock == 0 { // wrapped: ages restart, order within sets is lost once in 2^32 uses
		clear(a.stamp)
		a.clock = 1
	}
	a.stamp[i] = a.clock
}

// Victim returns the entry that the next insertion of l should use: a free one
// if the set has one, else the replacement policy's choice. full tells which.
func (a *Array) Victim(l Line) (i int, full bool) {
	b, _ := a.place(l)
	for i, e := range a.ents[b : b+a.ways] {
		if e&valid == 0 {
			return b + i, false
		}
	}
	if a.tree != nil {
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
	tag := uint32(l) / a.sets
	if tag >= 1<<tagBits {
		panic("cache: address beyond what the array's tags can hold")
	}
	a.ents[i] = valid | tag<<8 | uint32(m)
	a.Touch(i)
}

// Remove empties entry i.
func (a *Array) Remove(i int) { a.ents[i] = 0 }

// Each calls f for every entry in use, in index order.
func (a *Array) Each(f func(i int, l Line, m uint8)) {
	for i, e := range a.ents {
		if e&valid != 0 {
			f(i, a.Line(i), uint8(e))
		}
	}
}
