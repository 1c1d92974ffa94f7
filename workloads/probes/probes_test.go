package probes

import (
	"reflect"
	"strings"
	"testing"

	"mmsim/coherence"
	"mmsim/cores"
	"mmsim/sim"
	"mmsim/workloads/micro"
)

func build(t *testing.T, m *cores.Machine, id string) *cores.Program {
	t.Helper()
	p, ok := Find(id)
	if !ok {
		t.Fatalf("no probe %s", id)
	}
	prog, err := p.Build(m, 1)
	if err != nil {
		t.Fatal(err)
	}
	return prog
}

func runProgram(t *testing.T, m *cores.Machine, prog *cores.Program) *cores.Result {
	t.Helper()
	r, err := cores.Run(m, prog, cores.Options{Seed: 1, Warmup: 2 * sim.Microsecond, Duration: 30 * sim.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func run(t *testing.T, m *cores.Machine, id string) *cores.Result {
	t.Helper()
	return runProgram(t, m, build(t, m, id))
}

func ops(r *cores.Result) int64 { return r.Latency[MeasuredGroup].TotalCount() }

func mean(r *cores.Result) float64 { return r.Latency[MeasuredGroup].Mean() }

// machines are all homes of lines on all test machines.
func machines() []*cores.Machine {
	out := []*cores.Machine{clustered(), noLLC()}
	for _, base := range []func() *cores.Machine{server, clusteredSockets} {
		for h := coherence.HomeHash; h <= coherence.HomeFirstTouch; h++ {
			m := base()
			m.Mem.Home = h
			m.Name += [...]string{"/hash", "/interleave", "/first-touch"}[h]
			out = append(out, m)
		}
	}
	return out
}

// mostlyIn reports whether the measured CPU spent its time in step "probe" in
// one category: all but what the operation takes that the end of the run cuts.
func mostlyIn(r *cores.Result, want cores.Category) bool {
	var all sim.Time
	in := &r.CPUs[0].Time[sim.NewStep("probe")]
	for _, v := range in {
		all += v
	}
	return in[want] > 0 && all-in[want] <= sim.Time(mean(r))*sim.Picosecond
}

func TestEveryProbeOfEveryMachineMeasuresSomething(t *testing.T) {
	for _, m := range machines() {
		for _, p := range On(m) {
			if r := run(t, m, p.ID); ops(r) < 10 {
				t.Errorf("%s %s: %d operations", m.Name, p.ID, ops(r))
			}
		}
	}
}

// Each load probe is answered by the level that it is named after, whatever
// decides the homes of lines. This also holds lines.go to what package
// coherence does.
func TestLoadsAreServedByTheirLevel(t *testing.T) {
	levels := map[string]cores.Category{"l1-load": cores.L1, "l2-load": cores.L2, "llc-load": cores.LLC,
		"dram-local": cores.MemLocal, "dram-remote": cores.MemRemote}
	for _, m := range machines() {
		for _, p := range loadProbes() {
			if p.Lacks(m) != "" {
				continue
			}
			if r := run(t, m, p.ID); !mostlyIn(r, levels[p.ID]) {
				t.Errorf("%s %s: time is not in %v alone", m.Name, p.ID, levels[p.ID])
			}
		}
	}
}

func TestLoadsOfLinesHeldElsewhereComeFromThere(t *testing.T) {
	from := [...]cores.Category{Domain: cores.CacheDomain, Socket: cores.CacheSocket, Remote: cores.CacheRemote}
	for _, m := range machines() {
		for d := Domain; d <= Remote; d++ {
			for _, s := range []micro.LineState{micro.Modified, micro.Exclusive, micro.Owned} {
				id := "load-" + s.String() + "-" + d.String()
				if p, _ := Find(id); p.Lacks(m) != "" {
					continue
				}
				if r := run(t, m, id); !mostlyIn(r, from[d]) {
					t.Errorf("%s %s: time is not in %v alone", m.Name, id, from[d])
				}
			}
		}
	}
}

// A shared line is as near as its nearest copy: the LLC of the helpers' domain.
func TestSharedLinesAreServedByTheHelpersDomain(t *testing.T) {
	m := server()
	if !mostlyIn(run(t, m, "load-s-domain"), cores.LLC) {
		t.Error("load-s-domain: time is not in the LLC alone")
	}
	if near, far := mean(run(t, m, "load-s-domain")), mean(run(t, m, "load-s-remote")); far < 2*near {
		t.Errorf("shared line: %.0f ps in the domain, %.0f ps in the other socket", near, far)
	}
}

// machines.md 0.3: a blind hand-over is one transfer, a hand-over after a read
// is two. A round has two hand-overs.
func TestBouncesPerRound(t *testing.T) {
	for _, m := range machines() {
		for _, p := range casProbes() {
			if p.Lacks(m) != "" || strings.HasSuffix(p.ID, "-smt") {
				continue
			}
			want := int64(2)
			if strings.HasPrefix(p.ID, "cas-read") {
				want = 4
			}
			r := run(t, m, p.ID)
			bounces := r.CPUs[0].Metrics[cores.Bounces] + r.CPUs[1].Metrics[cores.Bounces]
			if d := bounces - want*ops(r); d < -want || d > want {
				t.Errorf("%s %s: %d bounces in %d rounds, want %d a round", m.Name, p.ID, bounces, ops(r), want)
			}
		}
	}
}

func TestSiblingsAndLoneCoresDoNotBounce(t *testing.T) {
	m := server()
	ids := []string{"cas-blind-smt", "cas-read-smt", "fetch-add-1", "fence-k-4", "l2-load", "chase-256KiB", "chase-1MiB"}
	for _, p := range aloneProbes() {
		ids = append(ids, p.ID)
	}
	for _, id := range ids {
		if r := run(t, m, id); len(r.Bounces) != 0 {
			t.Errorf("%s: bounces %v", id, r.Bounces)
		}
	}
}

// A fence waits for the slowest of the stores before it, which miss side by
// side, not for one after the other (machines.md section 2, isolated bursts).
func TestFenceWaitsForOverlappingStores(t *testing.T) {
	for _, m := range machines() {
		memory := mean(run(t, m, "dram-local"))
		last := mean(run(t, m, "fence-k-0"))
		for _, k := range []struct {
			id string
			n  float64
		}{{"fence-k-1", 1}, {"fence-k-4", 4}, {"fence-k-16", 16}} {
			got := mean(run(t, m, k.id))
			if got <= last {
				t.Errorf("%s %s: %.0f ps, not above %.0f ps with fewer stores", m.Name, k.id, got, last)
			}
			if got < 0.9*memory || k.n > 1 && got > 0.6*k.n*memory {
				t.Errorf("%s %s: %.0f ps where one load from memory takes %.0f ps", m.Name, k.id, got, memory)
			}
			last = got
		}
	}
}

func TestEveryIncrementCounts(t *testing.T) {
	m := server()
	prog := build(t, m, "fetch-add-40")
	r, err := cores.Run(m, prog, cores.Options{Seed: 1, Duration: 30 * sim.Microsecond})
	if err != nil {
		t.Fatal(err)
	}
	a := wordBase
	for !homedAt(&m.Mem, a, 0) {
		a += sim.PageBytes
	}
	counter := prog.Mem.Read(a, 8)
	if n := uint64(ops(r)); counter < n || counter > n+40 {
		t.Errorf("the counter is %d after %d operations of 40 CPUs", counter, n)
	}
}

func TestProgramsRunAgainOnACopy(t *testing.T) {
	m := clusteredSockets()
	for _, id := range []string{"l2-load", "cas-read-socket", "load-s-remote", "fetch-add-8"} {
		prog := build(t, m, id)
		again := *prog
		again.Mem, again.Syms = prog.Mem.Clone(), prog.Syms.Clone()
		first, second := runProgram(t, m, prog), runProgram(t, m, &again)
		if !reflect.DeepEqual(first.CPUs, second.CPUs) || !reflect.DeepEqual(first.Bounces, second.Bounces) {
			t.Errorf("%s: two runs differ", id)
		}
	}
}

func TestProbeNames(t *testing.T) {
	for _, id := range []string{"fetch-add-1", "fetch-add-1024", "fence-k-0", "fence-k-256", "chase-64KiB", "chase-4MiB", "load-o-domain"} {
		if p, ok := Find(id); !ok || p.ID != id {
			t.Errorf("%s: not found", id)
		}
	}
	for _, id := range []string{"", "fetch-add", "fetch-add-0", "fetch-add-01", "fetch-add-4KiB", "fence-k-257", "fence-k--1",
		"chase-64", "chase-0KiB", "chase-2048MiB", "chase-9999999MiB", "load-m-smt", "l1-loads"} {
		if _, ok := Find(id); ok {
			t.Errorf("%q: found", id)
		}
	}
	seen := map[string]bool{}
	for _, p := range append(All(), On(server())...) {
		if q, ok := Find(p.ID); !ok || q.Doc != p.Doc || p.Doc == "" || p.HandOvers < 1 {
			t.Errorf("%s: found as %+v", p.ID, q)
		}
		seen[p.ID] = true
	}
	if len(seen) < 40 {
		t.Errorf("%d different probes", len(seen))
	}
}

func TestWhatAMachineLacks(t *testing.T) {
	for _, c := range []struct {
		m         *cores.Machine
		id, lacks string
	}{
		{server(), "cas-blind-socket", "one LLC domain per socket"},
		{clustered(), "cas-read-smt", "one thread per core"},
		{clustered(), "dram-remote", "one socket"},
		{clustered(), "load-f-domain", "its protocol has no such state"},
		{noLLC(), "llc-load", "no LLC"},
		{noLLC(), "fetch-add-5", "4 CPUs"},
	} {
		p, _ := Find(c.id)
		want := "probe " + c.id + " does not apply to machine " + c.m.Name + ": " + c.lacks
		if _, err := p.Build(c.m, 1); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
		for _, on := range On(c.m) {
			if on.ID == c.id {
				t.Errorf("%s is offered on %s", c.id, c.m.Name)
			}
		}
	}
}
