package uprobes

import (
	"mmsim/kernel/list"
	"mmsim/kernel/locking"
	"mmsim/kernel/mm"
	"mmsim/kernel/timer"
	"mmsim/kernel/wait"
	"mmsim/sim"
)

// Layouts are the structs whose layout is a parameter, those of mm included.
type Layouts struct {
	mm.Layouts
	Uprobe  *sim.Layout // uprobe
	Globals *sim.Layout // uprobes_globals: variables in .bss
	Utask   *sim.Layout // uprobe_task
}

// DefaultLayouts are those of 6.14 (section 0) with the named mm_struct preset.
func DefaultLayouts(mmPreset string) (Layouts, error) {
	l, err := mm.DefaultLayouts(mmPreset)
	return Layouts{Layouts: l, Uprobe: uprobeLayout(240), Globals: globalsLayout(globalsTogether), Utask: utaskLayout(120)}, err
}

// layoutPreset is where the fields lie in one version, as far as section 0 says:
// sizes, and struct file, whose f_ref and f_inode share a line in 6.14 only.
type layoutPreset struct {
	name, title string
	mm, file    string
	uprobe      uint32 // bytes
	utask       uint32 // bytes
	globals     globalsAt
}

var layoutPresets = []layoutPreset{
	{"6.14", "mm_lock_seq beside mmap_lock.owner, f_inode beside f_ref; the tree's seqcount, lock and root in one line",
		"mm-6.5", "file-6.14", 240, 120, globalsTogether},
	{"6.19", "mm_lock_seq apart from mmap_lock, f_inode apart from f_ref; the tree's words in one line", "mm-6.19", "file-6.19", 248, 128, globalsTogether},
	{"6.14-apart", "as 6.14, but the tree's seqcount, lock and root in a line each",
		"mm-6.5", "file-6.14", 240, 120, globalsApart},
}

// LayoutPresets lists the presets of DefaultLayoutsOf.
func LayoutPresets() []Info {
	var l []Info
	for _, p := range layoutPresets {
		l = append(l, Info{p.name, p.title})
	}
	return l
}

// DefaultLayoutsOf are the layouts of the named preset. The error lists the
// names.
func DefaultLayoutsOf(name string) (Layouts, error) {
	i, err := parse("layout preset", LayoutPresets(), name)
	if err != nil {
		return Layouts{}, err
	}
	p := &layoutPresets[i]
	l, err := mm.NewLayouts(p.mm, p.file)
	return Layouts{Layouts: l, Uprobe: uprobeLayout(p.uprobe), Globals: globalsLayout(p.globals), Utask: utaskLayout(p.utask)}, err
}

// All lists the layouts, for mm.OverrideField.
func (l *Layouts) All() []**sim.Layout {
	return append(l.Layouts.All(), &l.Uprobe, &l.Globals, &l.Utask)
}

// Override moves a field, named "struct.field" as reports name it, to another
// byte offset. The error says what is wrong with the name or the place.
func (l Layouts) Override(name string, off uint32) (Layouts, error) {
	err := mm.OverrideField(l.All(), name, off)
	return l, err
}

// uprobeLayout is struct uprobe: links, ref and register_rwsem.count share
// line 0; inode and offset, the key, are in line 2, flags and the copied
// instruction in line 3.
func uprobeLayout(bytes uint32) *sim.Layout {
	fs := []sim.Field{
		sim.F("__rb_parent_color", 0, 8),
		sim.F("rb_right", 8, 8),
		sim.F("rb_left", 16, 8),
		sim.F("ref", 24, 4),
		list.Field("pending_list", 112),
		list.Field("consumers", 128),
		sim.F("inode", 144, 8),
		sim.Arr("rcu", 152, 8, 2), // a union with work
		sim.F("offset", 184, 8),
		sim.F("ref_ctr_offset", 192, 8),
		sim.F("flags", 200, 8),
		sim.Arr("arch.insn", 208, 8, 2),
		sim.F("arch.ops", 224, 8),
		sim.F("arch.ilen", 232, 1),
	}
	fs = append(fs, locking.RWSemMembers("register_rwsem", 32)...)
	fs = append(fs, locking.RWSemMembers("consumer_rwsem", 72)...)
	return sim.NewLayout("uprobe", bytes, 64, fs...)
}

