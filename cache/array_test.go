package cache

import (
	"slices"
	"testing"

	"mmsim/sim"
)

// insert brings a line in as a miss would and returns what it replaced.
func insert(a *Array, l Line) (lost Line, full bool) {
	i, full := a.Victim(l)
	if full {
		lost = a.Line(i)
	}
	a.Put(i, l, 0)
	return lost, full
}

// TestLRU holds true LRU against a list in order of use, in sets whose number
// is a power of two and in others.
func TestLRU(t *testing.T) {
	for _, g := range []struct{ sets, ways int }{{1, 4}, {4, 8}, {3, 2}, {11, 11}, {48, 1}} {
		a := New(g.sets*g.ways, g.ways, false)
		used := make([][]Line, g.sets) // least recently used first
		r := sim.NewRand(uint64(g.sets), uint64(g.ways), 0)
		for range 20_000 {
			l := Line(r.Below(uint64(3 * g.sets * g.ways)))
			set := int(l) % g.sets
			at := slices.Index(used[set], l)
			i := a.Find(l)
			if (i >= 0) != (at >= 0) {
				t.Fatalf("%v: line %d found: %v, in the reference: %v", g, l, i >= 0, at >= 0)
			}
			if i >= 0 {
				if a.Line(i) != l {
					t.Fatalf("%v: entry of line %d holds %d", g, l, a.Line(i))
				}
				a.Touch(i)
				used[set] = append(slices.Delete(used[set], at, at+1), l)
				continue
			}
			lost, full := insert(a, l)
			if full != (len(used[set]) == g.ways) || full && lost != used[set][0] {
				t.Fatalf("%v: line %d replaced %d (full %v), want %v", g, l, lost, full, used[set])
			}
			if full {
				used[set] = used[set][1:]
			}
			used[set] = append(used[set], l)
		}
	}
}

// TestPLRU follows the tree bits of one set by hand: a use points every node
// on its way to the other half, the victim is where the nodes point.
func TestPLRU(t *testing.T) {
	a := New(4, 4, true)
	for l := range Line(4) {
		if _, full := insert(a, l); full {
			t.Fatalf("line %d found no room in an empty set", l)
		}
	}
	for _, c := range []struct{ touch, victim Line }{
		{3, 0}, // root to the left half, its node to way 0
		{0, 2}, // root to the right half, whose node points away from way 3
		{2, 1},
		{1, 3},
		{3, 0},
		{1, 2},
	} {
		a.Touch(a.Find(c.touch))
		if i, full := a.Victim(99); !full || a.Line(i) != c.victim {
			t.Fatalf("after a use of %d the victim is %d, want %d", c.touch, a.Line(i), c.victim)
		}
	}
}

// TestPLRUKeepsRecent: the victim is never the line used last, and unused
// lines leave within as many misses as there are ways.
func TestPLRUKeepsRecent(t *testing.T) {
	const ways = 8
	a := New(5*ways, ways, true) // five sets: no power of two
	r := sim.NewRand(1, 2, 3)
	for range 5000 {
		l := Line(r.Below(5 * ways * 2))
		i := a.Find(l)
		if i < 0 {
			i, _ = a.Victim(l)
			a.Put(i, l, 0)
		}
		a.Touch(i)
		if v, full := a.Victim(l + 5); full && v == i {
			t.Fatalf("line %d was used last and is the next victim", l)
		}
	}
	for k := range Line(ways) {
		insert(a, 1000*5+5*k)
	}
	for k := range Line(ways) {
		if a.Find(1000*5+5*k) < 0 {
			t.Fatalf("of %d new lines in a set of %d ways, one is gone", ways, ways)
		}
	}
}

// TestMeta: the user's bits stay with their entry, and removing an entry makes
// room.
func TestMeta(t *testing.T) {
	a := New(6, 2, false)
	for l := range Line(6) {
		i, _ := a.Victim(l)
		a.Put(i, l, uint8(10*l))
	}
	a.SetMeta(a.Find(4), 0xff)
	want := map[Line]uint8{0: 0, 1: 10, 2: 20, 3: 30, 4: 0xff, 5: 50}
	a.Each(func(i int, l Line, m uint8) {
		if m != want[l] || a.Meta(i) != m || a.Line(i) != l {
			t.Errorf("line %d has bits %#x, want %#x", l, m, want[l])
		}
		delete(want, l)
	})
	if len(want) > 0 {
		t.Errorf("lines %v are missing", want)
	}
	a.Remove(a.Find(4))
	if a.Find(4) >= 0 {
		t.Error("a removed line is found")
	}
	if _, full := a.Victim(7); full {
		t.Error("no room in a set after a removal")
	}
}

// TestFarLines: lines that differ only in high bits are told apart, up to the
// end of the simulated address space.
func TestFarLines(t *testing.T) {
	top := LineOf(sim.MaxAddr-1, 64)
	for _, sets := range []int{64, 11 * 64, 2048} {
		a := New(sets*2, 2, false)
		insert(a, top)
		insert(a, top-Line(sets))
		for _, l := range []Line{top, top - Line(sets)} {
			if i := a.Find(l); i < 0 || a.Line(i) != l {
				t.Errorf("%d sets: line %#x is not found", sets, uint32(l))
			}
		}
		if a.Find(top-Line(2*sets)) >= 0 {
			t.Errorf("%d sets: a line never inserted is found", sets)
		}
	}
}

func TestImpossibleGeometry(t *testing.T) {
	for _, g := range []struct {
		entries, ways int
		plru          bool
	}{{10, 4, false}, {12, 3, true}} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%+v was accepted", g)
				}
			}()
			New(g.entries, g.ways, g.plru)
		}()
	}
}
