package mm

import (
	"fmt"
	"slices"
	"strings"

	"mmsim/kernel/file"
	"mmsim/kernel/list"
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// Layouts are the structs of this package whose layout is a parameter.
type Layouts struct {
	MM        *sim.Layout // mm_struct
	VMA       *sim.Layout // vm_area_struct of 6.4 to 6.14
	VMARefcnt *sim.Layout // vm_area_struct of 6.15 on, for design VMARefcnt
	VMALock   *sim.Layout // vma_lock
	File      *sim.Layout // file
}

// DefaultLayouts are the layouts of a 6.5 to 6.14 kernel with the named
// mm_struct preset.
func DefaultLayouts(mmPreset string) (Layouts, error) { return NewLayouts(mmPreset, "file-6.14") }

// NewLayouts are the layouts with the named presets of mm_struct and struct
// file.
func NewLayouts(mmPreset, filePreset string) (Layouts, error) {
	mm, err := MMLayout(mmPreset)
	if err != nil {
		return Layouts{}, err
	}
	f, err := file.Layout(filePreset)
	return Layouts{MM: mm, VMA: vmaLayout(), VMARefcnt: vmaRefcntLayout(), VMALock: vmaLockLayout(), File: f}, err
}

// forDesign are the layouts as a design needs them: the VMA of its era, its
// list of locked VMAs, and room for its sequence numbers.
func (l Layouts) forDesign(d Design, seqBits uint) (Layouts, error) {
	var err error
	switch d {
	case VMARefcnt:
		l.VMA = l.VMARefcnt
	case VMASeqcountOwn:
		l.VMA = withLockedNode(l.VMA)
	}
	if seqBits > 32 {
		if l.MM, err = widened(l.MM, "mm_lock_seq"); err == nil {
			l.VMA, err = widened(l.VMA, "vm_lock_seq")
		}
	}
	return l, err
}

// widened is a copy of l with the field at 8 bytes.
func widened(l *sim.Layout, field string) (*sim.Layout, error) {
	wide := *l
	wide.Fields = slices.Clone(l.Fields)
	for i := range wide.Fields {
		if wide.Fields[i].Name == field {
			wide.Fields[i].Size = 8
		}
	}
	return &wide, wide.Check()
}

// withLockedNode is the VMA with a place in the mm's list of locked VMAs
// behind all other fields.
func withLockedNode(l *sim.Layout) *sim.Layout {
	off := (l.Bytes + 7) &^ 7
	return sim.NewLayout(l.Name, off+list.Bytes, l.Align, append(slices.Clone(l.Fields), list.Field("vm_locked", off))...)
}

// vmaLayout is vm_area_struct of 6.4 to 6.14 (section 1.3): 176 bytes without
// line alignment, so objects start at 0, 16, 32 or 48 modulo 64. vm_rcu lies
// over vm_start and vm_end. vm_sequence, of design VMASeqcountOwn alone, fills a
// hole.
func vmaLayout() *sim.Layout {
	return sim.NewLayout("vm_area_struct", 176, 8,
		sim.F("vm_start", 0, 8),
		sim.F("vm_end", 8, 8),
		sim.F("vm_mm", 16, 8),
		sim.F("vm_page_prot", 24, 8),
		sim.F("vm_flags", 32, 8),
		sim.F("vm_lock_seq", 40, 4),
		sim.F("vm_lock", 48, 8),
		sim.F("detached", 56, 1),
		sim.F("vm_sequence", 60, 4),
		sim.Arr("shared.rb", 64, 8, 4),
		sim.Arr("anon_vma_chain", 96, 8, 2),
		sim.F("anon_vma", 112, 8),
		sim.F("vm_ops", 120, 8),
		sim.F("vm_pgoff", 128, 8),
		sim.F("vm_file", 136, 8),
		sim.F("vm_private_data", 144, 8),
		sim.F("swap_readahead_info", 152, 8),
		sim.F("vm_policy", 160, 8),
		sim.F("vm_userfaultfd_ctx", 168, 8),
	)
}

// vmaRefcntLayout is vm_area_struct of 6.15 to 7.0 (section 1.3): three whole
// lines, of which readers of the VMA only read two and count in the third. The
// slab's free pointer lies over vm_start.
func vmaRefcntLayout() *sim.Layout {
	return sim.NewLayout("vm_area_struct", 192, 64,
		sim.F("vm_start", 0, 8),
		sim.F("vm_end", 8, 8),
		sim.F("vm_mm", 16, 8),
		sim.F("vm_page_prot", 24, 8),
		sim.F("vm_flags", 32, 8),
		sim.F("vm_lock_seq", 40, 4),
		sim.Arr("anon_vma_chain", 48, 8, 2),
		sim.F("anon_vma", 64, 8),
		sim.F("vm_ops", 72, 8),
		sim.F("vm_pgoff", 80, 8),
		sim.F("vm_file", 88, 8),
		sim.F("vm_private_data", 96, 8),
		sim.F("swap_readahead_info", 104, 8),
		sim.F("vm_policy", 112, 8),
		sim.F("numab_state", 120, 8),
		sim.F("vm_refcnt", 128, 4),
		sim.Arr("shared.rb", 136, 8, 4),
		sim.F("anon_name", 168, 8),
		sim.F("vm_userfaultfd_ctx", 176, 8),
		sim.F("pfnmap_track_ctx", 184, 8),
	)
}

// vmaLockLayout is the separate lock object of 6.4 to 6.14 (section 1.4): 40
// bytes from a cache without line alignment.
func vmaLockLayout() *sim.Layout {
	return sim.NewLayout("vma_lock", 40, 8, locking.RWSemMembers("lock", 0)...)
}

// Override moves a field, named "struct.field" as reports name it, to another
// byte offset. The error says what is wrong with the name or the place.
func (l Layouts) Override(name string, off uint32) (Layouts, error) {
	err := OverrideField(l.All(), name, off)
	return l, err
}

// All lists the layouts, for OverrideField.
func (l *Layouts) All() []**sim.Layout {
	return []**sim.Layout{&l.MM, &l.VMA, &l.VMARefcnt, &l.VMALock, &l.File}
}

// OverrideField replaces those of ls that are named in "struct.field" by copies
// with that field at byte offset off; of the builds of one struct, it is those
// that have the field. Nothing changes where it fails.
func OverrideField(ls []**sim.Layout, name string, off uint32) error {
	obj, field, ok := strings.Cut(name, ".")
	if !ok {
		return fmt.Errorf("layout override %q: expected struct.field", name)
	}
	copies := make([]*sim.Layout, len(ls))
	var names []string
	found, missing := false, error(nil)
	for i, p := range ls {
		if (*p).Name != obj {
			names = append(names, (*p).Name)
			continue
		}
		l, err := (*p).Move(field, off)
		switch {
		case err == nil:
			copies[i], found = l, true
		case l != nil:
			return fmt.Errorf("layout override %q: %w", name, err)
		default:
			missing = fmt.Errorf("layout override %q: %w", name, err)
		}
	}
	if missing == nil {
		missing = fmt.Errorf("layout override %q: no struct %s here; there are %s", name, obj,
			strings.Join(slices.Compact(names), ", "))
	}
	if !found {
		return missing
	}
	for i, l := range copies {
		if l != nil {
			*ls[i] = l
		}
	}
	return nil
}

// mmFields and vmaFields are the handles of the fields that code touches,
// looked up once per system because layouts are parameters.
type mmFields struct {
	maRoot, mapCount, pageTableLock, mmLockSeq, mmapBase, taskSize sim.Field
	pgd, pgtablesBytes, totalVM, dataVM                            sim.Field
	tlbGen, flags, flushPending, xolArea, cpuBitmap, mmUsers       sim.Field
	mmCount, startBrk, brk, writerWait, vmaLocked                  sim.Field
	mmapLock                                                       locking.RWSemFields
}

func newMMFields(l *sim.Layout) mmFields {
	return mmFields{
		maRoot: l.Field("mm_mt.ma_root"), mapCount: l.Field("map_count"),
		pageTableLock: l.Field("page_table_lock"), mmLockSeq: l.Field("mm_lock_seq"),
		mmapBase: l.Field("mmap_base"), taskSize: l.Field("task_size"),
		pgd: l.Field("pgd"), pgtablesBytes: l.Field("pgtables_bytes"),
		totalVM: l.Field("total_vm"), dataVM: l.Field("data_vm"),
		tlbGen: l.Field("context.tlb_gen"), flags: l.Field("flags"),
		flushPending: l.Field("tlb_flush_pending"), xolArea: l.Field("uprobes_state.xol_area"),
		cpuBitmap: l.Field("cpu_bitmap"), mmUsers: l.Field("mm_users"), mmCount: l.Field("mm_count"),
		startBrk: l.Field("start_brk"), brk: l.Field("brk"),
		writerWait: l.Field("vma_writer_wait"), vmaLocked: l.Field("vma_locked"),
		mmapLock: locking.RWSemFieldsOf(l, "mmap_lock"),
	}
}

// vmaFields has zero values for the fields that the build of the VMA lacks.
type vmaFields struct {
	start, end, mm, pageProt, flags, lockSeq, lock, detached sim.Field
	anonVMAChain, anonVMA, ops, pgoff, file, private         sim.Field
	refcnt, sequence, locked                                 sim.Field
	rwsem                                                    locking.RWSemFields
}

func newVMAFields(vma, lock *sim.Layout) vmaFields {
	return vmaFields{
		start: vma.Field("vm_start"), end: vma.Field("vm_end"), mm: vma.Field("vm_mm"),
		pageProt: vma.Field("vm_page_prot"), flags: vma.Field("vm_flags"),
		lockSeq: vma.Field("vm_lock_seq"), lock: optional(vma, "vm_lock"), detached: optional(vma, "detached"),
		anonVMAChain: vma.Field("anon_vma_chain"), anonVMA: vma.Field("anon_vma"), ops: vma.Field("vm_ops"),
		pgoff: vma.Field("vm_pgoff"), file: vma.Field("vm_file"), private: vma.Field("vm_private_data"),
		refcnt: optional(vma, "vm_refcnt"), sequence: optional(vma, "vm_sequence"), locked: optional(vma, "vm_locked"),
		rwsem: locking.RWSemFieldsOf(lock, "lock"),
	}
}

func optional(l *sim.Layout, name string) (f sim.Field) {
	for _, k := range l.Fields {
		if k.Name == name {
			return k
		}
	}
	return f
}
