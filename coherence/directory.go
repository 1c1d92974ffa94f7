package coherence

import (
	"math/bits"

	"mmsim/cache"
	"mmsim/sim"
)

// entry is what the directory knows about one line. It reflects the requests
// accepted so far: a core whose fill is on the way counts as holding the line.
type entry struct {
	line      cache.Line
	dir       DirState
	owner     int16 // core in E/M or O, -1 if none
	forwarder int16 // core in F, -1 if none
	only      int16 // domain that has every copy, LLC copies included; -1 if not known to
	home      int16 // home socket
	busy      int32 // transaction that holds the line, -1 if none
	head      int32 // requests waiting for the line, in order of arrival
	tail      int32
	free      sim.Time // when the line can be served again after a request that holds it no more
	last      int16    // domain of the last completed request: where the line is released first
}

// directory finds entries by line number. Entries are made on first use and
// kept; sharer sets live in one flat slice beside them (one bit per core, then
// one bit per domain whose LLC holds the line).
type directory struct {
	slots   []int32 // open addressing, linear probing; -1 is empty
	shift   uint
	chunks  []*[entryChunk]entry
	n       int32
	sets    []uint64
	setLen  int // words per entry
	llcWord int // first word of the LLC set
}

const entryChunk = 1024

func newDirectory(cores, domains int) *directory {
	d := &directory{llcWord: (cores + 63) / 64}
	d.setLen = d.llcWord + (domains+63)/64
	d.resize(12)
	return d
}

func (d *directory) resize(logSize uint) {
	d.slots = make([]int32, 1<<logSize)
	d.shift = 64 - logSize
	for i := range d.slots {
		d.slots[i] = -1
	}
	for i := int32(0); i < d.n; i++ {
		d.slots[d.slot(d.at(i).line)] = i
	}
}

// slot is where the line is, or the empty slot where it belongs.
func (d *directory) slot(l cache.Line) int {
	mask := len(d.slots) - 1
	s := int(uint64(l) * 0x9e3779b97f4a7c15 >> d.shift)
	for d.slots[s] >= 0 && d.at(d.slots[s]).line != l {
		s = (s + 1) & mask
	}
	return s
}

func (d *directory) at(i int32) *entry { return &d.chunks[i/entryChunk][i%entryChunk] }

// find returns the entry's index, or -1.
func (d *directory) find(l cache.Line) int32 { return d.slots[d.slot(l)] }

// get returns the entry's index, making a new one with the given home if
// there is none.
func (d *directory) get(l cache.Line, home func(cache.Line) int) int32 {
	s := d.slot(l)
	if i := d.slots[s]; i >= 0 {
		return i
	}
	i := d.n
	if int(i)%entryChunk == 0 {
		d.chunks = append(d.chunks, new([entryChunk]entry))
	}
	d.n++
	*d.at(i) = entry{line: l, owner: -1, forwarder: -1, only: -1, busy: -1, head: -1, tail: -1, home: int16(home(l))}
	for range d.setLen {
		d.sets = append(d.sets, 0)
	}
	d.slots[s] = i
	if int(d.n)*2 > len(d.slots) {
		d.resize(64 - d.shift + 1)
	}
	return i
}

func (d *directory) coreSet(i int32) []uint64 {
	b := int(i) * d.setLen
	return d.sets[b : b+d.llcWord]
}

func (d *directory) llcSet(i int32) []uint64 {
	b := int(i) * d.setLen
	return d.sets[b+d.llcWord : b+d.setLen]
}

func setBit(s []uint64, n int)      { s[n>>6] |= 1 << (n & 63) }
func clearBit(s []uint64, n int)    { s[n>>6] &^= 1 << (n & 63) }
func hasBit(s []uint64, n int) bool { return s[n>>6]>>(n&63)&1 != 0 }

func isEmpty(s []uint64) bool {
	for _, w := range s {
		if w != 0 {
			return false
		}
	}
	return true
}

// nextBit is the first member at or after n, or -1.
func nextBit(s []uint64, n int) int {
	for w := n >> 6; w < len(s); w++ {
		v := s[w]
		if w == n>>6 {
			v &= ^uint64(0) << (n & 63)
		}
		if v != 0 {
			return w<<6 + bits.TrailingZeros64(v)
		}
	}
	return -1
}
