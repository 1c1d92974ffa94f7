package configs

import (
	"slices"
	"strings"

	"mmsim/configs/schema"
	"mmsim/sim"
	"mmsim/workloads"
)

var layoutKind = schema.Checked(schema.Name, func(name string) error {
	if known := workloads.LayoutNames(); !slices.Contains(known, name) {
		return schema.Unknown("layout", name, known)
	}
	return nil
})

// setOverride moves a field; a second override of the same one replaces the
// first.
func setOverride(e *Experiment, name string, offset int) error {
	s, field, ok := strings.Cut(name, ".")
	if !ok || s == "" || field == "" {
		return schema.Problem(`"struct.field" such as "mm_struct.mm_lock_seq"`, "%q is no field", name)
	}
	o := workloads.FieldOffset{Struct: s, Field: field, Offset: uint32(offset)}
	for i, old := range e.kernel.Overrides {
		if old.Struct == s && old.Field == field {
			e.kernel.Overrides[i] = o
			return nil
		}
	}
	e.kernel.Overrides = append(e.kernel.Overrides, o)
	return nil
}

func getOverrides(e *Experiment) []schema.Member {
	var ms []schema.Member
	for _, o := range e.kernel.Overrides {
		ms = append(ms, schema.Member{Name: o.Struct + "." + o.Field, Value: int64(o.Offset)})
	}
	return ms
}

// checkOverrides: the fields exist in structs whose layout is a parameter, and
// fit where they are moved.
func (e *Experiment) checkOverrides(design string) error {
	layouts, err := workloads.LayoutsNamed(workloads.LayoutOf(e.kernel.Layout, design))
	if err != nil {
		return e.src.Fault("kernel.layout", err)
	}
	structs := append(layouts.Layouts.All(), &layouts.Uprobe, &layouts.Globals, &layouts.Utask)
	for _, o := range e.kernel.Overrides {
		if err := override(structs, o); err != nil {
			return e.src.Fault("kernel.layout_override."+schema.Quote(o.Struct+"."+o.Field), err)
		}
	}
	return nil
}

// override moves a field in the one of the structs that has it.
func override(structs []**sim.Layout, o workloads.FieldOffset) error {
	var names, fields []string
	for _, p := range structs {
		names = append(names, (*p).Name)
		if (*p).Name != o.Struct {
			continue
		}
		for _, f := range (*p).Fields {
			fields = append(fields, f.Name)
		}
		if !slices.Contains(fields, o.Field) {
			return schema.Unknown("field of struct "+o.Struct+",", o.Field, fields)
		}
		moved, err := (*p).Move(o.Field, o.Offset)
		if err == nil {
			*p = moved
		}
		return err
	}
	return schema.Unknown("struct", o.Struct, names)
}
