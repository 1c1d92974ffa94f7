package explore

// sampler draws schedules at random: uniformly, or by priorities with a few
// changes (Burckhardt et al., "A randomized scheduler with probabilistic
// guarantees of finding bugs", ASPLOS 2010).
type sampler struct {
	pct     bool
	seed    uint64
	changes int // of priority, in one execution
	run     uint64
	rng     rng
	length  int // most choice points seen in one execution
	step    int
	prio    []uint64 // by context; higher runs first
	at      []int    // choice points at which the running context falls behind
	list    []option
}

func (s *sampler) begin() {
	s.run++
	s.rng = rng{s.seed*0x9e3779b97f4a7c15 ^ s.run<<20}
	s.length = max(s.length, s.step, 16)
	s.step, s.prio, s.at = 0, s.prio[:0], s.at[:0]
	for range s.changes {
		s.at = append(s.at, int(s.rng.below(uint64(s.length))))
	}
}

// more implements strategy: there is always one more sample.
func (s *sampler) more(*machine) bool { return true }

// free implements driver.
func (s *sampler) free(*context) bool { return false }

// choose implements driver.
func (s *sampler) choose(*machine, *context) int { return 0 }

// next implements driver.
func (s *sampler) next(m *machine) *context {
	s.list = m.options(s.list, true)
	if m.finished() || len(s.list) == 0 {
		m.over()
		return nil
	}
	s.step++
	k := 0
	if s.pct {
		k = s.highest(m)
	} else if s.rng.below(2) == 0 {
		k = int(s.rng.below(uint64(len(s.list))))
	}
	x := m.follow(s.list[k])
	if !x.live {
		return x
	}
	x.pick = cand{w: none}
	if m.fill(x, true); len(x.cands) > 0 {
		x.pick = x.cands[s.value(len(x.cands))]
	}
	return x
}

// value is the newest way three times out of four.
func (s *sampler) value(n int) int {
	if n == 1 || s.rng.below(4) != 0 {
		return 0
	}
	return 1 + int(s.rng.below(uint64(n-1)))
}

// highest is the option of the highest priority. An interrupt arrives with a
// chance of one in eight.
func (s *sampler) highest(m *machine) int {
	for i, c := range s.at {
		if c == s.step && m.cur != nil {
			s.demote(m.cur, uint64(i))
		}
	}
	best, top := -1, uint64(0)
	for i, o := range s.list {
		if o.kind != segRun {
			if s.rng.below(8) == 0 || best < 0 {
				return i
			}
			continue
		}
		if o.x.yielded {
			s.demote(o.x, uint64(len(s.at)))
		}
		if p := s.priority(o.x); best < 0 || p > top {
			best, top = i, p
		}
	}
	return best
}

func (s *sampler) priority(x *context) uint64 {
	for len(s.prio) <= x.id {
		s.prio = append(s.prio, 1<<32+s.rng.below(1<<31))
	}
	return s.prio[x.id]
}

func (s *sampler) demote(x *context, to uint64) {
	s.priority(x)
	s.prio[x.id] = to
}
