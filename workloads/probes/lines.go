package probes

import (
	"mmsim/cache"
	"mmsim/coherence"
	"mmsim/sim"
)

// Where probes keep their lines.
const (
	wordBase sim.Addr = 1 << 20 // single lines, a page each
	setBase  sim.Addr = 1 << 26 // sets of lines
	setLimit sim.Addr = sim.MaxAddr / 2
)

// anyHome places no condition on a line's home.
const anyHome = -1

// homedAt reports whether a line's memory is, or can be made to be, at the
// given socket: under first touch a probe's threads see to it (micro.Touching);
// otherwise the address decides.
func homedAt(p *coherence.Params, a sim.Addr, socket int) bool {
	sockets := p.Topology.Sockets
	if sockets == 1 || socket == anyHome || p.Home == coherence.HomeFirstTouch {
		return true
	}
	return p.HomeOf(cache.LineOf(a, p.LineBytes)) == socket
}

// usable: probes keep to the first half of each page (see micro.Touching), and
// to every fourth line so that a prefetched pair line is never a probe's own.
func usable(p *coherence.Params, a sim.Addr) bool {
	return a%sim.PageBytes < sim.PageBytes/2 && a%sim.Addr(4*p.LineBytes) == 0
}

// level is a cache array by what decides where a line goes in it.
type level struct{ sets, ways int }

func levelOf(p *coherence.Params, g coherence.CacheGeometry) level {
	return level{sets: g.Bytes / p.LineBytes / g.Ways, ways: g.Ways}
}

// evictionSet returns lines that together exceed every level of over although
// they are few: they fall into the given number of sets of each level, with
// half as many lines again in each as all levels have ways. Walking them in
// turn misses all of these levels, as a working set beyond their size would,
// and hits the next one if that is at least twice as large. All are homed at
// the given socket; neighbours in the result are in different sets.
//
// The result is nil if the geometry has no such lines (set counts without a
// common multiple in the simulated memory).
func evictionSet(p *coherence.Params, over []level, sets, home int) []sim.Addr {
	stride, ways := 1, 0
	for _, l := range over {
		stride = lcm(stride, l.sets)
		ways += l.ways
	}
	per := ways + (ways+1)/2
	columns := make([][]sim.Addr, 0, sets)
	for b := 0; b < stride && len(columns) < sets; b++ {
		start := setBase + sim.Addr(b*p.LineBytes)
		if c := column(p, start, sim.Addr(stride*p.LineBytes), per, home); c != nil {
			columns = append(columns, c)
		}
	}
	if len(columns) < sets {
		return nil
	}
	var lines []sim.Addr
	for i := range per {
		for _, c := range columns {
			lines = append(lines, c[i])
		}
	}
	return lines
}

// column finds n usable lines a stride apart, or returns nil.
func column(p *coherence.Params, start, stride sim.Addr, n, home int) []sim.Addr {
	var found []sim.Addr
	tries := 16 * n * p.Topology.Sockets
	for a := start; tries > 0 && a < setLimit; a += stride {
		if usable(p, a) && homedAt(p, a, home) {
			if found = append(found, a); len(found) == n {
				return found
			}
		}
		tries--
	}
	return nil
}

// contiguous returns all lines of the given home in a run of memory, as many
// as bytes hold.
func contiguous(p *coherence.Params, bytes, home int) []sim.Addr {
	var lines []sim.Addr
	for a := setBase; len(lines) < bytes/p.LineBytes; a += sim.Addr(p.LineBytes) {
		if homedAt(p, a, home) {
			lines = append(lines, a)
		}
	}
	return lines
}

// beyondCaches returns lines that no cache of a domain holds when their turn
// comes again: an eviction set of every level or, where the geometry has none,
// a working set of twice the size of all levels.
func beyondCaches(p *coherence.Params, sets, home int) []sim.Addr {
	over := []level{levelOf(p, p.L1D), levelOf(p, p.L2)}
	if p.LLC.Bytes > 0 {
		over = append(over, levelOf(p, p.LLC))
	}
	if lines := evictionSet(p, over, sets, home); lines != nil {
		return lines
	}
	return contiguous(p, 2*(p.L2.Bytes+p.LLC.Bytes), home)
}

func lcm(a, b int) int { return a / gcd(a, b) * b }

func gcd(a, b int) int {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}
