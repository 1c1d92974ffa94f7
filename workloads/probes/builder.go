package probes

import (
	"fmt"

	"mmsim/coherence"
	"mmsim/cores"
	"mmsim/sim"
	"mmsim/workloads/micro"
)

// Groups of a probe's threads.
const (
	MeasuredGroup = 0 // threads whose operations the probe is about
	HelperGroup   = 1 // partners and helpers: they end no operations
)

// builder collects the memory and the threads of one probe.
type builder struct {
	p        *coherence.Params
	machine  *cores.Machine
	seed     uint64
	mem      *sim.Memory
	syms     *sim.Symbols
	threads  []cores.Thread
	nextWord sim.Addr
	members  [2]int // threads so far, by group
}

func newBuilder(m *cores.Machine, seed uint64) *builder {
	return &builder{p: &m.Mem, machine: m, seed: seed, mem: sim.NewMemory(), syms: &sim.Symbols{}, nextWord: wordBase}
}

// line allocates one line in a page of its own, homed at socket 0.
func (b *builder) line(l *sim.Layout, name string) sim.Addr {
	for !homedAt(b.p, b.nextWord, 0) {
		b.nextWord += sim.PageBytes
	}
	a := b.nextWord
	b.nextWord += sim.PageBytes
	b.syms.AddObject(a, l, name)
	return a
}

func (b *builder) nameLines(lines []sim.Addr) {
	for _, a := range lines {
		b.syms.AddObject(a, micro.WordLayout, "")
	}
}

func (b *builder) measured(cpu int, body micro.Body) { b.add(MeasuredGroup, "probe", cpu, body) }

func (b *builder) helper(cpu int, body micro.Body) { b.add(HelperGroup, "helper", cpu, body) }

func (b *builder) add(group int, name string, cpu int, body micro.Body) {
	b.threads = append(b.threads, cores.Thread{
		Name: fmt.Sprintf("%s[%d]", name, b.members[group]), Path: "micro", Group: group, CPU: cpu, Body: body})
	b.members[group]++
}

// homeBy makes the socket of thread i the home of the lines' pages on a
// machine that places pages by first touch; elsewhere their addresses did. A
// thread that is alone touches them first anyway.
func (b *builder) homeBy(i int, lines ...sim.Addr) {
	if b.p.Home != coherence.HomeFirstTouch || len(b.threads) == 1 {
		return
	}
	gate := b.line(micro.FlagLayout, "gate")
	for j := range b.threads {
		if body := b.threads[j].Body; j == i {
			b.threads[j].Body = micro.Touching(lines, gate, body)
		} else {
			b.threads[j].Body = micro.Behind(gate, body)
		}
	}
}

func (b *builder) program() *cores.Program {
	return &cores.Program{Mem: b.mem, Syms: b.syms, Threads: b.threads}
}
