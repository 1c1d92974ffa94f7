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
	Design  mm.Design
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
	// Consumers of each uprobe; at least 1.
	Consumers int
	// Poison fills freed kernel objects (mm.Config).
	Poison bool
}

// Check reports the first impossible number.
func (k *ProcessConfig) Check() error {
	switch {
	case k.Probes < 1:
		return fmt.Errorf("probes: at least 1, not %d", k.Probes)
	case k.Areas < k.Probes:
		return fmt.Errorf("areas: at least the number of probes (%d), not %d", k.Probes, k.Areas)
	case k.Areas > 60000:
		return fmt.Errorf("areas: at most 60000 (a process may have 65530), not %d", k.Areas)
	case k.OtherProbes < 0:
		return fmt.Errorf("other probes: not %d", k.OtherProbes)
	case k.Consumers < 1:
		return fmt.Errorf("consumers: at least 1, not %d", k.Consumers)
	}
	return nil
}

// Probe is one probed function of a process.
type Probe struct {
	Addr   uint64 // of the breakpoint
	Start  uint64 // of its area
	End    uint64 // of its area; what follows is unmapped
	Uprobe sim.Ptr
	File   sim.Ptr
}

// Process is an address space with probed code, anonymous areas and threads.
type Process struct {
	MM      *mm.MM
	Uprobes *Uprobes
	Probes  []Probe
}

// NewProcess builds the process in a booted kernel before anything runs.
func NewProcess(b *kernel.Base, k ProcessConfig) (*Process, error) {
	if err := k.Check(); err != nil {
		return nil, fmt.Errorf("process: %w", err)
	}
	sys := mm.New(b, mm.Config{Design: k.Design, Layouts: k.Layouts.Layouts, Costs: k.MMCosts, Sheaf: k.Sheaf, BroadcastTLB: k.BroadcastTLB, Poison: k.Poison})
	c := sim.NewDirect(b.Arena.Mem)
	p := &Process{MM: sys.NewMM(c, "", k.Tasks), Uprobes: New(sys, k.Layouts, k.Costs)}
	c.SetBit(sys.Flags(p.MM.Ptr()), mm.MMFHasUprobes)
	for _, t := range k.Tasks {
		p.Uprobes.NewTask(c, t)
	}
	if err := p.mapAreas(c, sys, k); err != nil {
		return nil, err
	}
	for i := range k.OtherProbes {
		inode := sys.NewInode(c, fmt.Sprintf("other%d", i), uint64(1000+k.Probes+i))
		p.Uprobes.Register(c, inode, probeOffset, k.Consumers)
	}
	return p, nil
}

// mapAreas maps text area i of n in the middle of the i-th n-th of all areas.
func (p *Process) mapAreas(c *sim.CPU, sys *mm.System, k ProcessConfig) error {
	m := p.MM.AtBoot()
	for area := range k.Areas {
		addr := firstArea + uint64(area)*areaStride
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
		p.Probes = append(p.Probes, Probe{Addr: addr + probeOffset, Start: addr, End: addr + areaBytes,
			Uprobe: p.Uprobes.Register(c, inode, probeOffset, k.Consumers), File: file})
	}
	return nil
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

// MmapMunmap maps, touches and unmaps pages of anonymous memory: anywhere for
// addr 0, else at addr if that is free.
func (p *Process) MmapMunmap(c *sim.CPU, addr uint64, pages, touched int) error {
	return p.MM.MmapMunmap(c, addr, pages, touched)
}
