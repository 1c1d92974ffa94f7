package rcu

// Options are the boot parameters of RCU that are lengths of time, and what it is
// made of.
type Options struct {
	// Model, if set, stands in place of the algorithms.
	Model Model

	// FirstFQS and NextFQS are rcutree.jiffies_till_first_fqs and
	// jiffies_till_next_fqs, in scheduler ticks: how old a grace period is when
	// idle CPUs are first looked for, and the time between two looks.
	FirstFQS, NextFQS int
}

// DefaultOptions are the kernel's own choices at HZ=1000 and up to 256 CPUs.
func DefaultOptions() Options { return Options{FirstFQS: 3, NextFQS: 3} }
