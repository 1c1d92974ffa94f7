package micro

import "mmsim/sim"

// touchOffset leads from a line to another one of its page, which no probe
// uses otherwise: probes keep to the first half of a page.
const touchOffset = sim.PageBytes / 2

// Touching makes the thread's socket the home of the lines' pages before its
// body begins, on machines that place a page where it is first touched
// (machines.md 4.3, pitfall 2): it reads another line of each page, then opens
// the gate for the other threads.
func Touching(lines []sim.Addr, gate sim.Addr, body Body) Body {
	return func(c *sim.CPU) {
		c.Step(stepSetUp)
		for _, a := range lines {
			c.Load(word(a + touchOffset))
		}
		c.StoreRelease(word(gate), 1)
		body(c)
	}
}

// Behind starts a body when the gate is open.
func Behind(gate sim.Addr, body Body) Body {
	return func(c *sim.CPU) {
		c.Step(stepSetUp)
		c.SpinUntil(sim.Never, sim.Cond{Ref: word(gate), Arg: 1, Order: sim.Acquire})
		body(c)
	}
}

// Idle is the body of a thread that only touches.
func Idle(*sim.CPU) {}
