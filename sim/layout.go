package sim

import (
	"fmt"
	"sort"
)

// Field is a member of a declared struct: where it lies and how wide one
// element of it is. Count is 1 for scalars.
type Field struct {
	Name  string
	Off   uint32
	Size  Size
	Count uint16
}

// Layout declares the memory layout of one simulated struct. Kernel code looks
// its fields up by name once, at set-up, so a layout override moves a field
// without touching the code.
type Layout struct {
	Name   string
	Bytes  uint32
	Align  uint32
	Fields []Field
}

// NewLayout declares a struct of the given size and alignment. It panics when
// fields overlap, are misaligned or do not fit: a declaration is code.
func NewLayout(name string, bytes, align uint32, fields ...Field) *Layout {
	l := &Layout{Name: name, Bytes: bytes, Align: align, Fields: fields}
	for i := range l.Fields {
		if l.Fields[i].Count == 0 {
			l.Fields[i].Count = 1
		}
	}
	if err := l.Check(); err != nil {
		panic("sim: " + err.Error())
	}
	return l
}

// F declares a scalar field.
func F(name string, off uint32, size Size) Field { return Field{name, off, size, 1} }

// Arr declares an array field of count elements.
func Arr(name string, off uint32, size Size, count uint16) Field {
	return Field{name, off, size, count}
}

// Check reports the first field that is misaligned, does not fit or overlaps
// another one.
func (l *Layout) Check() error {
	fs := append([]Field(nil), l.Fields...)
	sort.Slice(fs, func(i, j int) bool { return fs[i].Off < fs[j].Off })
	end, prev := uint32(0), ""
	for _, f := range fs {
		switch {
		case f.Off%uint32(f.Size) != 0:
			return fmt.Errorf("%s.%s at %d is not aligned to its size %d", l.Name, f.Name, f.Off, f.Size)
		case f.Off < end:
			return fmt.Errorf("%s.%s at %d overlaps %s, which ends at %d", l.Name, f.Name, f.Off, prev, end)
		case f.End() > l.Bytes:
			return fmt.Errorf("%s.%s ends at %d, beyond the struct's %d bytes", l.Name, f.Name, f.End(), l.Bytes)
		}
		end, prev = f.End(), f.Name
	}
	return nil
}

// End is the offset of the first byte behind the field.
func (f Field) End() uint32 { return f.Off + uint32(f.Size)*uint32(f.Count) }

// Field returns the named field; an unknown name panics.
func (l *Layout) Field(name string) Field {
	for _, f := range l.Fields {
		if f.Name == name {
			return f
		}
	}
	panic(fmt.Sprintf("sim: struct %s has no field %s", l.Name, name))
}

// Move returns a copy of the layout with one field at another offset; the
// struct grows if it must. The error names what the field would overlap.
func (l *Layout) Move(field string, off uint32) (*Layout, error) {
	c := &Layout{Name: l.Name, Bytes: l.Bytes, Align: l.Align, Fields: append([]Field(nil), l.Fields...)}
	for i := range c.Fields {
		if c.Fields[i].Name != field {
			continue
		}
		c.Fields[i].Off = off
		if end := c.Fields[i].End(); end > c.Bytes {
			c.Bytes = (end + c.Align - 1) / c.Align * c.Align
		}
		return c, c.Check()
	}
	return nil, fmt.Errorf("struct %s has no field %s", l.Name, field)
}

// FieldAt names the field that covers byte offset off ("+0x18" in a hole).
func (l *Layout) FieldAt(off uint32) string {
	for _, f := range l.Fields {
		if off >= f.Off && off < f.End() {
			if f.Count > 1 {
				return fmt.Sprintf("%s[%d]", f.Name, (off-f.Off)/uint32(f.Size))
			}
			return f.Name
		}
	}
	return fmt.Sprintf("+%#x", off)
}
