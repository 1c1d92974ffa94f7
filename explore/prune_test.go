package explore

import (
	"fmt"
	"strings"
	"testing"

	"mmsim/sim"
)

// irqProgram is a random program of a few operations a thread: accesses,
// sections with interrupts off, interrupts for other CPUs, readers and grace
// periods.
type irqProgram struct{ words [][]string }

func randomIRQProgram(r *rng, cpus int) *irqProgram {
	p := &irqProgram{}
	kinds := []string{"R x", "R y", "W x", "W y", "A x", "ipi", "off", "on", "rl", "ru", "gp", "R x", "W y"}
	for cpu := range cpus {
		var words []string
		off, reader := false, false
		for range 3 + r.below(3) {
			w := kinds[r.below(uint64(len(kinds)))]
			switch {
			case w == "off" && off, w == "on" && !off, w == "rl" && reader, w == "ru" && !reader, w == "gp" && (reader || off):
				continue
			case w == "off", w == "on":
				off = !off
			case w == "rl", w == "ru":
				reader = !reader
			case w == "ipi":
				w = fmt.Sprint("ipi", (uint64(cpu)+1+r.below(uint64(cpus-1)))%uint64(cpus))
			}
			words = append(words, w)
		}
		if reader {
			words = append(words, "ru")
		}
		if off {
			words = append(words, "on")
		}
		p.words = append(p.words, words)
	}
	return p
}

func (p *irqProgram) program() *Program {
	var log []string
	body := func(cpu int) func(c *sim.CPU) {
		return func(c *sim.CPU) {
			see := func(at int, v uint64) { log[at] += fmt.Sprint(" ", v) }
			for i, w := range p.words[cpu] {
				v := uint64(10*cpu + i + 1)
				switch {
				case w == "off":
					c.IRQDisable()
				case w == "on":
					c.IRQEnable()
				case w == "rl":
					ReadLock(c, 0)
				case w == "ru":
					ReadUnlock(c, 0)
				case w == "gp":
					Synchronize(c, 0)
				case strings.HasPrefix(w, "ipi"):
					to := int(w[3] - '0')
					c.SendIPI(to, func(c *sim.CPU) {
						see(len(p.words)+cpu, c.Load(variable(vy))) // its own log: logs are no memory
						c.Store(variable(vx), 100+v)
					})
				case w[0] == 'R':
					see(cpu, c.Load(variable(int(w[2]-'x'))))
				case w[0] == 'W':
					c.Store(variable(int(w[2]-'x')), v)
				default:
					see(cpu, c.FetchAdd(variable(vx), v, sim.Full))
				}
			}
		}
	}
	var bodies []func(c *sim.CPU)
	for cpu := range p.words {
		bodies = append(bodies, body(cpu))
	}
	q := threads(bodies...)
	q.Reset = func() { log = make([]string, 2*len(p.words)) }
	q.Final = func(v View) (string, error) {
		x, y := variable(vx), variable(vy)
		return fmt.Sprint(strings.Join(log, ";"), " x", v.Read(x.A, x.Size), " y", v.Read(y.A, y.Size)), nil
	}
	return q
}

// What pruning leaves out changes no outcome within the bound.
func TestPruningChangesNothing(t *testing.T) {
	more := 0
	for seed := range uint64(100) {
		r := rng{seed*7919 + 5}
		p := randomIRQProgram(&r, 2+int(seed%3)/2)
		for _, m := range []Model{SC, ARM64, LKMM} {
			var runs [2]*run
			for i, whole := range []bool{false, true} {
				runs[i] = newRun(p.program(), Options{Model: m, Bound: 2})
				runs[i].m.usesCPU, runs[i].whole = true, whole
				runs[i].learn()
				runs[i].search()
				runs[i].m.close()
			}
			a, b := states(&runs[0].sum), states(&runs[1].sum)
			if a != b || !runs[0].sum.Exhausted || !runs[1].sum.Exhausted {
				t.Errorf("seed %d, %v: %v\npruned\n%s\nwhole\n%s", seed, m, p.words, a, b)
			}
			more += runs[1].sum.Executions - runs[0].sum.Executions
		}
	}
	if more < 10_000 {
		t.Errorf("pruning saves %d executions", more)
	}
}
