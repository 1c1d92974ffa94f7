package experiments

import (
	"context"

	"mmsim/cores"
	"mmsim/results"
	"mmsim/sim"
	"mmsim/workloads"
)

// simulate runs one run and makes its record.
func simulate(ctx context.Context, r *Run) (*results.Record, error) {
	c := r.Config
	prog, err := workloads.Build(c.Spec, c.Machine, c.Design, r.Identity.Seed)
	if err != nil {
		return nil, err
	}
	threads := append([]cores.Thread(nil), prog.Threads...)
	res, err := cores.Run(c.Machine, prog, cores.Options{Seed: r.Identity.Seed, Warmup: c.Warmup, Duration: c.Duration, Context: ctx,
		TaskStall: taskStall(r)})
	if err != nil {
		return nil, err
	}
	return results.Measure(&results.Source{Identity: r.Identity, Machine: c.Machine, Groups: groupsOf(r, threads),
		Threads: threads, Kernel: !placesThreads(c.Spec.Groups[0].Path), Result: res})
}

// taskStall is how long one operation may last: zero stands for the executor's
// limit. In benchmarks of locks a thread that starves to the end is a result.
func taskStall(r *Run) sim.Time {
	if p, err := workloads.LookupPath(r.Config.Spec.Groups[0].Path); err != nil || p.HasProcess() || p.PlacesThreads {
		return 0
	}
	return r.Config.Warmup + r.Config.Duration + 1
}

// groupsOf describes the groups of a program: those of the experiment, and the
// helpers that a path adds.
func groupsOf(r *Run, threads []cores.Thread) []results.GroupInfo {
	spec := &r.Config.Spec
	var out []results.GroupInfo
	for i := range spec.Groups {
		out = append(out, results.GroupInfo{Name: spec.Groups[i].Name, Path: spec.Groups[i].Path, Load: r.Config.Loads[i]})
	}
	for i := range threads {
		if g := threads[i].Group; g == spec.HelperGroup() && g == len(out) {
			out = append(out, results.GroupInfo{Name: "helpers", Path: threads[i].Path, Load: "by probe"})
		}
		out[threads[i].Group].Threads++
	}
	return out
}

func placesThreads(path string) bool {
	p, err := workloads.LookupPath(path)
	return err == nil && p.PlacesThreads
}
