// Package lockstat is what the kernel's lockdep and lock_stat are: it follows
// the annotations of lock algorithms (sim.LockEvent), checks the order in which
// locks nest, knows who holds and who waits when a run is stuck, and adds up
// how long locks were waited for, held and handed over. Executors feed it; it
// is no part of the simulated machine.
package lockstat