// globalsAt places the three globals of the tree.
type globalsAt struct{ seqcount, treelock, tree uint32 }

var (
	globalsTogether = globalsAt{0, 8, 16}
	globalsApart    = globalsAt{0, 64, 128}
)

// globalsLayout has uprobes_treelock as the word of a spinlock or the count of a
// rwlock, whose queue lock lies behind it.
func globalsLayout(at globalsAt) *sim.Layout {
	return sim.NewLayout("uprobes_globals", at.tree&^63+64, 64,
		sim.F("uprobes_seqcount", at.seqcount, 4),
		sim.F("uprobes_treelock", at.treelock, 4),
		sim.F("uprobes_treelock.wait_lock", at.treelock+4, 4),
		sim.F("uprobes_tree", at.tree, 8),
	)
}

func utaskLayout(bytes uint32) *sim.Layout {
	fs := []sim.Field{
		sim.F("state", 0, 4),
		sim.F("depth", 4, 4),
		sim.F("return_instances", 8, 8),
		sim.F("ri_pool", 16, 8),
		sim.F("ri_seqcount", 64, 4),
		sim.F("signal_denied", 68, 1),
		sim.F("vaddr", 88, 8),
		sim.F("active_uprobe", 96, 8),
		sim.F("xol_vaddr", 104, 8),
		sim.F("auprobe", 112, 8),
	}
	return sim.NewLayout("uprobe_task", bytes, 64, append(fs, timer.Members("ri_timer.", offRITimer)...)...)
}

// offRITimer is where ri_timer lies in uprobe_task.
const offRITimer = 24

// riLayout is return_instance.
var (
	riLayout = sim.NewLayout("return_instance", 128, 64,
		sim.F("hprobe.state", 0, 4),
		sim.F("hprobe.srcu_idx", 4, 4),
		sim.F("hprobe.uprobe", 8, 8),
		sim.F("func", 16, 8),
		sim.F("stack", 24, 8),
		sim.F("orig_ret_vaddr", 32, 8),
		sim.F("chained", 40, 1),
		sim.F("cons_cnt", 44, 4),
		sim.F("next", 48, 8),
		sim.Arr("rcu", 56, 8, 2),
	)
	riState   = riLayout.Field("hprobe.state")
	riIdx     = riLayout.Field("hprobe.srcu_idx")
	riUprobe  = riLayout.Field("hprobe.uprobe")
	riFunc    = riLayout.Field("func")
	riStack   = riLayout.Field("stack")
	riOrig    = riLayout.Field("orig_ret_vaddr")
	riChained = riLayout.Field("chained")
	riConsCnt = riLayout.Field("cons_cnt")
	riNext    = riLayout.Field("next")
)

