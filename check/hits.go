package check

import (
	"fmt"

	"mmsim/explore"
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// riPool is two calls one after the other of a thread with return probes, against
// the time-out of its leases on another CPU (section 6.4): references are
// balanced in the end (U10 to U12).
//
// Reduced: the timer's function is a thread, which may begin at any time; the
// timer wheel is left out.
func riPool(d mm.Design) (*explore.Program, error) {
	w, err := newWorld(d, setup{cpus: 2, returns: true})
	if err != nil {
		return nil, err
	}
	a, of := w.inode("A", 0, 1)
	req := text(w.sys.OpenFile(w.c, a), 0)
	req.Bytes = 2 * textBytes
	w.thread("calls", func(c *sim.CPU) {
		t := w.u.User(c, w.mm)
		for page := range uint64(2) {
			t.Call(c, trapAddr+page*sim.PageBytes, 0x1000)
			t.Ret(c)
		}
	})
	w.thread("ri_timer", func(c *sim.CPU) { w.u.ExpireLeases(c, 0) })
	var refs []uint64
	for _, p := range of {
		refs = append(refs, w.c.Load(w.u.RefWord(sim.At(p))))
	}
	w.Final = func(v explore.View) (string, error) {
		for i, p := range of {
			r := w.u.RefWord(sim.At(p))
			if n := v.Read(r.A, r.Size); n != refs[i] {
				return "", fmt.Errorf("U12: uprobe %d has %d references in the end, expected %d", i, n, refs[i])
			}
		}
		return "", nil
	}
	return w.Program, w.boot(w.mm, req)
}
