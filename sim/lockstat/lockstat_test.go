package lockstat_test

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/sim"
	"mmsim/sim/lockstat"
)

var (
	stepOuter = sim.NewStep("test-outer")
	stepInner = sim.NewStep("test-inner")

	nodeLayout = sim.NewLayout("node", 64, 64, sim.F("lock", 0, 4), sim.F("inner", 8, 4), sim.Arr("bucket", 16, 4, 4))
	leafLayout = sim.NewLayout("leaf", 64, 64, sim.F("lock", 0, 4))
)

// locks of two classes: node i and leaf i.
func node(i int) sim.Addr { return sim.Addr(0x10000 + 64*i) }
func leaf(i int) sim.Addr { return sim.Addr(0x20000 + 64*i) }

// script feeds a tracker with annotations of contexts that are known by number.
type script struct {
	*lockstat.Tracker
	syms *sim.Symbols
	ctxs []*sim.CPU
	now  sim.Time
	cpu  []int // by context
}

// newScript has 8 contexts, context i on CPU i; times are in ns, measured from
// 100 to 1000.
func newScript() *script {
	s := &script{syms: &sim.Symbols{}}
	s.syms.AddSlab(node(0), 64*64, 64, nodeLayout)
	s.syms.AddSlab(leaf(0), 64*64, 64, leafLayout)
	s.Tracker = lockstat.NewTracker(lockstat.Options{Syms: s.syms, From: 100, To: 1000,
		Distance: func(from, to int) lockstat.Distance {
			return map[[2]int]lockstat.Distance{{0, 0}: lockstat.SameCPU, {0, 1}: lockstat.SameCore, {0, 2}: lockstat.OtherSocket,
				{1, 2}: lockstat.SameSocket, {2, 1}: lockstat.SameDomain}[[2]int{from, to}]
		}})
	for i := range 8 {
		s.ctxs = append(s.ctxs, sim.NewCPU(nil, i, sim.TaskID(i), fmt.Sprintf("ctx%d", i)))
		s.cpu = append(s.cpu, i)
	}
	return s
}

func (s *script) note(ctx int, k sim.LockEvent, lock sim.Addr, m sim.LockMode, step sim.Step) {
	s.Note(s.ctxs[ctx], &lockstat.Event{Kind: k, Mode: m, Lock: lock, At: s.now, CPU: s.cpu[ctx], Group: ctx / 4, Step: step})
}

func (s *script) lock(ctx int, locks ...sim.Addr) {
	for i, l := range locks {
		s.note(ctx, sim.LockAcquired, l, sim.Exclusive, []sim.Step{stepOuter, stepInner, stepInner}[i])
	}
}

func (s *script) unlock(ctx int, locks ...sim.Addr) {
	for _, l := range locks {
		s.note(ctx, sim.LockReleased, l, sim.Exclusive, sim.StepUser)
	}
}

// nest takes locks one inside the other and gives them up.
func (s *script) nest(ctx int, locks ...sim.Addr) {
	s.lock(ctx, locks...)
	s.unlock(ctx, locks...)
}

// wantOrders checks the number of findings, and that each says all of the
// strings given for it.
func (s *script) wantOrders(t *testing.T, want ...[]string) {
	t.Helper()
	got := s.Orders()
	if len(got) != len(want) {
		t.Fatalf("%d findings, want %d: %v", len(got), len(want), got)
	}
	for i, ws := range want {
		for _, w := range ws {
			if !strings.Contains(got[i].String(), w) {
				t.Errorf("finding %d does not say %q:\n%v", i, w, got[i])
			}
		}
	}
}

// TestOrder: two classes in both orders are reported once, whatever the
// objects, naming who did which.
func TestOrder(t *testing.T) {
	s := newScript()
	s.now = 7 * sim.Nanosecond
	s.nest(0, node(0), leaf(0))
	s.nest(1, node(1), leaf(1))
	s.wantOrders(t)
	s.nest(2, leaf(5), node(6))
	s.nest(2, leaf(5), node(6))
	s.wantOrders(t, []string{"circular lock order: leaf.lock and node.lock",
		"ctx2 takes node.lock (step test-inner) while it holds leaf.lock (step test-outer), at 7ns",
		"ctx0 takes leaf.lock (step test-inner) while it holds node.lock (step test-outer), at 7ns"})
}

// TestOrderOfThree: the circle may be longer than two, and through locks
// further out.
func TestOrderOfThree(t *testing.T) {
	s := newScript()
	inner := node(0) + 8
	s.nest(0, node(0), leaf(0))
	s.nest(1, leaf(0), inner)
	s.wantOrders(t)
	s.nest(2, inner, node(3))
	s.wantOrders(t, []string{"node.inner and node.lock", "ctx2 takes node.lock", "ctx0 takes leaf.lock", "ctx1 takes node.inner"})
	s.nest(3, inner, 0x30000, leaf(2)) // closes two: to leaf from the lock outside, and from the one without a name
	s.wantOrders(t, nil, []string{"node.inner and leaf.lock", "ctx1 takes node.inner"}, []string{"0x30000 and leaf.lock"})
}

