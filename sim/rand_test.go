package sim

import "testing"

// TestRandStreams: a draw depends on seed, thread, operation and its number
// alone; streams that differ in one of them have nothing in common.
func TestRandStreams(t *testing.T) {
	type id struct{ seed, thread, op uint64 }
	seen := map[uint64]id{}
	for seed := range uint64(6) {
		for thread := range uint64(6) {
			for op := range uint64(6) {
				r := NewRand(seed, thread, op)
				for k := range 20 {
					v := r.Uint64()
					if other, dup := seen[v]; dup {
						t.Fatalf("draw %d of %v also occurs in %v", k, id{seed, thread, op}, other)
					}
					seen[v] = id{seed, thread, op}
				}
			}
		}
	}
	a, b := NewRand(3, 1, 4), NewRand(3, 1, 4)
	a.Below(10)
	b.TimeBelow(Second) // another kind of draw takes one number of the stream too
	if x, y := a.Uint64(), b.Uint64(); x != y {
		t.Error("the second draw depends on what the first was used for")
	}
}

// TestRandBounds: draws stay in range and cover it evenly.
func TestRandBounds(t *testing.T) {
	r := NewRand(1, 2, 3)
	var n [7]int
	for range 70_000 {
		n[r.Below(7)]++
		if d := r.TimeBelow(3 * Second); d < 0 || d >= 3*Second {
			t.Fatalf("a draw below 3 s is %v", d)
		}
	}
	for v, k := range n {
		if k < 9_500 || k > 10_500 {
			t.Errorf("%d was drawn %d times of 70000", v, k)
		}
	}
	if r.TimeBelow(0) != 0 || r.TimeBelow(-5) != 0 || r.Below(1) != 0 {
		t.Error("draws from an empty range are not 0")
	}
}

func TestTimeString(t *testing.T) {
	for d, want := range map[Time]string{
		0: "0ns", 1500 * Picosecond: "1.5ns", 2 * Microsecond: "2us", 2500 * Microsecond: "2.5ms", -Nanosecond: "-1ns", Never: "never",
	} {
		if got := d.String(); got != want {
			t.Errorf("%d fs is %s, want %s", int64(d), got, want)
		}
	}
	if p := Hertz(3_000_000_000).Period(); p != 333_333*Femtosecond {
		t.Errorf("a cycle at 3 GHz is %d fs", int64(p))
	}
}
