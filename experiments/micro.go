package experiments

import (
	"context"
	"fmt"
	"math"
	"strings"

	"mmsim/configs"
	"mmsim/configs/schema"
	"mmsim/cores"
	"mmsim/results"
	"mmsim/sim"
	"mmsim/workloads/probes"
)

// closeEnough is how far from a published figure a probe may be, in percent.
const closeEnough = 15

// measure runs the probes through the same plan, runs and records as any
// experiment, and adds what they measured to the report.
func (q *MachineRequest) measure(ctx context.Context, setup *configs.Setup, rep *results.Report) error {
	more, err := probesOfFacts(setup)
	if err != nil {
		return &InputError{err}
	}
	plan, err := NewPlan(setup)
	if err != nil {
		return &InputError{err}
	}
	records, err := plan.Execute(ctx, ExecuteOptions{Workers: q.Workers, Done: q.Done})
	if err != nil {
		return err
	}
	sum, err := results.Summarise(records)
	if err != nil {
		return err
	}
	v := &probeView{hw: plan.Runs[0].Config.Machine, facts: setup.Machine.Facts(), measured: map[string]float64{}}
	if err := v.read(sum); err != nil {
		return err
	}
	if len(v.facts) > 0 {
		rep.Tables = append(rep.Tables, v.published())
		rep.Notes = []string{v.verdict(), confidenceNote}
	}
	rep.Tables = append(rep.Tables, v.others(sum))
	rep.Notes = append(append(rep.Notes, measuredNote), more...)
	return nil
}

const measuredNote = "measured: mean latency of an operation; of a ping-pong (cas-*), half a round trip: published figures are per hand-over."

const confidenceNote = "conf.: A data set, B article or source file, C recalled or derived. Cycles are of a core with no other active core in its socket."

// probesOfFacts makes sure that every fact's probe is run if the machine has
// what it takes, numbered ones included, and says which cannot be.
func probesOfFacts(s *configs.Setup) (notes []string, err error) {
	hw, err := s.Machine.Resolve()
	if err != nil {
		return nil, err
	}
	designs, err := s.Designs()
	if err != nil {
		return nil, err
	}
	planned := map[string]bool{}
	for _, d := range designs {
		planned[d.Name] = true
	}
	list := []any{"all"}
	for _, f := range s.Machine.Facts() {
		p, ok := probes.Find(f.Probe)
		switch {
		case planned[f.Probe]:
		case ok && p.Lacks(hw) != "":
			notes = append(notes, fmt.Sprintf("%s: not measured: %s.", f.Probe, p.Lacks(hw)))
		default:
			planned[f.Probe] = true
			list = append(list, f.Probe)
		}
	}
	if len(list) == 1 {
		return notes, nil
	}
	return notes, s.Set(configs.Assignment{Key: "designs", Value: list, From: schema.Origin{}})
}

// probeView sets measured figures beside published ones.
type probeView struct {
	hw       *cores.Machine
	facts    []configs.Fact
	measured map[string]float64 // ns by probe
}

// read takes the figures from the records: per hand-over for ping-pongs.
func (v *probeView) read(sum *results.Summary) error {
	for _, w := range sum.Rows() {
		p, ok := probes.Find(w.Base)
		if !ok {
			return fmt.Errorf("no probe %s", w.Base)
		}
		v.measured[w.Base] = w.Mean("latency_mean_ns").Mean / float64(p.HandOvers)
	}
	return nil
}

// onePeriod is a cycle of a core that is alone in its socket.
func onePeriod(hw *cores.Machine) sim.Time { return hw.Clock[0].Clock.Period() }

func (v *probeView) deviation(f *configs.Fact) (percent float64, ok bool) {
	ns, ok := v.measured[f.Probe]
	percent = 100 * (ns/f.Value.At(onePeriod(v.hw)).Nanoseconds() - 1)
	return percent, ok && !math.IsNaN(percent)
}

func (v *probeView) published() results.Table {
	t := results.Table{Caption: "published figures, and what the probes measure", Left: 2, Tail: 1, Wrap: 60,
		Header: []string{"probe", "conf.", "published", "in ns", "measured ns", "deviation %", "source"}}
	for i := range v.facts {
		f := &v.facts[i]
		row := []string{f.Probe, f.Confidence, f.Value.String(), inNS(f, v.hw), "-", "-", f.Source}
		if d, ok := v.deviation(f); ok {
			row[4], row[5] = fmt.Sprintf("%.2f", v.measured[f.Probe]), signed(d)
		}
		t.Rows = append(t.Rows, row)
	}
	return t
}

// publishedTable is the same without measurements.
func publishedTable(m *configs.Machine, hw *cores.Machine) results.Table {
	t := results.Table{Caption: "published figures; --micro measures them", Left: 2, Tail: 1, Wrap: 60,
		Header: []string{"probe", "conf.", "published", "in ns", "source"}}
	for _, f := range m.Facts() {
		t.Rows = append(t.Rows, []string{f.Probe, f.Confidence, f.Value.String(), inNS(&f, hw), f.Source})
	}
	return t
}

func inNS(f *configs.Fact, hw *cores.Machine) string {
	return fmt.Sprintf("%.2f", f.Value.At(onePeriod(hw)).Nanoseconds())
}

// signed writes a percentage; what rounds to nothing has no sign.
func signed(percent float64) string {
	if math.Abs(percent) < 0.05 {
		return "0.0"
	}
	return fmt.Sprintf("%+.1f", percent)
}

// others lists the probes without a published figure.
func (v *probeView) others(sum *results.Summary) results.Table {
	t := results.Table{Caption: "other probes", Left: 1, Tail: 1, Wrap: 70, Header: []string{"probe", "measured ns", "cycles", "what it is"}}
	known := map[string]bool{}
	for i := range v.facts {
		known[v.facts[i].Probe] = true
	}
	for _, w := range sum.Rows() {
		p, _ := probes.Find(w.Base)
		if known[p.ID] {
			continue
		}
		ns, cycles := "-", "-"
		if m := v.measured[p.ID]; !math.IsNaN(m) {
			ns, cycles = fmt.Sprintf("%.2f", m), fmt.Sprintf("%.1f", m/onePeriod(v.hw).Nanoseconds())
		}
		t.Rows = append(t.Rows, []string{p.ID, ns, cycles, p.Doc})
	}
	return t
}

// verdict counts the published figures that are reproduced.
func (v *probeView) verdict() string {
	var far []string
	measured := 0
	for i := range v.facts {
		f := &v.facts[i]
		d, ok := v.deviation(f)
		if !ok {
			continue
		}
		measured++
		if math.Abs(d) > closeEnough {
			far = append(far, fmt.Sprintf("%s (%s%%)", f.Probe, signed(d)))
		}
	}
	s := fmt.Sprintf("%d of %d published figures are reproduced within %d%%", measured-len(far), measured, closeEnough)
	if len(far) > 0 {
		s += "; not " + strings.Join(far, ", ")
	}
	return s + "."
}
