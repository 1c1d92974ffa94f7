package sim

import (
	"fmt"
	"slices"
	"sort"
)

// Symbols maps addresses of simulated memory to object and field names. A
// region is either one object or a slab of equal objects; regions do not
// overlap. A region added where one starts already replaces it: memory that is
// freed and reused for something else gets the new name. Reports name "mm_struct.mm_lock_seq", never "+0x128".
type Symbols struct {
	regions []region // ascending by base
	changes uint32
}

type region struct {
	base   Addr
	bytes  uint64
	layout *Layout
	stride uint64 // 0: a single object
	name   string // instance name of a single object, may be empty
}

// AddObject names one object of the given layout at base.
func (s *Symbols) AddObject(base Addr, l *Layout, name string) {
	s.add(region{base: base, bytes: uint64(l.Bytes), layout: l, name: name})
}

// AddSlab names bytes of memory at base that hold objects of one layout every
// stride bytes.
func (s *Symbols) AddSlab(base Addr, bytes, stride uint64, l *Layout) {
	s.add(region{base: base, bytes: bytes, layout: l, stride: stride})
}

func (s *Symbols) add(r region) {
	s.changes++
	i := s.after(r.base)
	if i > 0 && s.regions[i-1].base == r.base {
		s.regions[i-1] = r
		return
	}
	s.regions = slices.Insert(s.regions, i, r)
}

// after is the index of the first region that starts behind a.
func (s *Symbols) after(a Addr) int {
	return sort.Search(len(s.regions), func(i int) bool { return s.regions[i].base > a })
}

// Clone returns an independent copy.
func (s *Symbols) Clone() *Symbols {
	return &Symbols{regions: slices.Clone(s.regions), changes: s.changes}
}

// Changes counts the regions that were added or replaced so far: what was
// looked up at an equal count still holds.
func (s *Symbols) Changes() uint32 { return s.changes }

// Struct is the layout of the object at a and the offset of a in it; nil
// outside every region. Unlike Lookup it builds no names.
func (s *Symbols) Struct(a Addr) (l *Layout, off uint32) {
	i := s.after(a) - 1
	if i < 0 || a >= s.regions[i].base+Addr(s.regions[i].bytes) {
		return nil, 0
	}
	r := &s.regions[i]
	rest := uint64(a - r.base)
	if r.stride > 0 {
		rest %= r.stride
	}
	return r.layout, uint32(rest)
}

// Symbol is the name of an address.
type Symbol struct {
	Object string // struct name, or "struct(instance)" for named objects
	Field  string
	Base   Addr // of the object
	Off    uint32
}

// String is "object.field".
func (y Symbol) String() string {
	if y.Object == "" {
		return y.Field
	}
	return y.Object + "." + y.Field
}

// Lookup names the byte at a. Addresses outside every region come back as
// their hexadecimal form.
func (s *Symbols) Lookup(a Addr) Symbol {
	i := s.after(a) - 1
	if i < 0 || a >= s.regions[i].base+Addr(s.regions[i].bytes) {
		return Symbol{Field: fmt.Sprintf("%#x", uint64(a)), Base: a}
	}
	r := &s.regions[i]
	base, object := r.base, r.layout.Name
	if r.stride > 0 {
		base += (a - r.base) / Addr(r.stride) * Addr(r.stride)
	} else if r.name != "" {
		object += "(" + r.name + ")"
	}
	off := uint32(a - base)
	return Symbol{Object: object, Field: r.layout.FieldAt(off), Base: base, Off: off}
}
