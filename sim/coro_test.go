package sim

import (
	"slices"
	"testing"
)

func TestCoroOrder(t *testing.T) {
	var log []int
	c := NewCoro(func(yield func()) {
		for i := range 3 {
			log = append(log, i)
			yield()
		}
		log = append(log, 3)
	})
	for i := 10; c.Resume(); i++ {
		log = append(log, i)
	}
	if want := []int{0, 10, 1, 11, 2, 12, 3}; !slices.Equal(log, want) {
		t.Errorf("order %v, want %v", log, want)
	}
	if c.Resume() {
		t.Error("a body that returned goes on")
	}
}

// TestCoroStop: an abandoned body unwinds, deferred calls included, and does
// not go on; stopping twice, or before the start, does nothing.
func TestCoroStop(t *testing.T) {
	var log []string
	c := NewCoro(func(yield func()) {
		defer func() { log = append(log, "deferred") }()
		yield()
		log = append(log, "went on")
	})
	c.Resume()
	c.Stop()
	c.Stop()
	if !slices.Equal(log, []string{"deferred"}) {
		t.Errorf("log %v", log)
	}
	NewCoro(func(func()) { t.Error("a body that was never resumed ran") }).Stop()
}

// TestCoroPanic: a fault of simulated code reaches whoever resumed it.
func TestCoroPanic(t *testing.T) {
	c := NewCoro(func(yield func()) {
		yield()
		panic("null pointer")
	})
	c.Resume()
	if got := panicOf(func() { c.Resume() }); got != "null pointer" {
		t.Errorf("panic %q", got)
	}
}
