package workloads

import (
	"fmt"
	"reflect"
	"strings"
	"testing"

	"mmsim/cores"
	"mmsim/sim"
	"mmsim/sim/simtest"
)

var designNames = []string{"mmap-lock", "vma-rwsem", "mm-seqcount", "vma-seqcount"}

func testParams() Params {
	return Params{Layout: "mm-6.5", Tick: sim.Millisecond,
		MM:     MMParams{VMAs: 40, MmapPages: 4, TouchedPages: 1},
		Uprobe: UprobeParams{Probes: 1, Handler: 30}}
}

func hitters(n int) Group {
	g := Group{Name: "hitters", Path: "uprobe-hit"}
	for cpu := range n {
		g.CPUs = append(g.CPUs, cpu)
	}
	return g
}

// writer is one thread on CPU 7 that maps and unmaps once per interval.
func writer(interval sim.Time) Group {
	return Group{Name: "writer", Path: "mmap-munmap", CPUs: []int{7}, Interval: interval, Target: OwnVMA}
}

func mustBuild(t *testing.T, spec Spec, design string) *cores.Program {
	t.Helper()
	p, err := Build(spec, testMachine(), design, 1)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustRun(t *testing.T, p *cores.Program) *cores.Result {
	t.Helper()
	return runFor(t, p, 100*sim.Microsecond)
}

func runFor(t *testing.T, p *cores.Program, duration sim.Time) *cores.Result {
	t.Helper()
	r, err := cores.Run(testMachine(), p, cores.Options{Seed: 1, Warmup: 20 * sim.Microsecond, Duration: duration})
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func counted(r *cores.Result, counter string) (n int64) {
	for i := range r.CPUs {
		n += r.CPUs[i].Events[sim.NewCounter(counter)]
	}
	return n
}

// bouncesOn is the number of bounces of a field ("mm_struct.flags"), or of all
// fields for "".
func bouncesOn(r *cores.Result, field string) (n int64) {
	for _, b := range r.Bounces {
		if field == "" || strings.HasPrefix(r.Syms.Lookup(b.Addr).String(), field) {
			n += b.Count
		}
	}
	return n
}

func TestOneThreadAloneDoesNotBounce(t *testing.T) {
	for _, design := range designNames {
		for _, g := range []Group{hitters(1), writer(0)} {
			r := mustRun(t, mustBuild(t, Spec{Groups: []Group{g}, Params: testParams()}, design))
			if n := bouncesOn(r, ""); n != 0 || r.Latency[0].TotalCount() < 10 {
				t.Errorf("%s, %s: %d bounces in %d operations", design, g.Path, n, r.Latency[0].TotalCount())
			}
		}
	}
}

// A hit that takes mmap_lock moves count and owner; a speculative one moves
// nothing while nobody changes the address space.
func TestBouncesOfConcurrentHits(t *testing.T) {
	for _, design := range designNames {
		r := mustRun(t, mustBuild(t, Spec{Groups: []Group{hitters(4)}, Params: testParams()}, design))
		hits, all := r.Latency[0].TotalCount(), bouncesOn(r, "")
		switch design {
		case "mmap-lock":
			if on := bouncesOn(r, "mm_struct.mmap_lock"); on != all || on < 2*hits {
				t.Errorf("mmap-lock: %d bounces, %d of them on mmap_lock, in %d hits", all, on, hits)
			}
		case "vma-rwsem":
			if on := bouncesOn(r, "vma_lock"); on != all || on < hits {
				t.Errorf("vma-rwsem: %d bounces, %d of them on the VMA's lock, in %d hits", all, on, hits)
			}
		default:
			if all != 0 {
				t.Errorf("%s: %d bounces in %d hits without a writer", design, all, hits)
			}
		}
	}
}

// Any writer of the process fails mm-wide speculation, the more often the
// faster it is; a per-VMA stamp is not touched by writers of other VMAs.
func TestFallbacksFollowTheWriter(t *testing.T) {
	for _, design := range []string{"mm-seqcount", "vma-seqcount"} {
		last := int64(-1)
		for _, interval := range []sim.Time{0, 200 * sim.Microsecond, 60 * sim.Microsecond, 20 * sim.Microsecond} {
			spec := Spec{Groups: []Group{hitters(3)}, Params: testParams()}
			if interval > 0 {
				spec.Groups = append(spec.Groups, writer(interval))
			}
			r := runFor(t, mustBuild(t, spec, design), 600*sim.Microsecond)
			permille := 1000 * counted(r, "fallbacks") / counted(r, "speculation_attempts")
			switch {
			case design == "vma-seqcount" && permille != 0:
				t.Errorf("vma-seqcount: %d of 1000 lookups fall back with a writer every %v", permille, interval)
			case design == "mm-seqcount" && interval == 0 && permille != 0:
				t.Errorf("mm-seqcount: %d of 1000 lookups fall back without a writer", permille)
			case design == "mm-seqcount" && permille <= last:
				t.Errorf("mm-seqcount: %d of 1000 lookups fall back with a writer every %v, not above %d with a slower one", permille, interval, last)
			}
			last = permille
		}
	}
}

// mm_struct.flags, which hits only read, bounces when it is moved into the
// line of mmap_lock.count, and not where it is.
func TestFalseSharingByLayoutOverride(t *testing.T) {
	spec := Spec{Groups: []Group{hitters(4)}, Params: testParams()}
	apart := mustRun(t, mustBuild(t, spec, "mmap-lock"))
	spec.Params.Overrides = []FieldOffset{{"mm_struct", "flags", 144}}
	shared := mustRun(t, mustBuild(t, spec, "mmap-lock"))
	if n := bouncesOn(apart, "mm_struct.flags"); n != 0 {
		t.Errorf("flags in a line of their own: %d bounces", n)
	}
	if n, hits := bouncesOn(shared, "mm_struct.flags"), shared.Latency[0].TotalCount(); n < hits/2 {
		t.Errorf("flags beside mmap_lock.count: %d bounces in %d hits", n, hits)
	}
	if apart.Latency[0].Mean() >= shared.Latency[0].Mean() {
		t.Errorf("false sharing costs nothing: %.0f ps a hit with it, %.0f without", shared.Latency[0].Mean(), apart.Latency[0].Mean())
	}
}

func TestTargetsOfHits(t *testing.T) {
	params := testParams()
	params.Uprobe.Probes = 8
	for d := OneVMA; d < numDistributions; d++ {
		g := hitters(4)
		g.Target, g.ZipfMilli = d, 990
		r := mustRun(t, mustBuild(t, Spec{Groups: []Group{g}, Params: params}, "vma-rwsem"))
		locks := map[sim.Addr]bool{}
		for _, b := range r.Bounces {
			if y := r.Syms.Lookup(b.Addr); y.Object == "vma_lock" {
				locks[y.Base] = true
			}
		}
		// Under own-vma locks bounce too: neighbours share lines.
		if d == OneVMA && len(locks) != 1 || d > OwnVMA && len(locks) < 4 {
			t.Errorf("%v: locks of %d VMAs bounce", d, len(locks))
		}
	}
}

// The initial state can be restored: a copy of the program runs as the program
// does, and so does one built again.
func TestProgramsAreReproducible(t *testing.T) {
	writers := Group{Name: "writers", Path: "mmap-munmap", CPUs: []int{6, 7}, Think: 10 * sim.Microsecond}
	spec := Spec{Groups: []Group{hitters(3), writers}, Params: testParams()}
	spec.Params.Tick = 50 * sim.Microsecond
	for _, design := range designNames {
		p := mustBuild(t, spec, design)
		again := Clone(p)
		want := mustRun(t, p)
		for what, r := range map[string]*cores.Result{"copy": mustRun(t, again), "rebuilt": mustRun(t, mustBuild(t, spec, design))} {
			if !reflect.DeepEqual(want.CPUs, r.CPUs) || !reflect.DeepEqual(want.Bounces, r.Bounces) || !reflect.DeepEqual(want.Tasks, r.Tasks) {
				t.Errorf("%s, %s: the run differs", design, what)
			}
		}
	}
}

// Under random schedules every hit finds its uprobe (a path's fault panics)
// while writers come and go, and RCU frees what they leave.
func TestPathsUnderRandomSchedules(t *testing.T) {
	params := testParams()
	params.Tick = 5 * sim.Microsecond
	params.Uprobe.Probes = 3
	hit := hitters(2)
	hit.Target = Uniform
	write := Group{Name: "writers", Path: "mmap-munmap", CPUs: []int{5, 6, 7}, Target: OneVMA}
	for _, design := range designNames {
		for seed := range uint64(4) {
			write.Target = Distribution(seed % uint64(numDistributions))
			p := mustBuild(t, Spec{Groups: []Group{hit, write}, Params: params}, design)
			ops := [2]int{}
			m := simtest.New(p.Mem, simtest.Options{Seed: seed, MaxOps: 60_000, Trace: func(o simtest.Op) {
				if o.Kind == "op-end" {
					ops[p.Threads[o.Task].Group]++
				}
			}})
			for _, th := range p.Threads {
				m.Go(th.Name, th.CPU, th.Body)
			}
			m.Kernel(p.Hooks)
			if err := m.Run(); !strings.Contains(err.Error(), "no end after") {
				t.Fatalf("%s: %v", design, err)
			}
			if ops[0] < 50 || ops[1] < 2 {
				t.Errorf("%s, seed %d: %d hits and %d mmap-munmaps", design, seed, ops[0], ops[1])
			}
		}
	}
}

func TestImpossibleParameters(t *testing.T) {
	for _, c := range []struct {
		want   string
		change func(s *Spec)
	}{
		{"tick: must be longer than 0", func(s *Spec) { s.Params.Tick = 0 }},
		{"touched pages: 5 of 4", func(s *Spec) { s.Params.MM.TouchedPages = 5 }},
		{"mmap pages: at least 1, not 0", func(s *Spec) { s.Params.MM.MmapPages = 0 }},
		{"group hitters: target own-vma: 3 threads, but only 1 of the probed text VMAs", func(s *Spec) { s.Groups[0].Target = OwnVMA }},
	} {
		spec := Spec{Groups: []Group{hitters(3), writer(0)}, Params: testParams()}
		c.change(&spec)
		if _, err := Build(spec, testMachine(), "mmap-lock", 1); err == nil || err.Error() != c.want {
			t.Errorf("%v, want %s", err, c.want)
		}
	}
	for _, change := range []func(p *Params){
		func(p *Params) { p.Layout = "mm-5.0" },
		func(p *Params) { p.Overrides = []FieldOffset{{"mm_struct", "no_such_field", 0}} },
		func(p *Params) { p.Overrides = []FieldOffset{{"mm_struct", "flags", 3}} },
		func(p *Params) { p.Uprobe.Probes = 0 },
		func(p *Params) { p.Uprobe.Probes = 41 },
	} {
		spec := Spec{Groups: []Group{hitters(3)}, Params: testParams()}
		change(&spec.Params)
		if _, err := Build(spec, testMachine(), "mmap-lock", 1); err == nil {
			t.Errorf("%+v: accepted", spec.Params)
		}
	}
}

// Places of different targets never overlap, whatever the size.
func TestPlacesAreApart(t *testing.T) {
	for _, pages := range []uint64{1, 4, 511, 512, 513, 1 << 18} {
		if step := placeStep(pages * sim.PageBytes); step < pages*sim.PageBytes || step < leastPlaceStep || step > 2*max(pages*sim.PageBytes, leastPlaceStep) {
			t.Errorf("%d pages: places %#x apart", pages, step)
		}
	}
}

func ExampleBuild() {
	spec := Spec{Params: testParams(), Groups: []Group{{Name: "hitters", Path: "uprobe-hit", CPUs: []int{0, 1}}}}
	p, err := Build(spec, testMachine(), "mm-seqcount", 1)
	if err != nil {
		fmt.Println(err)
		return
	}
	for _, th := range p.Threads {
		fmt.Println(th.Name, "on CPU", th.CPU)
	}
	// Output:
	// hitters[0] on CPU 0
	// hitters[1] on CPU 1
}
