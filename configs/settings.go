package configs

import "mmsim/configs/schema"

// Settings lists the effective value of every key of the machine that has an
// effect, defaults included, in the order of the schema; facts are apart.
func (m *Machine) Settings() []schema.Setting { return machineTable.Settings(m) }
