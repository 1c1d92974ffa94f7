package sim

import (
	"fmt"
	"strings"
	"testing"
)

// TestMemoryBytes holds memory against a map of bytes under random accesses of
// every width, in two far-apart areas.
func TestMemoryBytes(t *testing.T) {
	m := NewMemory()
	ref := map[Addr]byte{}
	r := NewRand(1, 0, 0)
	for range 50_000 {
		size := Size(1 << r.Below(4))
		a := Addr(PageBytes + r.Below(2)<<30 + r.Below(4096)&^uint64(size-1))
		if r.Below(2) == 0 {
			v := r.Uint64()
			m.Write(a, size, v)
			for i := range Addr(size) {
				ref[a+i] = byte(v >> (8 * i))
			}
			continue
		}
		want := uint64(0)
		for i := range Addr(size) {
			want |= uint64(ref[a+i]) << (8 * i)
		}
		if got := m.Read(a, size); got != want {
			t.Fatalf("%d bytes at %#x read %#x, want %#x", size, uint64(a), got, want)
		}
	}
}

// TestMemoryClone: what either copy writes, the other does not see.
func TestMemoryClone(t *testing.T) {
	m := NewMemory()
	m.Write(0x10000, 8, 1)
	c := m.Clone()
	m.Write(0x10000, 8, 2)
	c.Write(0x20000, 8, 3)
	if c.Read(0x10000, 8) != 1 || m.Read(0x20000, 8) != 0 {
		t.Errorf("copies share storage: %d, %d", c.Read(0x10000, 8), m.Read(0x20000, 8))
	}
}

// TestMemoryFaults: accesses that real code could not do panic by name.
func TestMemoryFaults(t *testing.T) {
	m := NewMemory()
	m.Write(PageBytes, 8, 1)
	for _, c := range []struct {
		want string
		do   func()
	}{
		{"not aligned", func() { m.Read(PageBytes+4, 8) }},
		{"not aligned", func() { m.Write(PageBytes+1, 2, 0) }},
		{"not aligned", func() { m.Read(0x50001, 4) }},
		{"not aligned", func() { m.Read(PageBytes, 3) }},
		{"null pointer", func() { m.Read(8, 8) }},
		{"null pointer", func() { m.Write(16, 4, 0) }},
		{"null pointer", func() { m.Write(16, 8, 0) }},
		{"beyond", func() { m.Write(MaxAddr, 8, 0) }},
	} {
		if got := panicOf(c.do); !strings.Contains(got, c.want) || !strings.HasPrefix(got, "sim: ") {
			t.Errorf("panic %q, want one about %q", got, c.want)
		}
	}
}

func panicOf(f func()) (msg string) {
	defer func() { msg = fmt.Sprint(recover()) }()
	f()
	return
}
