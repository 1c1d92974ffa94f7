package bench

import "mmsim/sim"

// hazardLayout is a reader's hazard pointer: the object it is using, on a line
// of its own.
var hazardLayout = sim.NewLayout("hazard_slot", 64, 64, sim.F("object", 0, 8))

var hazardObject = hazardLayout.Field("object")

// hazardRefs are hazard pointers (Michael, IEEE TPDS 15(6), 2004; the form with
// an updater that waits is the hazptr proposal for the kernel): a reader
// publishes what it is about to use and looks again whether that is still
// current; who replaces an object waits until no slot names it.
//
// A reader has one slot and an updater polls each slot in turn, instead of
// collecting objects and scanning for many at once.
type hazardRefs struct{ slots []sim.Ptr } // by task number

func newHazardRefs(r *Refs) (scheme, error) {
	var k hazardRefs
	for range r.b.Sched.Tasks() {
		k.slots = append(k.slots, r.b.Arena.Object(hazardLayout, ""))
	}
	return k, nil
}

func (k hazardRefs) read(c *sim.CPU, r *Refs, i int, s *Section) {
	slot := k.slots[c.Task].F(hazardObject)
	for {
		obj := c.LoadPtr(r.pointer(i))
		c.Store(slot, uint64(obj.A))
		c.SmpMB() // the slot is seen before the pointer is looked at again
		if now := c.LoadPtr(r.pointer(i)); now.A == obj.A {
			r.mustUse(c, now, s)
			break
		}
	}
	c.StoreRelease(slot, 0)
}

func (k hazardRefs) replace(c *sim.CPU, r *Refs, i int) {
	old := r.swap(c, i)
	c.SmpMB() // the pointer is changed before the slots are looked at
	for _, slot := range k.slots {
		c.SpinUntil(sim.Never, sim.Cond{Ref: slot.F(hazardObject), Test: sim.Ne, Mask: ^uint64(0), Arg: uint64(old.A), Order: sim.Acquire})
	}
	r.free(c, old)
}
