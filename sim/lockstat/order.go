package lockstat

import "mmsim/sim"

// Order is one observed nesting of two locks: a context took Second while it
// held First.
type Order struct {
	First, Second         string
	Context               string
	FirstStep, SecondStep sim.Step // in which each was taken
	At                    sim.Time
}

// OrderReport is a finding of the lock-order check.
type OrderReport struct {
	What   string
	Orders []Order // the nestings that cannot all be right
}
