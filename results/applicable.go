package results

import (
	"mmsim/coherence"
	"mmsim/cores"
)

// Kernel events that only mean something when a path tries to do without a
// lock: they count what became of the attempts.
const (
	eventAttempts  = "speculation_attempts"
	eventFallbacks = "fallbacks"
	eventRetries   = "retries"
	eventWasted    = "failed_attempts_ps"
)

// Write sections of mmap_lock, and VMAs write-locked in them.
const (
	eventMMWrites  = "mmap_write_locks"
	eventVMAWrites = "vma_write_locks"
)

// Files whose memory was an earlier file's, and inodes that speculation took from
// the wrong one.
const (
	eventFileReuses = "file_reuses"
	eventGarbage    = "garbage_reads"
)

// keepApplicable drops what cannot happen in this run, so that it reads as
// "not applicable" and never as a measured zero: distances and levels that the
// machine does not have, kernel events of paths that run no kernel code.
func (g *Group) keepApplicable(s *Source) {
	m := s.Machine
	for k := range int(cores.NumMetrics) {
		if name := cores.Metric(k).String(); g.Metrics[name] == 0 && !metricApplies(m, cores.Metric(k)) {
			delete(g.Metrics, name)
		}
	}
	for d := range coherence.NumDistances {
		if name := d.String(); g.SpinWait[name] == 0 && !distanceApplies(&m.Mem, d) {
			delete(g.SpinWait, name)
		}
	}
	for k := range int(cores.NumCategories) {
		name := cores.Category(k).String()
		if _, ok := g.CPUTime[name]; !ok && categoryApplies(m, cores.Category(k)) {
			g.CPUTime[name], g.Cycles[name] = 0, 0
		}
	}
	g.keepEvents(s.Kernel)
}

func (g *Group) keepEvents(kernel bool) {
	speculates := g.Events[eventAttempts] > 0
	for _, name := range sortedKeys(g.Events) {
		applies := kernel
		switch name {
		case eventAttempts, eventFallbacks, eventRetries, eventWasted:
			applies = speculates
		}
		if g.Events[name] == 0 && !applies {
			delete(g.Events, name)
		}
	}
}

// distanceApplies reports whether lines move that far on the machine: SMT
// siblings share their caches, so none moves inside a core.
func distanceApplies(p *coherence.Params, d coherence.Distance) bool {
	t := &p.Topology
	clustered := p.Domain == coherence.ScopeCluster && t.ClustersPerSocket > 1
	switch d {
	case coherence.SameCore:
		return false
	case coherence.SameDomain:
		return t.CoresPerCluster > 1 || p.Domain == coherence.ScopeSocket && t.ClustersPerSocket > 1
	case coherence.SameSocket:
		return clustered
	}
	return t.Sockets > 1
}

func metricApplies(m *cores.Machine, k cores.Metric) bool {
	switch k {
	case cores.LLCHits:
		return m.Mem.LLC.Bytes > 0
	case cores.RemoteLLCHits:
		return m.Mem.LLC.Bytes > 0 && (distanceApplies(&m.Mem, coherence.OtherSocket) || distanceApplies(&m.Mem, coherence.SameSocket))
	case cores.MemRemoteFills, cores.RemoteFills:
		return distanceApplies(&m.Mem, coherence.OtherSocket)
	case cores.SocketFills:
		return distanceApplies(&m.Mem, coherence.SameSocket)
	case cores.DomainFills:
		return distanceApplies(&m.Mem, coherence.SameDomain)
	case cores.FarAtomics:
		return m.Atomics != cores.Near
	}
	return true
}

func categoryApplies(m *cores.Machine, k cores.Category) bool {
	switch k {
	case cores.LLC:
		return m.Mem.LLC.Bytes > 0
	case cores.MemRemote, cores.CacheRemote:
		return distanceApplies(&m.Mem, coherence.OtherSocket)
	case cores.CacheSocket:
		return distanceApplies(&m.Mem, coherence.SameSocket)
	case cores.CacheDomain:
		return distanceApplies(&m.Mem, coherence.SameDomain)
	}
	return true
}
