package simtest

import "mmsim/sim"

// SwitchTo implements sim.Executor.
func (m *Machine) SwitchTo(c *sim.CPU, next sim.TaskID, why sim.WaitReason) {
	panic("simtest: SwitchTo")
}

// SetRunnable implements sim.Executor.
func (m *Machine) SetRunnable(c *sim.CPU, t sim.TaskID) {}

// Idle implements sim.Executor.
func (m *Machine) Idle(c *sim.CPU) { panic("simtest: Idle") }
