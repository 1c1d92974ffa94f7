package kmem

import "mmsim/sim"

// swap exchanges main and spare.
func swap(c *sim.CPU, pcs, main, spare sim.Ptr) {
	c.Store(pcs.F(pcsMain), uint64(spare.A))
	c.Store(pcs.F(pcsSpare), uint64(main.A))
}

// replaceEmptyMain is __pcs_replace_empty_main: get objects into the main sheaf
// of this CPU. It returns the CPU's sheaves, which may be another CPU's than
// before; null, and unlocked, where an interrupt may not fill a sheaf.
func (s *sheaves) replaceEmptyMain(c *sim.CPU, pcs, main sim.Ptr) sim.Ptr {
	spare := c.LoadPtr(pcs.F(pcsSpare))
	if !spare.IsNull() && c.Load(sheafSize(spare)) > 0 {
		swap(c, pcs, main, spare)
		return pcs
	}
	if full := s.barn.exchange(c, main, fullStock, emptyStock); !full.IsNull() {
		c.Store(pcs.F(pcsMain), uint64(full.A))
		return pcs
	}
	if c.InIRQ { // !gfpflags_allow_blocking
		s.unlock(c, pcs)
		return sim.Ptr{}
	}
	empty := spare
	if spare.IsNull() {
		empty = s.barn.getEmpty(c)
	} else {
		c.Store(pcs.F(pcsSpare), 0)
	}
	s.unlock(c, pcs)
	if empty.IsNull() {
		empty = s.allocEmpty(c)
	}
	s.refill(c, empty)
	pcs, _ = s.tryLock(c) // local_lock: a task finds it free
	s.installFull(c, pcs, empty)
	return pcs
}

// installFull puts a sheaf that was just filled where it is of most use now:
// others may have come by in the meantime.
func (s *sheaves) installFull(c *sim.CPU, pcs, full sim.Ptr) {
	main, spare := c.LoadPtr(pcs.F(pcsMain)), c.LoadPtr(pcs.F(pcsSpare))
	switch {
	case c.Load(sheafSize(main)) == 0:
		if spare.IsNull() {
			c.Store(pcs.F(pcsSpare), uint64(main.A))
		} else {
			s.barn.put(c, emptyStock, main)
		}
		c.Store(pcs.F(pcsMain), uint64(full.A))
	case spare.IsNull():
		c.Store(pcs.F(pcsSpare), uint64(full.A))
	case c.Load(sheafSize(spare)) == 0:
		s.barn.put(c, emptyStock, spare)
		c.Store(pcs.F(pcsSpare), uint64(full.A))
	default:
		s.barn.put(c, fullStock, full)
	}
}

// replaceFullMain is __pcs_replace_full_main: make room in the main sheaf of
// this CPU. Null, and unlocked, where an interrupt lost the race for it.
func (s *sheaves) replaceFullMain(c *sim.CPU, pcs, main sim.Ptr) sim.Ptr {
	spare := c.LoadPtr(pcs.F(pcsSpare))
	if spare.IsNull() {
		if empty := s.barn.getEmpty(c); !empty.IsNull() {
			c.Store(pcs.F(pcsSpare), uint64(main.A))
			c.Store(pcs.F(pcsMain), uint64(empty.A))
			return pcs
		}
		s.unlock(c, pcs)
		return s.installEmpty(c, s.allocEmpty(c))
	}
	if c.Load(sheafSize(spare)) < s.capacity {
		swap(c, pcs, main, spare)
		return pcs
	}
	if s.barn.count(c, fullStock) >= maxBarnSheaves {
		c.Store(pcs.F(pcsSpare), 0)
		s.unlock(c, pcs)
		s.flush(c, spare)
		return s.installEmpty(c, spare)
	}
	if empty := s.barn.exchange(c, main, emptyStock, fullStock); !empty.IsNull() {
		c.Store(pcs.F(pcsMain), uint64(empty.A))
		return pcs
	}
	s.unlock(c, pcs)
	return s.installEmpty(c, s.allocEmpty(c))
}

