package cores

import "mmsim/sim"

// The least kernel in which tasks sleep, for one task per CPU: a task gives its
// CPU up until somebody unparks it; an unpark that came first is remembered,
// once. Each CPU has a word for that and one for its task.

func parkToken(cpu int) sim.Ref  { return sim.At(0x700000).Ref(uint64(cpu)*128, 8) }
func parkedTask(cpu int) sim.Ref { return sim.At(0x700000).Ref(uint64(cpu)*128+64, 8) }

func park(c *sim.CPU, why sim.WaitReason) {
	c.IRQDisable()
	if c.Xchg(parkToken(c.ID()), 0, sim.Full) == 0 {
		c.Store(parkedTask(c.ID()), uint64(c.Task))
		c.SwitchTo(sim.IdleTask, why)
	}
	c.IRQEnable()
}

func unpark(c *sim.CPU, cpu int) {
	c.FetchOr(parkToken(cpu), 1, sim.Full)
	c.SendIPI(cpu, func(*sim.CPU) {})
}

func parkIdle(c *sim.CPU, _ sim.TaskID) {
	for {
		c.IRQDisable()
		if c.Xchg(parkToken(c.ID()), 0, sim.Full) != 0 {
			c.SwitchTo(sim.TaskID(c.Load(parkedTask(c.ID()))), sim.Runnable)
			continue
		}
		c.Idle()
	}
}

var parking = sim.Hooks{Idle: parkIdle}