// TestOrderOfWaits: in a real deadlock nobody gets its second lock; waiting
// for it is enough. A trylock adds nothing: it cannot deadlock; what is taken
// under it does.
func TestOrderOfWaits(t *testing.T) {
	s := newScript()
	s.lock(0, node(0))
	s.lock(1, leaf(0))
	s.note(0, sim.LockContended, leaf(0), sim.Shared, stepInner)
	s.wantOrders(t)
	s.note(1, sim.LockContended, node(0), sim.Shared, stepInner)
	s.wantOrders(t, []string{"ctx1 takes node.lock", "ctx0 takes leaf.lock"})

	s = newScript()
	s.nest(0, node(0), leaf(0))
	s.lock(1, leaf(0))
	s.note(1, sim.LockTried, node(0), sim.Exclusive, stepInner)
	s.wantOrders(t)
	s.lock(1, node(0)+8)
	s.unlock(1, leaf(0), node(0), node(0)+8)
	s.nest(0, node(0)+8, node(0))
	s.wantOrders(t, []string{"node.inner and node.lock"})
}

// TestOrderWithinClass: locks of one class nest in any order that is the same
// for every two of them, for as long as they are the same locks.
func TestOrderWithinClass(t *testing.T) {
	s := newScript()
	s.nest(0, node(0), node(1))
	s.nest(0, node(3), node(2))
	s.nest(1, node(0), node(1))
	s.wantOrders(t)
	s.note(0, sim.LockInit, node(1), sim.Exclusive, 0)
	s.nest(1, node(1), node(0))
	s.wantOrders(t)
	s.nest(1, node(2), node(3))
	s.wantOrders(t, []string{"node.lock and node.lock", "ctx1 takes node.lock", "ctx0 takes node.lock"})
	a, b := s.Orders()[0].Orders[0], s.Orders()[0].Orders[1]
	if a.First != b.Second || a.Second != b.First {
		t.Errorf("orders %v and %v are not opposite", a, b)
	}
	s.lock(4, node(9))
	s.note(4, sim.LockContended, node(9), sim.Exclusive, stepInner)
	s.wantOrders(t, nil, []string{"a lock is taken by its holder: node.lock", "ctx4"})
}

// TestClasses: elements of an array are one class; memory that becomes
// something else changes its class.
func TestClasses(t *testing.T) {
	s := newScript()
	s.nest(0, node(0)+16, leaf(0))
	s.nest(0, leaf(1), node(1)+24)
	s.wantOrders(t, []string{"leaf.lock and node.bucket"})

	s = newScript()
	s.nest(0, node(0), leaf(0))
	s.syms.AddSlab(node(0), 64*64, 64, leafLayout)
	s.nest(0, leaf(1), node(1)) // two leaves now
	s.nest(0, leaf(0), node(0))
	s.wantOrders(t)
}

// TestInterrupts: a lock that handlers wait for must not be held with
// interrupts on.
func TestInterrupts(t *testing.T) {
	for _, tc := range []struct {
		irq, on   sim.LockMode
		kind      sim.LockEvent // in the handler
		irqsFirst bool
		bad       bool
	}{
		{sim.Exclusive, sim.Exclusive, sim.LockAcquired, false, true},
		{sim.Exclusive, sim.Exclusive, sim.LockAcquired, true, true},
		{sim.Shared, sim.Exclusive, sim.LockAcquired, false, true},
		{sim.Exclusive, sim.Shared, sim.LockAcquired, true, true},
		{sim.Shared, sim.Shared, sim.LockAcquired, false, false},
		{sim.Exclusive, sim.Exclusive, sim.LockTried, false, false},
	} {
		s := newScript()
		s.ctxs[1].InIRQ = true
		for _, ctx := range map[bool][]int{false: {0, 1}, true: {1, 0}}[tc.irqsFirst] {
			m, k := tc.on, sim.LockAcquired
			if ctx == 1 {
				m, k = tc.irq, tc.kind
			}
			for range 2 {
				s.note(ctx, k, leaf(ctx), m, stepOuter)
				s.note(ctx, sim.LockReleased, leaf(ctx), m, stepOuter)
			}
		}
		if !tc.bad {
			s.wantOrders(t)
			continue
		}
		s.wantOrders(t, []string{"taken in interrupts, and with interrupts on: leaf.lock",
			"ctx1 takes leaf.lock (step test-outer) in an interrupt handler", "ctx0 takes leaf.lock (step test-outer) with interrupts on"})
	}
}
