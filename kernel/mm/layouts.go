package mm

import (
	"fmt"
	"strings"

	"mmsim/kernel/file"
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// Layouts are the structs of this package whose layout is a parameter.
type Layouts struct {
	MM      *sim.Layout // mm_struct
	VMA     *sim.Layout // vm_area_struct
	VMALock *sim.Layout // vma_lock
	File    *sim.Layout // file
}

// DefaultLayouts are the layouts of a 6.5 to 6.14 kernel with the named
// mm_struct preset.
func DefaultLayouts(mmPreset string) (Layouts, error) {
	mm, err := MMLayout(mmPreset)
	if err != nil {
		return Layouts{}, err
	}
	f, err := file.Layout("file-6.14")
	return Layouts{MM: mm, VMA: vmaLayout(), VMALock: vmaLockLayout(), File: f}, err
}

// vmaLayout is vm_area_struct of 6.4 to 6.14 (section 1.3): 176 bytes without
// line alignment, so objects start at 0, 16, 32 or 48 modulo 64. vm_rcu lies
// over vm_start and vm_end.
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
	return []**sim.Layout{&l.MM, &l.VMA, &l.VMALock, &l.File}
}

// OverrideField replaces the one of ls that is named in "struct.field" by a
// copy with that field at byte offset off. Nothing changes where it fails.
func OverrideField(ls []**sim.Layout, name string, off uint32) error {
	obj, field, ok := strings.Cut(name, ".")
	if !ok {
		return fmt.Errorf("layout override %q: expected struct.field", name)
	}
	var names []string
	for _, p := range ls {
		if (*p).Name != obj {
			names = append(names, (*p).Name)
			continue
		}
		moved, err := (*p).Move(field, off)
		if err != nil {
			return fmt.Errorf("layout override %q: %w", name, err)
		}
		*p = moved
		return nil
	}
	return fmt.Errorf("layout override %q: no struct %s here; there are %s", name, obj, strings.Join(names, ", "))
}

// mmFields and vmaFields are the handles of the fields that code touches,
// looked up once per system because layouts are parameters.
type mmFields struct {
	maRoot, mapCount, pageTableLock, mmLockSeq, mmapBase, taskSize sim.Field
	pgd, pgtablesBytes, totalVM, dataVM                            sim.Field
	tlbGen, flags, flushPending, xolArea, cpuBitmap, mmUsers       sim.Field
	mmCount                                                        sim.Field
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
		mmapLock: locking.RWSemFieldsOf(l, "mmap_lock"),
	}
}

type vmaFields struct {
	start, end, mm, pageProt, flags, lockSeq, lock, detached sim.Field
	anonVMAChain, pgoff, file                                sim.Field
	rwsem                                                    locking.RWSemFields
}

func newVMAFields(vma, lock *sim.Layout) vmaFields {
	return vmaFields{
		start: vma.Field("vm_start"), end: vma.Field("vm_end"), mm: vma.Field("vm_mm"),
		pageProt: vma.Field("vm_page_prot"), flags: vma.Field("vm_flags"),
		lockSeq: vma.Field("vm_lock_seq"), lock: vma.Field("vm_lock"), detached: vma.Field("detached"),
		anonVMAChain: vma.Field("anon_vma_chain"), pgoff: vma.Field("vm_pgoff"), file: vma.Field("vm_file"),
		rwsem: locking.RWSemFieldsOf(lock, "lock"),
	}
}
