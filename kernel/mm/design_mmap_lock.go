package mm

import "mmsim/sim"

// mmapLockWriter is section 2a: mmap_lock is all there is.
type mmapLockWriter struct{}

func (mmapLockWriter) vmaLocks() bool                    { return false }
func (mmapLockWriter) locked(*sim.CPU, *MM)              {}
func (mmapLockWriter) unlocking(*sim.CPU, *MM)           {}
func (mmapLockWriter) startWrite(*sim.CPU, *MM, sim.Ptr) {}
