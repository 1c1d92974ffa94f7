package cores

import (
	"mmsim/coherence"
	"mmsim/sim"
)

// Bulk implements sim.Executor: a copy or clear moves a line at a time, with
// the lines ahead fetched early as far as the miss buffers allow.
func (e *engine) Bulk(c *sim.CPU, dst, src sim.Ptr, bytes uint64) {
	x := e.ctxs[c.Slot]
	tr := e.begin(x.hw, dst.A)
	lineBytes := uint64(e.m.Mem.LineBytes)
	var data wideData
	for off := uint64(0); off < bytes; {
		h := x.enter()
		n := min(bytes-off, lineBytes-uint64(dst.A+sim.Addr(off))%lineBytes)
		if !src.IsNull() {
			h.prefetchAhead(src.A+sim.Addr(off), bytes-off)
			x.readWide(src.A+sim.Addr(off), n, &data)
		}
		x.store(sim.Ref{A: dst.A + sim.Addr(off), Size: sim.Size(n)}, 0, &data, false)
		off += n
	}
	if e.opt.Trace != nil {
		op := "copy"
		if src.IsNull() {
			op = "clear"
		}
		e.trace(x, tr, op, sim.Relaxed, sim.Ref{A: dst.A, Size: 8}, bytes)
	}
}

// prefetchAhead keeps half of the miss buffers busy with the lines to come;
// the other half is left to the stores.
func (h *hw) prefetchAhead(a sim.Addr, bytes uint64) {
	lineBytes := uint64(h.e.m.Mem.LineBytes)
	for i := uint64(1); i <= uint64(h.e.m.MissBuffers)/2 && i*lineBytes < bytes; i++ {
		next := a + sim.Addr(i*lineBytes)
		h.prefetch(h.e.line(next), coherence.GetS, next)
	}
}

// readWide loads n bytes at a: one timed access per line they touch.
func (x *strand) readWide(a sim.Addr, n uint64, data *wideData) {
	h := x.hw
	for i := uint64(0); i < n; i += 8 {
		at := a + sim.Addr(i)
		if i == 0 || h.e.line(at) != h.e.line(at-8) {
			data[i/8] = x.read(sim.Ref{A: at, Size: 8})
			continue
		}
		r := sim.Ref{A: at, Size: 8}
		if v, ok := x.forward(r); h.sb.n > 0 && ok {
			data[i/8] = v
		} else {
			data[i/8] = h.e.mem.Read(at, 8)
		}
	}
}
