package uprobes

import (
	"fmt"

	"mmsim/kernel"
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// Addresses of the areas that a process starts with: ascending, each with a
// hole behind it that a neighbour can be mapped into.
const (
	firstArea  uint64 = 0x555555554000
	areaBytes  uint64 = 64 << 10
	areaStride uint64 = 1 << 20
	// probeOffset is where the probed function lies in its file.
	probeOffset uint64 = 0x1230
)

// ProcessConfig describes a process with probes.
type ProcessConfig struct {
	Choices Choices
	Layouts Layouts
	MMCosts mm.Costs
	// Sheaf and BroadcastTLB as in mm.Config.
	Sheaf        int
	BroadcastTLB bool
	Costs        Costs
	// Tasks are the threads of the process.
	Tasks []sim.TaskID
	// Probes is the number of probed text areas, each of a file of its own;
	// Areas is the number of all areas, the others being anonymous, with the
	// text areas spread among them.
	Probes, Areas int
	// OtherProbes are uprobes on other files, which make the tree deeper.
	OtherProbes int
	// Consumers of each uprobe at the start; at least 1, but with Breakpoints
	// there may be none: then there are no uprobes either.
	Consumers int
	// Insn is the probed instruction.
	Insn Insn
	// Returns gives the consumers return handlers, for Call, but for those of the
	// first EntryProbes probes, which are for Hit and Run; RITimer is Config.RITimer.
	Returns     bool
	EntryProbes int
	RITimer     sim.Time
	// Breakpoints writes the breakpoints into the process's text: what Run and
	// RegisterUnregister need. Without, Hit traps all the same.
	Breakpoints bool
	// Reloads has each probe in a library of its own that Reload may unload while
	// other threads use it. Breakpoints only.
	Reloads bool
	// Poison fills freed kernel objects (mm.Config).
	Poison bool
}

// Check reports the first impossible number.
func (k *ProcessConfig) Check() error {
	switch {
	case k.Probes < 1:
		return fmt.Errorf("probes: at least 1, not %d", k.Probes)
	case k.EntryProbes < 0 || k.EntryProbes > k.Probes:
		return fmt.Errorf("entry probes: %d of %d", k.EntryProbes, k.Probes)
	case k.Areas < k.Probes:
		return fmt.Errorf("areas: at least the number of probes (%d), not %d", k.Probes, k.Areas)
	case k.Areas > 60000:
		return fmt.Errorf("areas: at most 60000 (a process may have 65530), not %d", k.Areas)
	case k.OtherProbes < 0:
		return fmt.Errorf("other probes: not %d", k.OtherProbes)
	case k.Reloads && !k.Breakpoints:
		return fmt.Errorf("libraries that are unloaded need breakpoints")
	case k.Consumers < 0, k.Consumers == 0 && !k.Breakpoints:
		return fmt.Errorf("consumers: at least 1, not %d", k.Consumers)
	}
	return nil
}

// Probe is one probed function of a process.
type Probe struct {
	Addr  uint64 // of the breakpoint
	Start uint64 // of its area
	End   uint64 // of its area; what follows is unmapped
	// Uprobe is the one that was registered at the start.
	Uprobe sim.Ptr
	File   sim.Ptr
	Inode  sim.Ptr
	// Library is what the program knows of the probe's library (Reloads).
	Library sim.Ptr
	// returns: its consumers have return handlers.
	returns bool
}

// Process is an address space with probed code, anonymous areas and threads.
type Process struct {
	MM      *mm.MM
	Uprobes *Uprobes
	Probes  []Probe
	insn    Insn
	texts   bool // ProcessConfig.Breakpoints
}

// NewProcess builds the process in a booted kernel before anything runs.
func NewProcess(b *kernel.Base, k ProcessConfig) (*Process, error) {
	if err := k.Check(); err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	cfg := mm.Config{Design: k.Choices.Lookup, Layouts: k.Layouts.Layouts, Costs: k.MMCosts, Sheaf: k.Sheaf,
		BroadcastTLB: k.BroadcastTLB, Poison: k.Poison}
	if err := cfg.Check(); err != nil {
		return nil, err
	}
	sys := mm.New(b, cfg)
	c := sim.NewDirect(b.Arena.Mem)
	p := &Process{MM: sys.NewMM(c, "", k.Tasks), insn: k.Insn, texts: k.Breakpoints, Uprobes: New(sys, Config{Choices: k.Choices,
		Layouts: k.Layouts, Costs: k.Costs, Returns: k.Returns, RITimer: k.RITimer, Poison: k.Poison})}
	c.SetBit(sys.Flags(p.MM.Ptr()), mm.MMFHasUprobes)
	if k.Returns || k.Insn == InsnStep {
		p.Uprobes.NewArea(c, p.MM)
	}
	for _, t := range k.Tasks {
		p.Uprobes.NewTask(c, t)
	}
	if err := p.mapAreas(c, sys, k); err != nil {
		return nil, err
	}
	for i := range k.OtherProbes {
		inode := sys.NewInode(c, fmt.Sprintf("other%d", i), uint64(1000+k.Probes+i))
		p.Uprobes.Register(c, inode, probeOffset, max(1, k.Consumers))
	}
	return p, nil
}

// mapAreas maps text area i of n in the middle of the i-th n-th of all areas.
func (p *Process) mapAreas(c *sim.CPU, sys *mm.System, k ProcessConfig) error {
	m := p.MM.AtBoot()
	for area := range k.Areas {
		addr := p.Area(area)
		i := len(p.Probes)
		if i == k.Probes || area != (2*i+1)*k.Areas/(2*k.Probes) {
			if _, err := m.Mmap(c, mm.Mapping{Addr: addr, Bytes: areaBytes, Flags: mm.Anon}); err != nil {
				return err
			}
			continue
		}
		inode := sys.NewInode(c, fmt.Sprintf("text%d", i), uint64(1000+i))
		file := sys.OpenFile(c, inode)
		if _, err := m.Mmap(c, mm.Mapping{Addr: addr, Bytes: areaBytes, Flags: mm.Text, File: file}); err != nil {
			return err
		}
		p.Probes = append(p.Probes, p.newProbe(c, k, addr, inode, file))
	}
	return nil
}

// Area is where the i-th of the areas that the process starts with begins.
func (p *Process) Area(i int) uint64 { return firstArea + uint64(i)*areaStride }

// newProbe makes the probe of one text area.
func (p *Process) newProbe(c *sim.CPU, k ProcessConfig, addr uint64, inode, file sim.Ptr) Probe {
	b := Probe{Addr: addr + probeOffset, Start: addr, End: addr + areaBytes, File: file, Inode: inode,
		returns: k.Returns && len(p.Probes) >= k.EntryProbes}
	if k.Breakpoints {
		p.Uprobes.MapText(c, p.MM, inode, addr, probeOffset, k.Insn, k.Consumers > 0)
	}
	if k.Reloads {
		b.Library = p.Uprobes.b.Arena.Object(libraryLayout, "")
		p.MM.System().PutFile(c, file) // the loader has closed it
	}
	if k.Consumers > 0 {
		b.Uprobe = p.Uprobes.registerAtBoot(c, inode, probeOffset, k.Insn, k.Consumers, b.returns)
	}
	return b
}

// Hit is one hit of probe i by the calling thread. The error says that the
// lookup came to another uprobe than the right one, or to none.
func (p *Process) Hit(c *sim.CPU, i int) error {
	want := p.Probes[i]
	switch got := p.Uprobes.Hit(c, p.MM, want.Addr); got.A {
	case want.Uprobe.A:
		return nil
	case 0:
		return fmt.Errorf("uprobes: no uprobe found at %#x, expected the one at %#x", want.Addr, uint64(want.Uprobe.A))
	default:
		return fmt.Errorf("uprobes: hit at %#x found the uprobe at %#x, expected the one at %#x",
			want.Addr, uint64(got.A), uint64(want.Uprobe.A))
	}
}

// Run is one run through probe i by the calling thread: a hit if the breakpoint
// is there. It reports whether a uprobe was found. The error says that the
// thread was killed. Breakpoints only.
func (p *Process) Run(c *sim.CPU, i int) (hit bool, err error) {
	t := p.Uprobes.User(c, p.MM)
	hit, err = p.execute(c, &t, &p.Probes[i])
	return hit, err
}

// execute has a thread run the probed instruction. One that its program kills,
// by unloading the library under it, tries again when the library is back.
func (p *Process) execute(c *sim.CPU, t *User, b *Probe) (hit bool, err error) {
	for {
		seen := p.awaitLoaded(c, b)
		got := t.Run(c, b.Addr)
		if !t.Killed() {
			return !got.IsNull(), nil
		}
		if p.unloads(c, b) == seen {
			return false, fmt.Errorf("uprobes: %v at %#x", t.killed, b.Addr)
		}
		t.killed = 0
	}
}

// Call is one call of the function that probe i is at the entry of: the hit at
// its entry, and its return, which the probe waits for. Returns only.
func (p *Process) Call(c *sim.CPU, i int) (err error) {
	const after = 0x1000 // where the caller goes on
	t, sp, hit := p.Uprobes.User(c, p.MM), uint64(0), true
	sp = t.SP
	if p.texts {
		t.Push(c, after)
		if hit, err = p.execute(c, &t, &p.Probes[i]); err != nil {
			return err
		}
	} else {
		t.Call(c, p.Probes[i].Addr, after)
	}
	if hit && p.insn == InsnPush {
		t.SP += 8 // the function pops it
	}
	t.Ret(c)
	if t.IP != after || t.SP != sp {
		return fmt.Errorf("uprobes: a call returned to %#x with stack pointer %#x, expected %#x and %#x", t.IP, t.SP, after, sp)
	}
	return nil
}

// RegisterUnregister registers a consumer of probe i, and unregisters it again.
// If it is the only one, the uprobe and its breakpoint come and go with it.
// Breakpoints only.
func (p *Process) RegisterUnregister(c *sim.CPU, i int) {
	u, b := p.Uprobes, &p.Probes[i]
	uc := u.newConsumer(c, b.returns)
	at := u.RegisterConsumer(c, b.Inode, probeOffset, uc)
	u.Unregister(c, at, uc)
	u.Sync(c)
	u.FreeConsumer(c, uc)
}

// MmapMunmap maps, touches and unmaps pages of anonymous memory: anywhere for
// addr 0, else at addr if that is free.
func (p *Process) MmapMunmap(c *sim.CPU, addr uint64, pages, touched int) error {
	return p.MM.MmapMunmap(c, addr, pages, touched)
}
