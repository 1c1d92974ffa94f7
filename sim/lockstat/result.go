package lockstat

import "mmsim/sim"

// Distance says how far a lock travelled from the CPU that released it to the
// CPU that took it over.
type Distance uint8

const (
	SameCPU     Distance = iota // tasks that share a CPU
	SameCore                    // SMT siblings
	SameDomain                  // cores of one domain (cluster or socket)
	SameSocket                  // another domain of the socket
	OtherSocket                 // across a socket link
	NumDistances
)

// String is the distance's name in records.
func (d Distance) String() string {
	return [...]string{"same_cpu", "same_core", "same_domain", "same_socket", "other_socket"}[d]
}

// ModeResult is what one group of threads did with one class of locks in one
// mode during the measured interval. Waits and holds that reach beyond a border
// of the interval count with the part inside.
type ModeResult struct {
	Acquired  int64 // acquisitions, by trylocks too
	Contended int64 // of these, after a wait
	Abandoned int64 // waits that ended without the lock
	Waiting   int64 // waits that were still going on at the end
	WaitTime  sim.Time
	// MaxWait is the longest wait, one that was still going on at the end
	// included: what a starving writer shows.
	MaxWait  sim.Time
	HoldTime sim.Time
	MaxHold  sim.Time
}

// Handover sums up hand-overs: releases of a lock by one context that another
// one, which waited for it by then, answered by taking it. Time runs from the
// start of the releasing operation to the end of the acquiring one.
type Handover struct {
	Count int64
	Time  sim.Time
	Max   sim.Time
}

// Result is what the threads of one group did with the locks of one class.
type Result struct {
	Class string // "struct.field", the field being the lock's main word
	Group int
	Modes [2]ModeResult // by sim.LockMode
	// Handovers by distance; the group is that of the context that took over.
	Handovers [NumDistances]Handover
}
