package sim

// Addr is an address in simulated memory. Page 0 is never mapped: zero is the
// null pointer.
type Addr uint64

// PageBytes is the size of a page of simulated memory.
const PageBytes = 4096

// Size is the width of an access in bytes: 1, 2, 4 or 8.
type Size uint8

// Mask has the low 8*s bits set.
func (s Size) Mask() uint64 { return ^uint64(0) >> (64 - 8*uint(s)) }

// Dep is the address dependency that a loaded pointer carries: an opaque token
// of the executor, merged with | where a value comes from two loads. Executors
// that do not track dependencies leave it zero.
type Dep uint32

// Ptr is a pointer into simulated memory together with the dependency of the
// load it came from. Addresses derived from it keep the dependency, which is
// what orders an RCU reader's dereference without an acquire.
type Ptr struct {
	A Addr
	D Dep
}

// At makes a pointer without a dependency.
func At(a Addr) Ptr { return Ptr{A: a} }

// IsNull reports whether p points nowhere.
func (p Ptr) IsNull() bool { return p.A == 0 }

// Add returns the pointer n bytes further, with the same dependency.
func (p Ptr) Add(n uint64) Ptr { return Ptr{p.A + Addr(n), p.D} }

// Ref names size bytes at offset off behind p.
func (p Ptr) Ref(off uint64, size Size) Ref { return Ref{p.A + Addr(off), p.D, size} }

// F names a declared field of the struct that p points to.
func (p Ptr) F(f Field) Ref { return Ref{p.A + Addr(f.Off), p.D, f.Size} }

// FI names element i of a declared array field.
func (p Ptr) FI(f Field, i int) Ref {
	return Ref{p.A + Addr(f.Off) + Addr(i)*Addr(f.Size), p.D, f.Size}
}

// Ref is one memory operand: address, width, and the dependency of the address.
type Ref struct {
	A    Addr
	D    Dep
	Size Size
}

// Value is a loaded value that will take part in an address computation and
// therefore carries its dependency along.
type Value struct {
	V uint64
	D Dep
}

// Index adds v*stride to p and merges both dependencies.
func (p Ptr) Index(v Value, stride uint64) Ptr {
	return Ptr{p.A + Addr(v.V*stride), p.D | v.D}
}
