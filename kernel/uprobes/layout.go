package uprobes

import (
	"mmsim/kernel/list"
	"mmsim/kernel/locking"
	"mmsim/kernel/mm"
	"mmsim/sim"
)

// Layouts are the structs whose layout is a parameter, those of mm included.
type Layouts struct {
	mm.Layouts
	Uprobe  *sim.Layout // uprobe
	Globals *sim.Layout // uprobes_globals: three variables in one line of .bss
	Utask   *sim.Layout // uprobe_task
}

// DefaultLayouts are those of 6.14 (section 0) with the named mm_struct preset.
func DefaultLayouts(mmPreset string) (Layouts, error) {
	l, err := mm.DefaultLayouts(mmPreset)
	return Layouts{Layouts: l, Uprobe: uprobeLayout(), Globals: globalsLayout(), Utask: utaskLayout()}, err
}

// Override moves a field, named "struct.field" as reports name it, to another
// byte offset. The error says what is wrong with the name or the place.
func (l Layouts) Override(name string, off uint32) (Layouts, error) {
	err := mm.OverrideField(append(l.Layouts.All(), &l.Uprobe, &l.Globals, &l.Utask), name, off)
	return l, err
}

// uprobeLayout is struct uprobe: links, ref and register_rwsem.count share
// line 0; inode and offset, the key, are in line 2, flags and the copied
// instruction in line 3.
func uprobeLayout() *sim.Layout {
	fs := []sim.Field{
		sim.F("__rb_parent_color", 0, 8),
		sim.F("rb_right", 8, 8),
		sim.F("rb_left", 16, 8),
		sim.F("ref", 24, 4),
		list.Field("pending_list", 112),
		list.Field("consumers", 128),
		sim.F("inode", 144, 8),
		sim.F("offset", 184, 8),
		sim.F("ref_ctr_offset", 192, 8),
		sim.F("flags", 200, 8),
		sim.Arr("arch.insn", 208, 1, 16),
		sim.F("arch.ops", 224, 8),
		sim.F("arch.ilen", 232, 1),
	}
	fs = append(fs, locking.RWSemMembers("register_rwsem", 32)...)
	fs = append(fs, locking.RWSemMembers("consumer_rwsem", 72)...)
	return sim.NewLayout("uprobe", 240, 64, fs...)
}

func globalsLayout() *sim.Layout {
	return sim.NewLayout("uprobes_globals", 64, 64,
		sim.F("uprobes_seqcount", 0, 4),
		sim.F("uprobes_treelock", 8, 4),
		sim.F("uprobes_tree", 16, 8),
	)
}

func utaskLayout() *sim.Layout {
	return sim.NewLayout("uprobe_task", 120, 64,
		sim.F("state", 0, 4),
		sim.F("depth", 4, 4),
		sim.F("return_instances", 8, 8),
		sim.F("ri_pool", 16, 8),
		sim.F("ri_seqcount", 64, 4),
		sim.F("vaddr", 88, 8),
		sim.F("active_uprobe", 96, 8),
		sim.F("xol_vaddr", 104, 8),
		sim.F("auprobe", 112, 8),
	)
}

// Structs that paths only read, or that are private to a CPU.
var (
	consumerLayout = sim.NewLayout("uprobe_consumer", 64, 64,
		sim.F("handler", 0, 8),
		sim.F("ret_handler", 8, 8),
		sim.F("filter", 16, 8),
		list.Field("cons_node", 24),
		sim.F("id", 40, 8),
	)
	consHandler = consumerLayout.Field("handler")
	consNode    = consumerLayout.Field("cons_node")
	consID      = consumerLayout.Field("id")

	// notifierLayout is a block of the die chain: kprobes first, then uprobes.
	notifierLayout = sim.NewLayout("notifier_block", 64, 64,
		sim.F("notifier_call", 0, 8),
		sim.F("next", 8, 8),
	)
	nbCall = notifierLayout.Field("notifier_call")
	nbNext = notifierLayout.Field("next")

	dieChainLayout = sim.NewLayout("die_chain", 64, 64, sim.F("head", 8, 8))
	dieChainHead   = dieChainLayout.Field("head")

	// xolOpsLayout is the table of functions that emulate one kind of
	// instruction (branch_xol_ops has the nops).
	xolOpsLayout = sim.NewLayout("uprobe_xol_ops", 64, 64, sim.F("emulate", 0, 8))
	opsEmulate   = xolOpsLayout.Field("emulate")

	// hitsLayout is the handler's counter: one padded word per CPU.
	hitsLayout = sim.NewLayout("hits", 64, 64, sim.F("count", 0, 8))
	hitsCount  = hitsLayout.Field("count")
)

// fields are the handles into the layouts that are parameters.
type fields struct {
	consumers, inode, offset, flags, ops, ilen sim.Field
	seqcount, treelock, tree                   sim.Field
	activeUprobe, auprobe                      sim.Field
	rb                                         rbFields
}

func newFields(l Layouts) fields {
	return fields{
		consumers: l.Uprobe.Field("consumers"), inode: l.Uprobe.Field("inode"), offset: l.Uprobe.Field("offset"),
		flags: l.Uprobe.Field("flags"), ops: l.Uprobe.Field("arch.ops"), ilen: l.Uprobe.Field("arch.ilen"),
		seqcount: l.Globals.Field("uprobes_seqcount"), treelock: l.Globals.Field("uprobes_treelock"),
		tree:         l.Globals.Field("uprobes_tree"),
		activeUprobe: l.Utask.Field("active_uprobe"), auprobe: l.Utask.Field("auprobe"),
		rb: rbFields{l.Uprobe.Field("__rb_parent_color"), l.Uprobe.Field("rb_left"), l.Uprobe.Field("rb_right")},
	}
}