// xolAreaLayout is xol_area; up to 6.12 slot_count lay behind the wait queue.
// The page's address stands for page and vaddr both.
func xolAreaLayout(x XOL) *sim.Layout {
	fs, off := wait.HeadMembers("wq.", 0), uint32(wait.HeadBytes)
	if x == XOLSlotCount {
		fs = append(fs, sim.F("slot_count", off, 4))
		off += 8
	}
	fs = append(fs, sim.F("bitmap", off, 8), sim.F("page", off+8, 8), sim.F("vaddr", off+16, 8))
	return sim.NewLayout("xol_area", off+24, 64, fs...)
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
	consHandler    = consumerLayout.Field("handler")
	consRetHandler = consumerLayout.Field("ret_handler")
	consFilter     = consumerLayout.Field("filter")
	consNode       = consumerLayout.Field("cons_node")
	consID         = consumerLayout.Field("id")

	// idsLayout numbers consumers; deferredLayout heads the uprobes that wait
	// for a task to release them.
	idsLayout      = sim.NewLayout("uprobe_ids", 64, 64, sim.F("next", 0, 8))
	idsNext        = idsLayout.Field("next")
	deferredLayout = sim.NewLayout("uprobe_free_work", 64, 64, sim.F("first", 0, 8))
	deferredFirst  = deferredLayout.Field("first")

	dupMmapLayout = sim.NewLayout("dup_mmap_sem", locking.PercpuRWSemBytes, 64, locking.PercpuRWSemMembers("", 0)...)
	treeSemLayout = sim.NewLayout("uprobes_treelock", locking.PercpuRWSemBytes, 64, locking.PercpuRWSemMembers("", 0)...)
	delayedLayout = sim.NewLayout("delayed_uprobes", 64, 64, append(locking.MutexMembers("delayed_uprobe_lock", 0),
		sim.F("delayed_uprobe_list", 40, 8))...)

	// stackLayout is a thread's user stack: one part of it has a name.
	stackLayout = sim.NewLayout("user_stack", userStackBytes+64, 64, sim.Arr("stack", 0, 8, userStackBytes/8))

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

// xolBitmapLayout is the bitmap, an allocation of its own, and sighandLayout the
// signal handlers that the threads of a process share.
var (
	xolBitmapLayout = sim.NewLayout("xol_bitmap", 8, 8, sim.F("bitmap", 0, 8))
	xolBits         = xolBitmapLayout.Field("bitmap")

	sighandLayout = sim.NewLayout("sighand_struct", 64, 64, sim.F("siglock", 0, 4), sim.F("count", 4, 4))
	siglock       = sighandLayout.Field("siglock")
)

// fields are the handles into the layouts that are parameters.
type fields struct {
	ref, pending, consumers, inode, rcu, offset, flags, insn, ops, ilen sim.Field
	seqcount, treelock, treeWait, tree                                  sim.Field
	utaskState, depth, returnInstances, riPool, riSeqcount              sim.Field
	signalDenied, vaddr, activeUprobe, xolVaddr, auprobe                sim.Field
	areaSlots, areaBitmap, areaPage, areaVaddr                          sim.Field
	register, consumer                                                  locking.RWSemFields
	rb                                                                  rbFields
}

func newFields(l Layouts, area *sim.Layout, x XOL) fields {
	p, g, t := l.Uprobe.Field, l.Globals.Field, l.Utask.Field
	f := fields{
		ref: p("ref"), pending: p("pending_list"), consumers: p("consumers"), inode: p("inode"), rcu: p("rcu"), offset: p("offset"),
		flags: p("flags"), insn: p("arch.insn"), ops: p("arch.ops"), ilen: p("arch.ilen"),
		seqcount: g("uprobes_seqcount"), treelock: g("uprobes_treelock"),
		treeWait: g("uprobes_treelock.wait_lock"), tree: g("uprobes_tree"),
		utaskState: t("state"), depth: t("depth"), returnInstances: t("return_instances"), riPool: t("ri_pool"),
		riSeqcount: t("ri_seqcount"), signalDenied: t("signal_denied"), vaddr: t("vaddr"),
		activeUprobe: t("active_uprobe"), xolVaddr: t("xol_vaddr"), auprobe: t("auprobe"),
		areaBitmap: area.Field("bitmap"), areaPage: area.Field("page"), areaVaddr: area.Field("vaddr"),
		register: locking.RWSemFieldsOf(l.Uprobe, "register_rwsem"),
		consumer: locking.RWSemFieldsOf(l.Uprobe, "consumer_rwsem"),
		rb:       rbFields{p("__rb_parent_color"), p("rb_left"), p("rb_right")},
	}
	if x == XOLSlotCount {
		f.areaSlots = area.Field("slot_count")
	}
	return f
}
