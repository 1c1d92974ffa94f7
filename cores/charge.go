package cores

import (
	"mmsim/coherence"
	"mmsim/sim"
)

// bucketKind is where a task's time goes.
type bucketKind uint8

const (
	bucketRunning bucketKind = iota
	bucketIRQ
)

// charge lets dt pass on the thread and books it: every span has exactly one
// category and one step in the CPU's account, and one bucket in the task's.
func (h *hw) charge(k Category, dt sim.Time) {
	end := h.now + dt
	if end >= h.mark {
		h.chargeAcross(k, dt)
		return
	}
	h.now = end
	h.post(k, dt)
}

func (h *hw) post(k Category, dt sim.Time) {
	if h.inIRQ {
		k = Interrupt
	} else if h.inSpin && k < Think {
		k = LockSpin
		if h.ctx == h.idle {
			k = Idle
		}
	}
	h.book.Time[h.step][k] += dt
	*h.bucket += dt
}

// chargeAcross books a span that reaches a border of the measured interval.
func (h *hw) chargeAcross(k Category, dt sim.Time) {
	for h.now+dt >= h.mark {
		part := h.mark - h.now
		h.now += part
		h.post(k, part)
		dt -= part
		h.passMark()
	}
	h.now += dt
	h.post(k, dt)
}

// measuring reports whether events at time t count.
func (e *engine) measuring(t sim.Time) bool { return t >= e.warm && t < e.end }

// setBucket chooses the side of the task's account that time goes to.
func (h *hw) setBucket(k bucketKind) {
	h.kind = k
	r := &h.nobody
	if t := h.task(); t != nil && h.measured {
		r = &t.result
	}
	switch k {
	case bucketRunning:
		h.bucket = &r.Running
		if h.ctx.ended {
			h.bucket = &r.Exited
		}
	case bucketIRQ:
		h.bucket = &r.IRQ
	}
}

// task is the task that runs on the CPU, interrupted or not; nil if it idles.
func (h *hw) task() *task {
	if h.inIRQ {
		return h.under.task
	}
	return h.ctx.task
}

// count adds an event at the thread's own time.
func (h *hw) count(m Metric) { h.book.Metrics[m]++ }

func (h *hw) countAt(m Metric, at sim.Time) {
	if h.e.measuring(at) {
		h.acct.Metrics[m]++
	}
}

// Where the time of a miss goes, by where it was served.
func fillCategory(t *coherence.Txn) Category {
	switch t.Source {
	case coherence.SourceRemoteLLC:
		if t.Distance == coherence.OtherSocket {
			return MemRemote
		}
		return CacheSocket
	case coherence.SourceMemory:
		return MemLocal
	case coherence.SourceFarMemory:
		return MemRemote
	case coherence.SourceCore, coherence.SourceInvalidate:
		switch t.Distance {
		case coherence.OtherSocket:
			return CacheRemote
		case coherence.SameSocket:
			return CacheSocket
		}
		return CacheDomain
	}
	return LLC
}

func fillMetric(t *coherence.Txn) Metric {
	switch t.Source {
	case coherence.SourceRemoteLLC:
		return RemoteLLCHits
	case coherence.SourceMemory:
		return MemLocalFills
	case coherence.SourceFarMemory:
		return MemRemoteFills
	case coherence.SourceCore:
		switch t.Distance {
		case coherence.OtherSocket:
			return RemoteFills
		case coherence.SameSocket:
			return SocketFills
		}
		return DomainFills
	}
	if t.Upgrade {
		return Upgrades
	}
	return LLCHits
}

// bounceKey packs a BounceKey: address, step, distance.
func bounceKey(k BounceKey) uint64 {
	return uint64(k.Addr)<<8 | uint64(k.Step)<<2 | uint64(k.Distance)
}

func unpackBounce(v uint64) BounceKey {
	return BounceKey{sim.Addr(v >> 8), sim.Step(v >> 2 & 0x3f), coherence.Distance(v & 3)}
}

// Filled takes a completed request: books it, lets waiting threads and stores
// go on.
func (e *engine) Filled(t *coherence.Txn, at sim.Time) {
	co := e.cores[t.Core]
	e.recordFill(co, t, at)
	cat := fillCategory(t)
	for _, h := range co.hw {
		switch {
		case h.state == missing && h.missLine == t.Line, h.state == starved:
			h.wake(cat, at)
			h.mustFinish = true
			if h.inSpin && h.ctx != h.idle && e.measuring(at) {
				h.acct.SpinWait[t.Distance] += at - t.Started
			}
		}
	}
	for _, h := range co.hw {
		h.drain(at)
	}
	e.runCore(co)
}

func (e *engine) recordFill(co *core, t *coherence.Txn, at sim.Time) {
	if !e.measuring(at) {
		return
	}
	for _, h := range co.hw {
		if h.thread != int(t.Thread) {
			continue
		}
		h.acct.Metrics[fillMetric(t)]++
		if t.Bounced {
			h.acct.Metrics[Bounces]++
			e.bounces[bounceKey(BounceKey{t.Word, t.Step, t.Distance})]++
		}
	}
}

// wake ends a wait at the given time.
func (h *hw) wake(k Category, at sim.Time) {
	if at > h.now {
		h.charge(k, at-h.now)
	}
	h.state = runnable
}
