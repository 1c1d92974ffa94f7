package litmus

import (
	"mmsim/explore"
	"mmsim/sim"
)

// modelled gives the primitives the meaning that the memory models give them.
type modelled struct{ model explore.Model }

// longCtrl: on Armv8 a branch orders all later stores; the kernel model and the
// compilers that it stands for promise that for the arms of the if alone.
func (m modelled) longCtrl() bool { return m.model != explore.LKMM }

func (m modelled) storeDeps(t *thread, data sim.Dep) { explore.StoreDeps(t.c, data, t.ctrl) }

// storeMB is a store and a barrier, also where the machine has one instruction
// for both.
func (m modelled) storeMB(t *thread, r sim.Ref, v uint64) {
	t.c.Store(r, v)
	t.c.SmpMB()
}

func (m modelled) afterUnlockLock(t *thread)         { explore.AfterUnlockLock(t.c) }
func (m modelled) lock(t *thread, r sim.Ref)         { explore.SpinLock(t.c, r) }
func (m modelled) trylock(t *thread, r sim.Ref) bool { return explore.SpinTrylock(t.c, r) }
func (m modelled) unlock(t *thread, r sim.Ref)       { explore.SpinUnlock(t.c, r) }
func (m modelled) readLock(t *thread)                { explore.ReadLock(t.c, rcuDomain) }
func (m modelled) readUnlock(t *thread)              { explore.ReadUnlock(t.c, rcuDomain) }
func (m modelled) synchronize(t *thread)             { explore.Synchronize(t.c, rcuDomain) }

// Domains of readers: RCU, and behind it the variables that are SRCU domains.
const rcuDomain = 0

func (m modelled) srcuLock(t *thread, s section) {
	explore.ReadLockSlot(t.c, uint64(s.domain)+1, int(s.id))
}
func (m modelled) srcuUnlock(t *thread, s section) {
	explore.ReadUnlockSlot(t.c, uint64(s.domain)+1, int(s.id))
}
func (m modelled) srcuSynchronize(t *thread, domain int) { explore.Synchronize(t.c, uint64(domain)+1) }
