package timer_test

import (
	"testing"

	"mmsim/kernel"
	"mmsim/kernel/timer"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

const tick = 300 * sim.Nanosecond

var boxLayout = sim.NewLayout("box", 64, 64, timer.Members("timer.", 0)...)

type world struct {
	*kernel.Base
	mem    *sim.Memory
	wheels *timer.Wheels
	boxes  []sim.Ptr
	fired  map[sim.Addr][]uint64 // jiffies at which each timer ran
}

func newWorld(cpus, timers int) *world {
	w := &world{mem: sim.NewMemory(), fired: map[sim.Addr][]uint64{}}
	var tasks []int
	for i := range cpus {
		tasks = append(tasks, i)
	}
	w.Base = kernel.NewBase(w.mem, &sim.Symbols{}, kernel.Config{CPUs: cpus, TaskCPU: tasks, TickPeriod: tick})
	w.wheels = timer.New(w.Arena, w.Sched, w.Spin)
	f := w.wheels.Register(func(c *sim.CPU, t sim.Ptr) {
		w.fired[t.A] = append(w.fired[t.A], w.wheels.Jiffies(c))
	})
	c := sim.NewDirect(w.mem)
	for range timers {
		b := w.Arena.Object(boxLayout, "")
		w.wheels.Setup(c, b, f)
		w.boxes = append(w.boxes, b)
	}
	return w
}

// TestExpiry: a timer fires once, not before its time, and not later than the
// resolution of its level allows.
func TestExpiry(t *testing.T) {
	delays := []uint64{0, 1, 2, 7, 8, 40, 62, 63, 64, 100, 300, 504, 600}
	for seed := range uint64(8) {
		w := newWorld(2, len(delays))
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		due := map[sim.Addr]uint64{}
		m.Go("setter", 0, func(c *sim.CPU) {
			for i, b := range w.boxes {
				due[b.A] = w.wheels.Jiffies(c) + delays[i]
				w.wheels.Mod(c, b, due[b.A])
				c.Think(c.Now() + sim.Time(seed)*tick)
			}
			c.Think(c.Now() + 900*tick)
		})
		m.Go("other", 1, func(c *sim.CPU) { c.Think(c.Now() + 900*tick) })
		simtest.Run(t, m)
		for i, b := range w.boxes {
			late := uint64(4) // a tick, and interrupts that come late here
			if delays[i] >= 63 {
				late += 8
			}
			if delays[i] >= 504 {
				late += 64
			}
			f := w.fired[b.A]
			if len(f) != 1 || f[0] < due[b.A] || f[0] > due[b.A]+late {
				t.Errorf("seed %d: timer of %d jiffies due at %d fired at %v", seed, delays[i], due[b.A], f)
			}
		}
	}
}

// TestRearm: every CPU pushes the same timers into the future, and deletes some:
// none fires while it is pushed, all pending ones fire in the end.
func TestRearm(t *testing.T) {
	for seed := range uint64(12) {
		w := newWorld(3, 4)
		m := simtest.New(w.mem, simtest.Options{Seed: seed})
		m.Kernel(w.Hooks())
		for i := range 3 {
			m.Go("pusher", i, func(c *sim.CPU) {
				r := sim.NewRand(seed, uint64(i), 0)
				for range 40 {
					w.wheels.Mod(c, w.boxes[r.Below(3)], w.wheels.Jiffies(c)+20+r.Below(60))
					c.Think(c.Now() + r.TimeBelow(2*tick))
				}
				if i == 0 {
					w.wheels.Mod(c, w.boxes[3], w.wheels.Jiffies(c)+50)
					if !w.wheels.Delete(c, w.boxes[3]) || w.wheels.Delete(c, w.boxes[3]) {
						t.Error("delete of a pending timer, then of none")
					}
				}
				c.Think(c.Now() + 400*tick)
			})
		}
		simtest.Run(t, m)
		for i, b := range w.boxes {
			if n := len(w.fired[b.A]); i < 3 && n == 0 || i == 3 && n != 0 {
				t.Errorf("seed %d: timer %d fired %d times", seed, i, n)
			}
			if w.wheels.Pending(sim.NewDirect(w.mem), b) {
				t.Errorf("seed %d: timer %d is still pending", seed, i)
			}
		}
	}
}

// TestShortcuts pins what mod_timer does to a timer that is pending: two loads in
// the same jiffy, and no change of the wheel in the same bucket (uprobes.md
// section 6.1).
func TestShortcuts(t *testing.T) {
	w := newWorld(1, 1)
	var ops []string
	m := simtest.New(w.mem, simtest.Options{Trace: func(o simtest.Op) { ops = append(ops, o.Kind) }})
	m.Go("setter", 0, func(c *sim.CPU) {
		w.wheels.Mod(c, w.boxes[0], 104)
		ops = nil
		w.wheels.Mod(c, w.boxes[0], 104)
		if len(ops) != 2 || ops[0] != "load" || ops[1] != "load" {
			t.Errorf("the same jiffy: %v", ops)
		}
		ops = nil
		w.wheels.Mod(c, w.boxes[0], 105)
		stores := 0
		for _, k := range ops {
			if k == "store" {
				stores++
			}
		}
		if stores != 2 {
			t.Errorf("the same bucket: %v", ops)
		}
	})
	simtest.Run(t, m)
}
