package sim

// Event is one entry of the event queue: what happens at a point of virtual
// time. Kind, A and B belong to whoever pushed it.
type Event struct {
	At   Time
	seq  uint64
	Kind uint8
	A, B int32
}

// Queue orders events by (time, order of pushing), so ties have one defined
// order on every host. It is a typed 4-ary heap: container/heap boxes every
// element, which would be an allocation per event.
type Queue struct {
	heap []Event
	seq  uint64
}

// Len is the number of pending events.
func (q *Queue) Len() int { return len(q.heap) }

// Next returns the time of the earliest event, Never if there is none.
func (q *Queue) Next() Time {
	if len(q.heap) == 0 {
		return Never
	}
	return q.heap[0].At
}

// Push adds an event.
func (q *Queue) Push(at Time, kind uint8, a, b int32) {
	q.seq++
	e := Event{at, q.seq, kind, a, b}
	q.heap = append(q.heap, e)
	h := q.heap
	i := len(h) - 1
	for i > 0 {
		p := (i - 1) >> 2
		if !before(&e, &h[p]) {
			break
		}
		h[i] = h[p]
		i = p
	}
	h[i] = e
}

// Pop removes and returns the earliest event; the queue must not be empty.
func (q *Queue) Pop() Event {
	h := q.heap
	top := h[0]
	n := len(h) - 1
	e := h[n]
	q.heap = h[:n]
	if n == 0 {
		return top
	}
	h = q.heap
	i := 0
	for {
		c := i<<2 + 1
		if c >= n {
			break
		}
		m := c
		for j, end := c+1, min(c+4, n); j < end; j++ {
			if before(&h[j], &h[m]) {
				m = j
			}
		}
		if !before(&h[m], &e) {
			break
		}
		h[i] = h[m]
		i = m
	}
	h[i] = e
	return top
}

func before(a, b *Event) bool {
	return a.At < b.At || a.At == b.At && a.seq < b.seq
}
