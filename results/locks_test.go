package results

import (
	"slices"
	"strings"
	"testing"

	"mmsim/sim"
	"mmsim/sim/lockstat"
)

// lockRun is a run of two lockers with given operations, and what they did with
// one sleeping lock and the spinlock inside it.
func lockRun(t *testing.T, ops ...int64) *Record {
	t.Helper()
	s := fakeRun{"2", "mutex", 1, 400 * sim.Nanosecond, 25, -1}.source(t)
	s.Groups[0].Path = "lock-bench"
	for i, n := range ops {
		s.Result.Tasks[i].Ops = n
	}
	outer := lockstat.Result{Class: "lock.mutex.owner"}
	outer.Modes[sim.Exclusive] = lockstat.ModeResult{Acquired: 40, Contended: 10, WaitTime: 8 * sim.Microsecond,
		MaxWait: 3 * sim.Microsecond, HoldTime: 2 * sim.Microsecond}
	outer.Handovers[lockstat.OtherSocket] = lockstat.Handover{Count: 4, Time: 4 * sim.Microsecond}
	inner := lockstat.Result{Class: "lock.mutex.wait_lock"}
	inner.Modes[sim.Exclusive] = lockstat.ModeResult{Acquired: 400, WaitTime: sim.Microsecond}
	s.Result.Locks = []lockstat.Result{outer, inner}
	s.Result.LockOrder = []lockstat.OrderReport{{What: "circular lock order: a and b"}}
	r, err := Measure(s)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func TestLockColumns(t *testing.T) {
	r := lockRun(t, 30, 10)
	for column, want := range map[string]string{
		// (30 + 10)^2 / (2 * (900 + 100)).
		"fairness_jain_ratio": "0.8000", "fairness_max_min_ratio": "3.000",
		"hottest_lock": "lock.mutex.owner", "lock_contended_pct": "25.00",
		"lock_wait_mean_ns": "200.000", "lock_hold_mean_ns": "50.000",
		"writer_wait_max_ns": "3000.000", "reader_wait_max_ns": "-",
		// 1 us each at 0.4 ns a cycle.
		"handover_other_socket_cycles": "2500.0", "handovers_other_socket_count": "4",
		"handover_same_domain_cycles": "-", "handovers_same_domain_count": "-",
		"lock_order_findings_count": "1",
	} {
		if got := value(r, column); got != want {
			t.Errorf("%s = %s, want %s", column, got, want)
		}
	}
}

func TestFairnessOfOneAndOfNone(t *testing.T) {
	for _, ops := range [][]int64{{5, 0}, {0, 0}} {
		r := lockRun(t, ops...)
		if got := value(r, "fairness_max_min_ratio"); got != "-" {
			t.Errorf("%v: max/min %s", ops, got)
		}
		want := "0.5000"
		if ops[0] == 0 {
			want = "-"
		}
		if got := value(r, "fairness_jain_ratio"); got != want {
			t.Errorf("%v: Jain %s, want %s", ops, got, want)
		}
	}
}

// A report of a bench path has tables about threads and locks, without columns
// that nothing is known for, and tells what the lock-order check found.
func TestLockReport(t *testing.T) {
	rep, err := NewReport([]*Record{lockRun(t, 30, 10)})
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	if err := rep.WriteText(&b); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"latency, fairness and waiting of hitters", "Jain", "hottest lock of each group", "lock.mutex.owner",
		"other-socket", "lock order, design mutex, seed 1 (1 findings): circular lock order: a and b"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("no %q in\n%s", want, b.String())
		}
	}
	for _, table := range rep.Tables {
		if strings.HasPrefix(table.Caption, "hottest lock") && slices.Contains(table.Header, "same-domain") {
			t.Errorf("columns without a value: %v", table.Header)
		}
	}
}

// A row of nothing is explained; others are not mentioned.
func TestNoteOfRowsWithoutOperations(t *testing.T) {
	for ops, want := range map[int64]bool{0: true, 40: false} {
		r := lockRun(t)
		r.ReportGroup().Ops = ops
		s, err := Summarise([]*Record{r})
		if err != nil {
			t.Fatal(err)
		}
		got := slices.ContainsFunc(notes(s), func(n string) bool { return strings.HasPrefix(n, "no operation of mutex ") })
		if got != want {
			t.Errorf("%d operations: noted %v", ops, got)
		}
	}
}