// installEmpty is __pcs_install_empty_sheaf, with the lock taken again.
func (s *sheaves) installEmpty(c *sim.CPU, empty sim.Ptr) sim.Ptr {
	pcs, ok := s.tryLock(c)
	if !ok {
		s.barn.put(c, emptyStock, empty)
		return sim.Ptr{}
	}
	main, spare := c.LoadPtr(pcs.F(pcsMain)), c.LoadPtr(pcs.F(pcsSpare))
	switch {
	case spare.IsNull():
		c.Store(pcs.F(pcsSpare), uint64(main.A))
		c.Store(pcs.F(pcsMain), uint64(empty.A))
	case c.Load(sheafSize(main)) < s.capacity:
		s.barn.put(c, emptyStock, empty)
	case c.Load(sheafSize(spare)) < s.capacity:
		swap(c, pcs, main, spare)
		s.barn.put(c, emptyStock, empty)
	default:
		s.barn.put(c, fullStock, main)
		c.Store(pcs.F(pcsMain), uint64(empty.A))
	}
	return pcs
}

// refill is refill_sheaf: objects from the slabs, in one go.
func (s *sheaves) refill(c *sim.CPU, sheaf sim.Ptr) {
	irq := c.IRQSave()
	for n := c.Load(sheafSize(sheaf)); n < s.capacity; n++ {
		push(c, sheaf, n, uint64(s.slabs.allocSlab(c).A))
	}
	c.IRQRestore(irq)
}

// flush is sheaf_flush_unused: all objects go back to their slabs.
func (s *sheaves) flush(c *sim.CPU, sheaf sim.Ptr) {
	irq := c.IRQSave()
	for i := range c.Load(sheafSize(sheaf)) {
		s.slabs.freeSlabObject(c, c.LoadPtr(sheafObject(sheaf, i)))
	}
	c.Store(sheafSize(sheaf), 0)
	c.IRQRestore(irq)
}

// freeRCU is __kfree_rcu_sheaf: the object joins a sheaf that goes through a
// grace period as a whole when it is full. False if this CPU's is not to be had.
func (s *sheaves) freeRCU(c *sim.CPU, obj sim.Ptr) bool {
	pcs, ok := s.tryLock(c)
	if !ok {
		return false
	}
	sheaf := c.LoadPtr(pcs.F(pcsRCUFree))
	if sheaf.IsNull() {
		if pcs, sheaf = s.newRCUSheaf(c, pcs); pcs.IsNull() {
			return false
		}
	}
	n := c.Load(sheafSize(sheaf))
	push(c, sheaf, n, uint64(obj.A))
	if n+1 == s.capacity {
		c.Store(pcs.F(pcsRCUFree), 0)
		s.callRCU(c, sheaf) // rcu_head lies over barn_list
	}
	s.unlock(c, pcs)
	return true
}

// newRCUSheaf finds an empty sheaf for rcu_free.
func (s *sheaves) newRCUSheaf(c *sim.CPU, pcs sim.Ptr) (sim.Ptr, sim.Ptr) {
	if spare := c.LoadPtr(pcs.F(pcsSpare)); !spare.IsNull() && c.Load(sheafSize(spare)) == 0 {
		c.Store(pcs.F(pcsRCUFree), uint64(spare.A))
		c.Store(pcs.F(pcsSpare), 0)
		return pcs, spare
	}
	empty := s.barn.getEmpty(c)
	if empty.IsNull() {
		s.unlock(c, pcs)
		empty = s.allocEmpty(c)
		var ok bool
		if pcs, ok = s.tryLock(c); !ok {
			s.barn.put(c, emptyStock, empty)
			return sim.Ptr{}, sim.Ptr{}
		}
		if other := c.LoadPtr(pcs.F(pcsRCUFree)); !other.IsNull() {
			s.barn.put(c, emptyStock, empty)
			return pcs, other
		}
	}
	c.Store(pcs.F(pcsRCUFree), uint64(empty.A))
	return pcs, empty
}

// freeRCUSheaf is rcu_free_sheaf, after the grace period: a full sheaf is worth
// as much as one that was filled.
func (s *sheaves) freeRCUSheaf(c *sim.CPU, sheaf sim.Ptr) {
	if s.barn.count(c, fullStock) < maxBarnSheaves {
		s.barn.put(c, fullStock, sheaf)
		return
	}
	s.flush(c, sheaf)
	if s.barn.count(c, emptyStock) < maxBarnSheaves {
		s.barn.put(c, emptyStock, sheaf)
		return
	}
	s.from.Free(c, sheaf)
}
