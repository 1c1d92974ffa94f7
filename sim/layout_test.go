package sim

import (
	"strings"
	"testing"
)

func testLayout() *Layout {
	return NewLayout("pair", 24, 8, F("count", 0, 8), F("owner", 8, 4), Arr("slots", 16, 2, 4))
}

func TestLayoutFields(t *testing.T) {
	l := testLayout()
	p := At(0x2000)
	if r := p.F(l.Field("owner")); r.A != 0x2008 || r.Size != 4 {
		t.Errorf("owner is %+v", r)
	}
	if r := p.FI(l.Field("slots"), 3); r.A != 0x2016 || r.Size != 2 {
		t.Errorf("slots[3] is %+v", r)
	}
	for off, want := range map[uint32]string{0: "count", 7: "count", 11: "owner", 12: "+0xc", 18: "slots[1]", 23: "slots[3]"} {
		if got := l.FieldAt(off); got != want {
			t.Errorf("field at %d is %s, want %s", off, got, want)
		}
	}
	if got := panicOf(func() { l.Field("flags") }); got != "sim: struct pair has no field flags" {
		t.Errorf("unknown field: %q", got)
	}
}

func TestLayoutMove(t *testing.T) {
	l := testLayout()
	m, err := l.Move("owner", 64)
	if err != nil || m.Bytes != 72 || m.Field("owner").Off != 64 {
		t.Fatalf("moved: %+v, %v", m, err)
	}
	if l.Field("owner").Off != 8 || l.Bytes != 24 {
		t.Error("the original moved too")
	}
	for _, c := range []struct {
		field string
		off   uint32
		want  string
	}{{"owner", 4, "overlaps count"}, {"owner", 6, "not aligned"}, {"flags", 0, "no field flags"}, {"count", 16, "overlaps"}} {
		if _, err := l.Move(c.field, c.off); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s to %d: %v, want %q", c.field, c.off, err, c.want)
		}
	}
}

func TestLayoutDeclarations(t *testing.T) {
	for want, fields := range map[string][]Field{
		"overlaps":    {F("a", 0, 8), F("b", 4, 4)},
		"not aligned": {F("a", 2, 4)},
		"beyond":      {Arr("a", 0, 8, 4)},
	} {
		if got := panicOf(func() { NewLayout("bad", 24, 8, fields...) }); !strings.Contains(got, want) {
			t.Errorf("panic %q, want %q", got, want)
		}
	}
}

func TestSymbols(t *testing.T) {
	l := testLayout()
	s := &Symbols{}
	s.AddSlab(0x4000, 0x1000, 32, l)
	s.AddObject(0x2000, l, "init")
	s.AddObject(0x3000, l, "")
	for a, want := range map[Addr]string{
		0x2008: "pair(init).owner",
		0x3000: "pair.count",
		0x2018: "0x2018", // behind the object
		0x1000: "0x1000",
		0x4020: "pair.count",
		0x4032: "pair.slots[1]",
		0x403c: "pair.+0x1c", // padding between slab objects
		0x5000: "0x5000",
	} {
		if got := s.Lookup(a).String(); got != want {
			t.Errorf("%#x is %s, want %s", uint64(a), got, want)
		}
	}
	for a, off := range map[Addr]uint32{0x2008: 8, 0x3000: 0, 0x4049: 9} {
		if got, o := s.Struct(a); got != l || o != off {
			t.Errorf("%#x lies in %v at %d, want %d", uint64(a), got, o, off)
		}
	}
	if got, _ := s.Struct(0x2018); got != nil {
		t.Errorf("behind the object lies %v", got)
	}
	before := s.Changes()
	if y := s.Lookup(0x4049); y.Base != 0x4040 || y.Off != 9 {
		t.Errorf("slab object at %#x+%d", uint64(y.Base), y.Off)
	}
	c := s.Clone()
	c.AddSlab(0x4000, 0x1000, 64, NewLayout("node", 64, 8, F("parent", 0, 8)))
	if got := c.Lookup(0x4040).String(); got != "node.parent" {
		t.Errorf("reused memory is %s", got)
	}
	if s.Changes() != before || c.Changes() == before {
		t.Errorf("changes %d before, %d after, %d in the changed clone", before, s.Changes(), c.Changes())
	}
	if got := s.Lookup(0x4040).String(); got != "pair.count" {
		t.Errorf("the original of a clone changed: %s", got)
	}
}
