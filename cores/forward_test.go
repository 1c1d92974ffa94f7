package cores

import (
	"testing"

	"mmsim/sim"
)

// TestForwarding: a thread sees its own buffered stores, whole or in part, of
// every width, while another core keeps taking the lines away.
func TestForwarding(t *testing.T) {
	for o := X86TSO; o <= RISCV; o++ {
		m := classMachine(o, 2, 1, 1)
		m.StoreBuffer = 8
		const area = sim.Addr(0x20000)
		done := false
		owner := func(c *sim.CPU) {
			ref := sim.NewMemory()
			r := sim.NewRand(uint64(o), 0, 0)
			for k := range 1500 {
				size := sim.Size(1 << r.Below(4))
				off := r.Below(2)*64 + r.Below(16)&^uint64(size-1)
				x := sim.At(area).Ref(off, size)
				switch r.Below(12) {
				case 0, 1, 2, 3, 4:
					v := r.Uint64()
					c.Store(x, v)
					ref.Write(x.A, x.Size, v)
				case 5:
					v := r.Uint64()
					c.FetchAdd(x, v, sim.Relaxed)
					ref.Write(x.A, x.Size, ref.Read(x.A, x.Size)+v)
				case 6:
					c.ThisCPUAdd(x, 1)
					ref.Write(x.A, x.Size, ref.Read(x.A, x.Size)+1)
				default:
					if got, want := c.Load(x), ref.Read(x.A, x.Size); got != want {
						t.Fatalf("%s: operation %d: %d bytes at +%d read %#x, want %#x", classNames[o], k, size, off, got, want)
					}
				}
			}
			done = true
		}
		thief := func(c *sim.CPU) {
			for i := uint64(0); !done; i++ {
				c.FetchAdd(sim.At(area).Ref(i%2*64+56, 8), 1, sim.Relaxed)
				c.Compute(40)
			}
		}
		r := mustRun(t, m, onCPUs(sim.NewMemory(), owner, thief))
		if r.CPUs[0].Metrics[Forwards] < 30 || r.CPUs[0].Metrics[Bounces] < 50 {
			t.Errorf("%s: %d loads forwarded, %d bounces: the test is too tame", classNames[o], r.CPUs[0].Metrics[Forwards], r.CPUs[0].Metrics[Bounces])
		}
	}
}

// TestForwardPartial: a load that a buffered store covers only in part waits
// for the store buffer; one that is covered does not.
func TestForwardPartial(t *testing.T) {
	x := sim.At(0x20000)
	took := func(load sim.Ref) sim.Time {
		var d sim.Time
		p := onCPUs(sim.NewMemory(), func(c *sim.CPU) {
			c.Store(x.Ref(0, 4), 0x11223344) // misses: stays buffered for a while
			start := c.Now()
			v := c.Load(load)
			d = c.Now() - start
			want := map[sim.Size]uint64{1: 0x22, 4: 0x11223344, 8: 0x11223344}[load.Size]
			if v != want {
				t.Errorf("%d bytes read %#x, want %#x", load.Size, v, want)
			}
		})
		mustRun(t, testMachine(1, 1, 1), p)
		return d
	}
	m := testMachine(1, 1, 1)
	hit := sim.Time(m.L1Latency) * m.Clock[0].Clock.Period()
	if d := took(x.Ref(0, 4)); d != hit {
		t.Errorf("the stored word took %v, want an L1D hit (%v)", d, hit)
	}
	if d := took(x.Ref(2, 1)); d != hit {
		t.Errorf("a byte of it took %v, want %v", d, hit)
	}
	if d := took(x.Ref(0, 8)); d < m.Mem.MemoryLatency {
		t.Errorf("the double word around it took %v, less than its miss", d)
	}
}

// TestBulk: copies and clears move the right bytes, whatever their alignment
// to lines, and a copy sees the thread's own buffered stores.
func TestBulk(t *testing.T) {
	for _, o := range []OrderingClass{X86TSO, POWER} {
		m := classMachine(o, 2, 1, 1)
		m.StoreBuffer, m.MissBuffers = 4, 4
		src, dst := sim.At(0x20000), sim.At(0x30000)
		mem := sim.NewMemory()
		for i := range sim.Addr(64) {
			mem.Write(src.A+8*i, 8, uint64(i)+1)
		}
		mem.Write(src.A+16, 8, 0) // word 2 is stored just before the copy
		p := onCPUs(mem, func(c *sim.CPU) {
			c.Compute(5000)
			c.Load(src.Ref(0, 8)) // the other core shares the line: the store stays buffered
			c.Store(src.Ref(16, 8), 3)
			c.Copy(dst.Add(24), src.Add(8), 8*50)
			c.Clear(dst.Add(24+8*10), 8*20)
			c.Store(dst.Ref(24+8*29, 8), 99)
			if v := c.Load(dst.Ref(24+8*9, 8)); v != 11 {
				t.Errorf("%s: word 9 reads %d behind the copy, want 11", classNames[o], v)
			}
		}, func(c *sim.CPU) { c.Load(src.Ref(0, 8)) })
		mustRun(t, m, p)
		for i := range uint64(52) {
			want := i + 2
			switch {
			case i >= 50:
				want = 0
			case i == 29:
				want = 99
			case i >= 10 && i < 30:
				want = 0
			}
			if got := p.Mem.Read(dst.A+24+sim.Addr(8*i), 8); got != want {
				t.Errorf("%s: word %d is %d, want %d", classNames[o], i, got, want)
			}
		}
	}
}
