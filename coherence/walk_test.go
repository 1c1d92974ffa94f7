package coherence

import (
	"fmt"
	"testing"
)

// The exhaustive walk: every state that a few cores and lines can reach under
// the protocol's pure functions Serve and OnSnoop, with snoops in flight that
// arrive in any order, evictions at any time, LLCs that may or may not have
// the line, and the next request accepted as early as the timed engine may.

// explore walks until no state is new.
func explore(t *testing.T, r walkRule) *walk {
	w := &walk{walkRule: r, t: t, seen: map[walkState]bool{}}
	var s walkState
	for i := range r.lines {
		s[i] = walkLine{owner: nobody, fwd: nobody, beyond: true}
	}
	w.add(s)
	for len(w.queue) > 0 {
		next := w.queue[len(w.queue)-1]
		w.queue = w.queue[:len(w.queue)-1]
		w.step(next)
	}
	return w
}

func TestWalk(t *testing.T) {
	for _, proto := range []Protocol{MESI, MESIF, MOESI} {
		for _, atForward := range []bool{false, true} {
			for _, size := range []struct{ cores, lines int }{{2, 1}, {3, 1}, {2, 2}} {
				r := walkRule{proto: proto, cores: size.cores, lines: size.lines, atForward: atForward, oneLine: size.lines > 1}
				name := fmt.Sprintf("%s/at-forward=%v/cores=%d/lines=%d", [...]string{"mesi", "mesif", "moesi"}[proto], atForward, size.cores, size.lines)
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					w := explore(t, r)
					t.Logf("%s: %d states", name, len(w.seen))
					w.checkReached()
				})
			}
		}
	}
}

// checkReached: the walk has seen exactly the states the protocol names.
func (w *walk) checkReached() {
	for st := I; st <= M; st++ {
		want := (st != F || w.proto == MESIF) && (st != O || w.proto == MOESI)
		if w.cores[st] != want {
			w.t.Errorf("state %v reached: %v, want %v", st, w.cores[st], want)
		}
	}
	for d := Uncached; d <= Owned; d++ {
		if want := d != Owned || w.proto == MOESI; w.dirs[d] != want {
			w.t.Errorf("directory state %d reached: %v, want %v", d, w.dirs[d], want)
		}
	}
}
