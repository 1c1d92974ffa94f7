package lockstat

import "mmsim/sim"

// usage remembers in which surroundings locks of a class were taken: in
// interrupt handlers, and elsewhere with interrupts on. A bit for each with
// each mode.
type usage struct {
	seen     uint8
	reported bool
	first    [4]Use
}

const (
	inIRQ  = 0
	irqsOn = 2
)

// checkIRQ is mark_lock: a lock that handlers wait for must not be held with
// interrupts on, or a handler waits for what it interrupted. (Both sides shared
// is no problem for a lock whose readers may nest.)
func (t *Tracker) checkIRQ(x *context, r int32, e *Event) {
	use := irqsOn
	switch {
	case x.cpu.InIRQ && e.Kind == sim.LockTried:
		return // a trylock does not wait
	case x.cpu.InIRQ:
		use = inIRQ
	case x.cpu.IRQsDisabled():
		return
	}
	use += int(e.Mode)
	k := t.class(r)
	if u := &k.usage; u.seen>>use&1 == 0 {
		u.seen |= 1 << use
		u.first[use] = Use{Lock: k.name, Context: x.cpu.Name, Handler: use < irqsOn, Step: e.Step, At: e.At}
		t.checkUsage(k)
	}
}

func (t *Tracker) checkUsage(k *class) {
	for irq := inIRQ; irq < irqsOn && !k.usage.reported; irq++ {
		for on := irqsOn; on < irqsOn+2; on++ {
			bothShared := irq == inIRQ+int(sim.Shared) && on == irqsOn+int(sim.Shared)
			if k.usage.seen>>irq&1 != 0 && k.usage.seen>>on&1 != 0 && !bothShared {
				k.usage.reported = true
				t.report(OrderReport{What: "taken in interrupts, and with interrupts on: " + k.name,
					Uses: []Use{k.usage.first[irq], k.usage.first[on]}})
				break
			}
		}
	}
}
