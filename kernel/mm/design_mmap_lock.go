package mm

import "mmsim/sim"

// mmapLock is section 2a: mmap_lock is all there is.
type mmapLock struct{}

func (mmapLock) perVMA() bool                      { return false }
func (mmapLock) initMM(*sim.CPU, *MM)              {}
func (mmapLock) locked(*sim.CPU, *MM)              {}
func (mmapLock) unlocking(*sim.CPU, *MM)           {}
func (mmapLock) initVMA(*sim.CPU, *MM, sim.Ptr)    {}
func (mmapLock) startWrite(*sim.CPU, *MM, sim.Ptr) {}
func (mmapLock) attach(*sim.CPU, *MM, sim.Ptr)     {}
func (mmapLock) detach(*sim.CPU, *MM, sim.Ptr)     {}

// free gives the memory back at once: whoever could read it holds mmap_lock.
func (mmapLock) free(c *sim.CPU, s *System, vma sim.Ptr) {
	s.poisonObject(c, vma, s.l.VMA)
	s.vmas.Free(c, vma)
}

func (mmapLock) lockVMA(*sim.CPU, *MM, uint64) (sim.Ptr, bool) { return sim.Ptr{}, false }
func (mmapLock) endRead(*sim.CPU, *MM, sim.Ptr)                {}
