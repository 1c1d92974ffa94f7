package cores

import "mmsim/sim"

// SwitchTo implements sim.Executor.
func (e *engine) SwitchTo(c *sim.CPU, next sim.TaskID, why sim.WaitReason) {
	panic("cores: SwitchTo")
}

// SetRunnable implements sim.Executor.
func (e *engine) SetRunnable(c *sim.CPU, t sim.TaskID) {}

// Idle implements sim.Executor.
func (e *engine) Idle(c *sim.CPU) { panic("cores: Idle") }
