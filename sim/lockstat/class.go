package lockstat

import (
	"fmt"

	"mmsim/sim"
)

// class is all locks of one kind: the field of one struct.
type class struct {
	name   string
	groups []*Result // by group
	after  []uint64  // bit set: classes taken while one of this was held
	edges  []edge    // the same, with who did it first
	usage  usage
}

// fieldKey is a place in a declared struct.
type fieldKey struct {
	l   *sim.Layout
	off uint32
}

func (t *Tracker) classOf(a sim.Addr) int32 {
	if t.opt.Syms == nil {
		return t.classNamed(fmt.Sprintf("%#x", uint64(a)))
	}
	l, off := t.opt.Syms.Struct(a)
	if l == nil {
		return t.classNamed(fmt.Sprintf("%#x", uint64(a)))
	}
	key := fieldKey{l, off}
	k, ok := t.byField[key]
	if !ok {
		k = t.classNamed(l.Name + "." + fieldName(l, off))
		t.byField[key] = k
	}
	return k
}

// fieldName names the field at an offset; all elements of an array are one.
func fieldName(l *sim.Layout, off uint32) string {
	for _, f := range l.Fields {
		if off >= f.Off && off < f.End() {
			return f.Name
		}
	}
	return l.FieldAt(off)
}

func (t *Tracker) classNamed(name string) int32 {
	k, ok := t.byName[name]
	if !ok {
		k = int32(len(t.classes))
		t.classes = append(t.classes, class{name: name})
		t.byName[name] = k
	}
	return k
}

func (t *Tracker) class(r int32) *class { return &t.classes[t.locks.at(r).class] }

// name is the lock's own name, with that of its object.
func (t *Tracker) name(a sim.Addr) string {
	if t.opt.Syms == nil {
		return fmt.Sprintf("%#x", uint64(a))
	}
	return t.opt.Syms.Lookup(a).String()
}
