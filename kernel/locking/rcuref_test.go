package locking_test

import (
	"testing"

	"mmsim/sim"
)

// ref is what rcuref_t and file_ref_t have in common.
type ref interface {
	Init(c *sim.CPU, n uint64)
	Read(c *sim.CPU) uint64
	Get(c *sim.CPU) bool
	Put(c *sim.CPU) bool
}

func (z *zoo) refsByName() map[string]ref {
	return map[string]ref{"rcuref": z.rcuref, "fileref": z.fileref}
}

// Whoever drops the last reference, and only one, is told so; no get succeeds
// from then on.
func TestRCURef(t *testing.T) {
	for _, name := range []string{"rcuref", "fileref"} {
		late, raced := 0, 0
		for seed := range uint64(200) {
			const tasks = 5
			z := newZoo(tasks)
			r := z.refsByName()[name]
			freed := 0
			z.run(t, tasks, seed, func(c *sim.CPU, i int) {
				for range 3 {
					if i > 0 {
						if !r.Get(c) {
							late++
							continue
						}
						if freed > 0 {
							t.Errorf("%s, seed %d: got a reference to a freed object", name, seed)
						}
					}
					last := false
					if f, ok := r.(interface{ PutClose(*sim.CPU) bool }); ok && i == 1 {
						last = f.PutClose(c)
					} else {
						last = r.Put(c)
					}
					if last {
						freed++
						raced += i
					}
					if i == 0 {
						return
					}
				}
			})
			if freed != 1 || r.Read(sim.NewDirect(z.mem)) != 0 {
				t.Errorf("%s, seed %d: freed %d times", name, seed, freed)
			}
		}
		if late == 0 || raced == 0 {
			t.Errorf("%s not exercised: %d late gets, last puts by others: %v", name, late, raced > 0)
		}
	}
}

// The zones hold what falls into them: a dead object stays dead and a saturated
// one alive, whatever happens to them.
func TestRCURefZones(t *testing.T) {
	z := newZoo(1)
	c := sim.NewDirect(z.mem)
	for name, max := range map[string]uint64{"rcuref": 1<<31 - 1, "fileref": 1<<63 - 1} {
		r, dead, saturated := z.refsByName()[name], (max+1)/4*7, (max+1)/4*5
		r.Init(c, 1)
		if !r.Put(c) || r.Get(c) || r.Put(c) || r.Get(c) || r.Read(c) != 0 {
			t.Errorf("%s: a dead object came back, or died twice", name)
		}
		if r.Put(c); z.word(name) != dead {
			t.Errorf("%s: a put too many left %#x", name, z.word(name))
		}
		r.Init(c, max+1) // the highest live value
		r.Get(c)
		if v := z.word(name); v != max+1 && v != saturated {
			t.Errorf("%s: an overflow left %#x", name, v)
		}
		for range 100 {
			if r.Put(c) {
				t.Errorf("%s: a saturated counter died", name)
			}
		}
		if v := z.word(name); v != saturated {
			t.Errorf("%s: a saturated counter became %#x", name, v)
		}
	}
}

// The slow path of rcuref_get saturates at once; file_ref_get leaves the value
// to the next put.
func TestRCURefGetSaturates(t *testing.T) {
	z := newZoo(1)
	c := sim.NewDirect(z.mem)
	z.rcuref.Init(c, 1<<31)
	if !z.rcuref.Get(c) || z.word("rcuref") != 0xa000_0000 {
		t.Errorf("an overflow left %#x", z.word("rcuref"))
	}
}
