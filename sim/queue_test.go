package sim

import (
	"sort"
	"testing"
)

// TestQueueOrder holds the queue against a sorted list under random pushes and
// pops at all distances: the same slot, the wheel, beyond it.
func TestQueueOrder(t *testing.T) {
	var q Queue
	var ref []Event
	r := NewRand(7, 0, 0)
	now := Time(0)
	for step := range 200_000 {
		if r.Below(100) < 55 && len(ref) < 500 || len(ref) == 0 {
			at := now
			switch r.Below(5) {
			case 0:
			case 1:
				at += r.TimeBelow(Nanosecond)
			case 2, 3:
				at += r.TimeBelow(500 * Nanosecond)
			case 4:
				at += r.TimeBelow(20 * Microsecond)
			}
			q.Push(at, 1, int32(step), 0)
			ref = append(ref, Event{At: at, seq: uint64(step), A: int32(step)})
			continue
		}
		sort.SliceStable(ref, func(i, j int) bool { return before(&ref[i], &ref[j]) })
		if q.Next() != ref[0].At {
			t.Fatalf("step %d: next event at %v, want %v", step, q.Next(), ref[0].At)
		}
		e := q.Pop()
		if e.At != ref[0].At || e.A != ref[0].A {
			t.Fatalf("step %d: popped event %d at %v, want %d at %v", step, e.A, e.At, ref[0].A, ref[0].At)
		}
		now, ref = e.At, ref[1:]
		if q.Len() != len(ref) {
			t.Fatalf("step %d: %d events pending, want %d", step, q.Len(), len(ref))
		}
	}
}

// BenchmarkQueue pushes and pops with 64 events pending.
func BenchmarkQueue(b *testing.B) {
	var q Queue
	r := NewRand(1, 0, 0)
	for range 64 {
		q.Push(r.TimeBelow(100*Nanosecond), 0, 0, 0)
	}
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		e := q.Pop()
		q.Push(e.At+r.TimeBelow(100*Nanosecond), 0, 0, 0)
	}
}
