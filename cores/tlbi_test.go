package cores

import (
	"strings"
	"testing"

	"mmsim/sim"
)

const (
	tlbiIssue      = 10
	tlbiInvalidate = 20 * sim.Nanosecond
)

func broadcastMachine(sockets, coresPerSocket, threads int) *Machine {
	m := classMachine(ARM64LSE, sockets, coresPerSocket, threads)
	m.OS.TLBFlush, m.OS.TLBIIssue, m.OS.TLBIInvalidate = FlushByBroadcast, tlbiIssue, tlbiInvalidate
	return m
}

// tlbiTime is how long CPU 0 needs for n invalidations on a machine whose other
// CPUs compute.
func tlbiTime(t *testing.T, m *Machine, n int, others ...int) (took sim.Time) {
	t.Helper()
	p := onCPUs(sim.NewMemory(), func(c *sim.CPU) {
		began := c.Now()
		c.TLBI(n)
		took = c.Now() - began
	})
	for _, cpu := range others {
		p.Threads = append(p.Threads, Thread{Name: "t", Path: "test", CPU: cpu, Body: func(c *sim.CPU) { c.Compute(100000) }})
	}
	r := mustRunChecked(t, m, p)
	if n := total(r, IPIsSent) + total(r, IPIsReceived); n != 0 {
		t.Errorf("%d interrupts", n)
	}
	for i := 1; i < len(r.CPUs); i++ {
		if got := spent(r, i, Interrupt); got != 0 {
			t.Errorf("CPU %d spent %v in interrupts", r.CPUs[i].CPU, got)
		}
	}
	return took
}

// TestTLBITime: issuing and invalidating go by the number of invalidations, the
// way by the farthest core that is in use.
func TestTLBITime(t *testing.T) {
	m := broadcastMachine(2, 4, 1)
	p := &m.Mem
	fixed := sim.Time(m.L2Latency)*m.Clock[0].Clock.Period() + 2*p.AgentLeg // to the point of order, and back
	near := fixed + 2*p.AgentLeg
	far := near + 2*p.SocketLeg[0] + p.AgentLookup
	each := tlbiIssue*m.Clock[0].Clock.Period() + tlbiInvalidate
	for _, tc := range []struct {
		n      int
		others []int
		want   sim.Time
	}{
		{1, nil, near + each},
		{1, []int{1, 3}, near + each},
		{5, []int{1}, near + 5*each},
		{1, []int{1, 4}, far + each},
		{3, []int{7}, far + 3*each},
	} {
		if got := tlbiTime(t, m, tc.n, tc.others...); got != tc.want {
			t.Errorf("%d invalidations with CPUs %v: %v, want %v", tc.n, tc.others, got, tc.want)
		}
	}
}

// TestTLBIOrder: stores before an invalidation are visible when it returns.
func TestTLBIOrder(t *testing.T) {
	w := word(0x20000)
	m := broadcastMachine(1, 2, 1)
	mem := sim.NewMemory()
	mustRunChecked(t, m, onCPUs(mem, func(c *sim.CPU) {
		c.Store(w, 7)
		c.TLBI(1)
		if v := mem.Read(w.A, w.Size); v != 7 {
			t.Errorf("the store left behind %d after the invalidation", v)
		}
	}, func(c *sim.CPU) { c.Load(w); c.Compute(10000) }))
}

// TestTLBIContended: invalidations of different CPUs follow one another at the
// receivers, and each caller waits for its own.
func TestTLBIContended(t *testing.T) {
	const cpus, rounds, n = 4, 50, 4
	for _, threads := range []int{1, 2} {
		m := broadcastMachine(2, 2, threads)
		var bodies []func(c *sim.CPU)
		var last sim.Time
		for range cpus * threads {
			bodies = append(bodies, func(c *sim.CPU) {
				for range rounds {
					c.TLBI(n)
					c.Load(word(0x30000))
				}
				last = max(last, c.Now())
			})
		}
		mustRunChecked(t, m, onCPUs(sim.NewMemory(), bodies...))
		least := sim.Time(cpus*threads*rounds*n) * tlbiInvalidate
		if last < least || last > least*11/10 {
			t.Errorf("%d CPUs took %v for what occupies the receivers for %v", cpus*threads, last, least)
		}
	}
}

// TestTLBINeedsTheMachine: x86 has no such thing.
func TestTLBINeedsTheMachine(t *testing.T) {
	_, err := Run(testMachine(1, 1, 1), onCPUs(sim.NewMemory(), func(c *sim.CPU) { c.TLBI(1) }), patient())
	if err == nil || !strings.Contains(err.Error(), "does not broadcast") {
		t.Errorf("the run ended with %v", err)
	}
}
