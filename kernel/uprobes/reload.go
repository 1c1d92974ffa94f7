package uprobes

import (
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// libraryLayout is what a program has of a library that some of its threads call
// into while others unload and load it: how many are about that now, and how
// often it was unloaded.
var (
	libraryLayout    = sim.NewLayout("library", 64, 64, sim.F("unloading", 0, 8), sim.F("unloads", 8, 8))
	libraryUnloading = libraryLayout.Field("unloading")
	libraryUnloads   = libraryLayout.Field("unloads")
)

// awaitLoaded is what a careful program does before it calls into a library: it
// waits until nobody unloads it. The call may find it gone all the same, as the
// look and the call are not one step: the signal handler comes back here then. It
// returns how often the library was unloaded until now.
func (p *Process) awaitLoaded(c *sim.CPU, b *Probe) (unloads uint64) {
	if b.Library.IsNull() {
		return 0
	}
	for {
		unloads = p.unloads(c, b)
		if c.LoadAcquire(b.Library.F(libraryUnloading)) == 0 {
			return unloads
		}
		c.SpinUntil(sim.Never, sim.Cond{Ref: b.Library.F(libraryUnloading)})
	}
}

func (p *Process) unloads(c *sim.CPU, b *Probe) uint64 {
	if b.Library.IsNull() {
		return 0
	}
	return c.LoadAcquire(b.Library.F(libraryUnloads))
}

// Reload unloads the library that probe i is in and loads it again, at the same
// place, under threads that may be running it: the breakpoint goes with the
// mapping, and the hook of mmap puts it into the new one. Reloads only.
func (p *Process) Reload(c *sim.CPU, i int) error {
	b, sys := &p.Probes[i], p.MM.System()
	c.FetchAdd(b.Library.F(libraryUnloading), 1, sim.Full)
	c.FetchAdd(b.Library.F(libraryUnloads), 1, sim.Full)
	if err := p.MM.Munmap(c, b.Start, b.End-b.Start); err != nil {
		return err
	}
	file := sys.OpenFile(c, b.Inode)
	_, err := p.MM.Mmap(c, mm.Mapping{Addr: b.Start, Bytes: b.End - b.Start, Flags: mm.Text, File: file, Fixed: true})
	sys.PutFile(c, file)
	c.FetchAdd(b.Library.F(libraryUnloading), ^uint64(0), sim.Full)
	return err
}
