package coherence

import (
	"mmsim/cache"
	"mmsim/sim"
)

// Source is where a finished request was served.
type Source uint8

const (
	SourceNone       Source = iota // ownership alone, no other core had a copy
	SourceLLC                      // the LLC of the own domain
	SourceRemoteLLC                // another domain's LLC
	SourceMemory                   // DRAM of the own socket
	SourceFarMemory                // DRAM of another socket
	SourceCore                     // a core's private caches gave data
	SourceInvalidate               // ownership taken from other cores' copies, data from elsewhere or none
)

// Txn is one coherence transaction, from the miss in a core to the fill. The
// exported fields are what the core may read at the fill.
type Txn struct {
	Line     cache.Line
	Core     int16
	Request  Request
	Prefetch bool
	Source   Source
	Distance Distance // of the source or of the farthest core that lost its copy
	Upgrade  bool     // the requester had the data already
	Bounced  bool     // data or ownership came from another core's private caches
	Started  sim.Time

	// For the core: which of its threads wait, and what asked for the line.
	Waiters uint32
	Word    sim.Addr
	Step    sim.Step
	Thread  int8

	id       int32
	entry    int32
	next     int32 // in the queue of the line, or the free list
	place    int   // agent where it is handled or waits
	accepted bool
	order    uint64 // of acceptance, over all requests
	supplier int16  // core asked for the data, -1 if none
	holds    bool   // the line is busy on its behalf until it completes
	acks     int
	ready    sim.Time // when everything it waits for has arrived
	grant    State
	deferred []int32 // snoops that arrived before the fill
	inUse    bool
}

// newTxn takes a transaction from the pool.
func (s *System) newTxn() *Txn {
	if s.freeTxn < 0 {
		t := &Txn{id: int32(len(s.txns)), next: -1}
		s.txns = append(s.txns, t)
		s.freeTxn = t.id
	}
	t := s.txns[s.freeTxn]
	s.freeTxn = t.next
	*t = Txn{id: t.id, next: -1, supplier: -1, deferred: t.deferred[:0], inUse: true}
	return t
}

func (s *System) release(t *Txn) {
	t.inUse = false
	t.next = s.freeTxn
	s.freeTxn = t.id
}

// request is an outstanding request of a core.
type request struct {
	line cache.Line
	txn  int32
}

// Pending returns the core's outstanding request for the line, or nil.
func (s *System) Pending(core int16, l cache.Line) *Txn {
	for _, r := range s.pending[core] {
		if r.line == l {
			return s.txns[r.txn]
		}
	}
	return nil
}

// Outstanding is the number of requests the core has in flight.
func (s *System) Outstanding(core int16) int { return len(s.pending[core]) }

func (s *System) unpend(t *Txn) {
	p := s.pending[t.Core]
	for i := range p {
		if p[i].txn == t.id {
			s.pending[t.Core] = append(p[:i], p[i+1:]...)
			return
		}
	}
}

// enqueue lets t wait for its line at an agent.
func (s *System) enqueue(e *entry, t *Txn, place int) {
	t.place, t.next = place, -1
	if e.tail >= 0 {
		s.txns[e.tail].next = t.id
	} else {
		e.head = t.id
	}
	e.tail = t.id
}

// dequeue picks the next waiting request by the machine's arbitration.
func (s *System) dequeue(e *entry, lastDomain int16) *Txn {
	prev, pick := int32(-1), e.head
	if s.p.Arbitration == LocalFirst {
		for pr, id := int32(-1), e.head; id >= 0; pr, id = id, s.txns[id].next {
			if s.f.domainOf[s.txns[id].Core] == lastDomain {
				prev, pick = pr, id
				break
			}
		}
	}
	t := s.txns[pick]
	if prev >= 0 {
		s.txns[prev].next = t.next
	} else {
		e.head = t.next
	}
	if e.tail == pick {
		e.tail = prev
	}
	t.next = -1
	return t
}
