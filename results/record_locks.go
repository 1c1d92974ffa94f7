package results

import "mmsim/sim"

// LockUse is what the threads of a group did with the locks of one class in the
// measured interval.
type LockUse struct {
	Class string   `json:"class"` // struct.field of the lock's main word
	Write LockSide `json:"write"` // exclusive mode
	Read  LockSide `json:"read"`  // shared mode
	// Handovers count the times that a waiting thread of this group took the
	// lock over, by distance from the CPU that gave it up; the times are from
	// the start of the release to the end of the acquisition, all together, in
	// fs and in cycles.
	Handovers      Counts `json:"handovers"`
	HandoverTime   Counts `json:"handover_fs"`
	HandoverCycles Counts `json:"handover_cycles"`
}

// LockSide is the use of a class of locks in one mode.
type LockSide struct {
	Acquired  int64    `json:"acquired"`
	Contended int64    `json:"contended"` // of these, after a wait
	Abandoned int64    `json:"abandoned"` // waits that ended without the lock
	Waiting   int64    `json:"waiting"`   // waits still going on at the end
	WaitTime  sim.Time `json:"wait_fs"`
	MaxWait   sim.Time `json:"max_wait_fs"`
	HoldTime  sim.Time `json:"hold_fs"`
	MaxHold   sim.Time `json:"max_hold_fs"`
}
