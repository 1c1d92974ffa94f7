package srcu

import "mmsim/sim"

// Options are the parameters of srcutree.c that set how long a grace period
// takes (locks-and-barriers.md section 11). Ticks are those of the scheduler.
type Options struct {
	// RetryDelay is srcutree.srcu_retry_check_delay: between two scans of the
	// counters without going to sleep.
	RetryDelay sim.Time
	// ExpHoldoff is srcutree.exp_holdoff: the time since the last grace period
	// after which synchronize_srcu hurries the next one.
	ExpHoldoff sim.Time
	// Interval is SRCU_INTERVAL, in ticks: between two scans of a grace period
	// that is not expedited. It grows with the age of the grace period.
	Interval int
	// MaxInterval is SRCU_MAX_INTERVAL, in ticks: it grows no longer than that.
	MaxInterval int
	// MaxNoDelay is srcutree.srcu_max_nodelay and srcu_max_nodelay_phase: how
	// many scans follow each other at once before one waits a tick.
	MaxNoDelay int
}

// DefaultOptions are the kernel's own choices at HZ=1000.
func DefaultOptions() Options {
	return Options{RetryDelay: 5 * sim.Microsecond, ExpHoldoff: 25 * sim.Microsecond, Interval: 1, MaxInterval: 10, MaxNoDelay: 400}
}
