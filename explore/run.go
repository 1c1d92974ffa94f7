package explore

import (
	"errors"
	"strings"

	"mmsim/sim"
)

// Run searches the executions of p.
func Run(p *Program, o Options) (*Summary, error) { return nil, errors.New("explore: no search yet") }

// Replay runs exactly the execution that a token names and returns what it
// broke; the violation's Invariant is empty if nothing was.
func Replay(p *Program, token string) (*Violation, error) {
	return nil, errors.New("explore: no replay yet")
}

// Trace is one execution as rows of columns, one column a CPU.
type Trace struct {
	Columns []string
	Rows    []Row
}

// Row is one operation.
type Row struct {
	Column int
	Text   string
	Note   string // "stale: ..." and what made it possible
}

// String renders the columns as developers draw races.
func (t *Trace) String() string { return strings.Join(t.Columns, " | ") }

type machine struct{}

func of(c *sim.CPU) *machine                                         { panic("explore: not yet") }
func (m *machine) fail(c *sim.CPU, invariant string)                 {}
func (m *machine) ghost(c *sim.CPU, key uint64)                      {}
func (m *machine) lastDep(c *sim.CPU) sim.Dep                        { return 0 }
func (m *machine) storeDeps(c *sim.CPU, data, ctrl sim.Dep)          {}
func (m *machine) readLock(c *sim.CPU, domain uint64)                {}
func (m *machine) readUnlock(c *sim.CPU, domain uint64)              {}
func (m *machine) synchronize(c *sim.CPU, domain uint64)             {}
func (m *machine) spinLock(c *sim.CPU, lock sim.Ref, wait bool) bool { return false }
func (m *machine) spinUnlock(c *sim.CPU, lock sim.Ref)               {}
func (m *machine) afterUnlockLock(c *sim.CPU)                        {}
