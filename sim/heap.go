package sim

// eventHeap is a binary heap of events. It is typed because container/heap
// boxes every element, an allocation per event.
type eventHeap []Event

// next is the time of the earliest event; Never if there is none.
func (h eventHeap) next() Time {
	if len(h) == 0 {
		return Never
	}
	return h[0].At
}

func (h *eventHeap) push(e Event) {
	*h = append(*h, e)
	s := *h
	i := len(s) - 1
	for i > 0 {
		p := (i - 1) / 2
		if !before(&e, &s[p]) {
			break
		}
		s[i] = s[p]
		i = p
	}
	s[i] = e
}

func (h *eventHeap) pop() Event {
	s := *h
	top := s[0]
	n := len(s) - 1
	e := s[n]
	s = s[:n]
	*h = s
	if n == 0 {
		return top
	}
	i := 0
	for {
		c := 2*i + 1
		if c >= n {
			break
		}
		if c+1 < n && before(&s[c+1], &s[c]) {
			c++
		}
		if !before(&s[c], &e) {
			break
		}
		s[i] = s[c]
		i = c
	}
	s[i] = e
	return top
}
