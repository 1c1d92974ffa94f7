package workloads

import (
	"mmsim/kernel/mm"
	"mmsim/kernel/uprobes"
)

// Choice replaces one part of a design: 0 leaves it as the design has it, n
// stands for the part's value number n-1.
type Choice uint8

// ByDesign is the name of Choice 0, and of the layout that the design has.
const ByDesign = "by-design"

func (k Choice) or(design uint8) uint8 {
	if k == 0 {
		return design
	}
	return uint8(k) - 1
}

// ChoiceParams replace single parts of a run's design, whatever that is.
type ChoiceParams struct {
	Lookup, Tree, Lifetime, Ret, Trampoline, XOL Choice
}

// ChoiceInfo describes one part of the hit path to users.
type ChoiceInfo struct {
	Key, Doc string
	Values   []uprobes.Info // by number
	At       func(p *ChoiceParams) *Choice
}

// ChoiceKeys lists the parts of the hit path that can be chosen one by one.
func ChoiceKeys() []ChoiceInfo {
	var lookups []uprobes.Info
	for _, d := range mm.Designs() {
		lookups = append(lookups, uprobes.Info{Name: d.Name, Title: d.Title})
	}
	return []ChoiceInfo{
		{"lookup", "From the address to inode and offset, and what writers do for it", lookups, func(p *ChoiceParams) *Choice { return &p.Lookup }},
		{"tree", "What guards the tree of uprobes", uprobes.Trees(), func(p *ChoiceParams) *Choice { return &p.Tree }},
		{"lifetime", "What keeps the uprobe that was found", uprobes.Lifetimes(), func(p *ChoiceParams) *Choice { return &p.Lifetime }},
		{"retprobe", "What keeps the uprobe of a pending return", uprobes.Rets(), func(p *ChoiceParams) *Choice { return &p.Ret }},
		{"trampoline", "How a probed function's return comes back to the kernel", uprobes.Trampolines(), func(p *ChoiceParams) *Choice { return &p.Trampoline }},
		{"xol", "Slots and signals of single steps out of line", uprobes.XOLs(), func(p *ChoiceParams) *Choice { return &p.XOL }},
	}
}

// Choices are the parts of a registered design, with what p replaces. Designs
// are lookups, in the kernel of 6.13, and eras.
func (p *ChoiceParams) Choices(design string) (uprobes.Choices, error) {
	k, err := designChoices(design)
	k.Lookup = mm.Design(p.Lookup.or(uint8(k.Lookup)))
	k.Tree = uprobes.Tree(p.Tree.or(uint8(k.Tree)))
	k.Lifetime = uprobes.Lifetime(p.Lifetime.or(uint8(k.Lifetime)))
	k.Ret = uprobes.Ret(p.Ret.or(uint8(k.Ret)))
	k.Trampoline = uprobes.Trampoline(p.Trampoline.or(uint8(k.Trampoline)))
	k.XOL = uprobes.XOL(p.XOL.or(uint8(k.XOL)))
	return k, err
}

func designChoices(design string) (uprobes.Choices, error) {
	if era, err := uprobes.ParseEra(design); err == nil {
		return era.Choices, nil
	}
	d, err := mm.ParseDesign(design)
	if err != nil {
		return uprobes.Choices{}, err
	}
	return uprobes.WithLookup(d), nil
}

// Layouts lists the layout presets: ByDesign, where mmap_lock and mm_lock_seq
// lie in mm_struct with the rest as in 6.14, and whole kernels.
func Layouts() []uprobes.Info {
	out := []uprobes.Info{{Name: ByDesign, Title: "the layout of the design's kernel; " + defaultLayout + " for designs that are no kernel"}}
	for _, l := range mm.MMLayouts() {
		out = append(out, uprobes.Info{Name: l.Name, Title: "mm_struct of " + l.Title})
	}
	return append(out, uprobes.LayoutPresets()...)
}

// LayoutNames lists their names.
func LayoutNames() (names []string) {
	for _, l := range Layouts() {
		names = append(names, l.Name)
	}
	return names
}

// defaultLayout is that of designs which are no era.
const defaultLayout = "mm-6.5"

// LayoutOf is the preset that a layout parameter stands for in a design.
func LayoutOf(layout, design string) string {
	if layout != "" && layout != ByDesign {
		return layout
	}
	if era, err := uprobes.ParseEra(design); err == nil {
		return era.Layout
	}
	return defaultLayout
}

// LayoutsNamed are the struct layouts of a preset of Layouts other than
// ByDesign.
func LayoutsNamed(preset string) (uprobes.Layouts, error) {
	for _, l := range uprobes.LayoutPresets() {
		if l.Name == preset {
			return uprobes.DefaultLayoutsOf(preset)
		}
	}
	return uprobes.DefaultLayouts(preset)
}
