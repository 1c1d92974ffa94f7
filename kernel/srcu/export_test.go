package srcu

import "mmsim/sim"

// QueueWork queues the work out of turn, which does no harm.
func (s *Struct) QueueWork(c *sim.CPU) { s.queueWork(c, 0) }
