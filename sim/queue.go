package sim

import "math/bits"

// Event is one entry of the event queue: what happens at a point of virtual
// time. Kind, A and B belong to whoever pushed it.
type Event struct {
	At   Time
	seq  uint64
	Kind uint8
	A, B int32
}

// Queue orders events by (time, order of pushing), so ties have one defined
// order on every host. Nearly all events of a memory system lie within a
// microsecond, so the queue is a timing wheel of slots of about a nanosecond;
// a slot is sorted when its turn comes. What lies farther ahead (timers, think
// times) waits in a heap. A heap alone, even a typed 4-ary one, cost three
// times as much per event.
//
// Events must not be pushed before the last one popped.
type Queue struct {
	due   []Event           // of the slot whose turn it is, latest first
	slots [wheelSlots]int32 // list of nodes, plus one; 0 is empty
	used  [wheelSlots / 64]uint64
	nodes []queueNode // a small pool, so that the wheel stays in the host's caches
	spare int32       // list of free nodes, plus one
	turn  int64       // number of the slot whose turn it is
	far   eventHeap
	seq   uint64
	n     int
}

type queueNode struct {
	Event
	next int32 // plus one
}

const (
	slotShift  = 20 // 2^20 fs, about 1.05 ns
	wheelSlots = 1024
)

// Len is the number of pending events.
func (q *Queue) Len() int { return q.n }

// Next returns the time of the earliest event, Never if there is none.
func (q *Queue) Next() Time {
	if len(q.due) == 0 {
		if q.n == 0 {
			return Never
		}
		q.advance()
	}
	return q.due[len(q.due)-1].At
}

// Push adds an event.
func (q *Queue) Push(at Time, kind uint8, a, b int32) {
	q.seq++
	q.n++
	e := Event{at, q.seq, kind, a, b}
	slot := int64(at) >> slotShift
	switch {
	case slot <= q.turn:
		q.insertDue(e)
	case slot < q.turn+wheelSlots:
		q.put(slot, e)
	default:
		q.far.push(e)
	}
}

func (q *Queue) put(slot int64, e Event) {
	i := slot & (wheelSlots - 1)
	k := q.spare
	if k == 0 {
		q.nodes = append(q.nodes, queueNode{})
		k = int32(len(q.nodes))
	} else {
		q.spare = q.nodes[k-1].next
	}
	q.nodes[k-1] = queueNode{e, q.slots[i]}
	q.slots[i] = k
	q.used[i>>6] |= 1 << (i & 63)
}

// insertDue keeps the current slot sorted, latest first.
func (q *Queue) insertDue(e Event) {
	q.due = append(q.due, e)
	d := q.due
	i := len(d) - 1
	for i > 0 && before(&d[i-1], &e) {
		d[i] = d[i-1]
		i--
	}
	d[i] = e
}

// Pop removes and returns the earliest event; the queue must not be empty.
func (q *Queue) Pop() Event {
	if len(q.due) == 0 {
		q.advance()
	}
	q.n--
	e := q.due[len(q.due)-1]
	q.due = q.due[:len(q.due)-1]
	return e
}

// advance gives the turn to the next slot that holds events. There is one.
func (q *Queue) advance() {
	slot := q.nextSlot()
	if f := q.far.next() >> slotShift; len(q.far) > 0 && int64(f) < slot {
		slot = int64(f)
	}
	q.turn = slot
	i := slot & (wheelSlots - 1)
	q.used[i>>6] &^= 1 << (i & 63)
	for k := q.slots[i]; k != 0; {
		nd := &q.nodes[k-1]
		q.insertDue(nd.Event)
		nd.next, q.spare, k = q.spare, k, nd.next
	}
	q.slots[i] = 0
	for len(q.far) > 0 && int64(q.far.next()>>slotShift) < q.turn+wheelSlots {
		e := q.far.pop()
		if s := int64(e.At) >> slotShift; s <= q.turn {
			q.insertDue(e)
		} else {
			q.put(s, e)
		}
	}
}

// nextSlot is the number of the first slot behind the current one that holds
// events; beyond every slot if the wheel is empty.
func (q *Queue) nextSlot() int64 {
	start := q.turn + 1
	for k := int64(0); k < wheelSlots; {
		i := (start + k) & (wheelSlots - 1)
		if w := q.used[i>>6] >> (i & 63); w != 0 {
			return start + k + int64(bits.TrailingZeros64(w))
		}
		k += 64 - i&63
	}
	return 1<<63 - 1
}

func before(a, b *Event) bool {
	return a.At < b.At || a.At == b.At && a.seq < b.seq
}

// Each calls f for every pending event, in no particular order: for checks of
// what is on its way.
func (q *Queue) Each(f func(Event)) {
	for i := range q.due {
		f(q.due[i])
	}
	for _, k := range q.slots {
		for ; k != 0; k = q.nodes[k-1].next {
			f(q.nodes[k-1].Event)
		}
	}
	for i := range q.far {
		f(q.far[i])
	}
}
