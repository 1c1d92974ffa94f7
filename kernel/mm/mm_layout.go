package mm

import (
	"fmt"
	"strings"

	"mmsim/kernel/list"
	"mmsim/kernel/locking"
	"mmsim/sim"
)

// maxCPUs bounds mm_cpumask, the bitmap behind mm_struct.
const maxCPUs = 1024

// mmOffsets places the fields of mm_struct that paths touch, and the
// neighbours that share their lines.
type mmOffsets struct {
	mmCount, mmMT, mmapBase, taskSize, pgd, membarrier, mmUsers uint32
	pgtablesBytes, mapCount, pageTableLock, mmapLock, mmlist    uint32
	mmLockSeq, hiwaterRSS, rssStat, context, flags, flushPend   uint32
	xolArea, bytes, writerWait, vmaLocked                       uint32
}

// mmPresets are the builds of section 1.2. Offsets that the sheet gives are
// taken as they are (mm_mt to mm_lock_seq, total_vm's group, in 6.5 and 7.0
// also flags and xol_area: uprobes.md section 0); the others keep the sheet's
// line and order.
//
// vma_writer_wait came with 6.15, and vma_locked (design VMASeqcountOwn) never
// was. Where a build had no such field it takes the place of fields that no
// path touches, in the line behind mm_lock_seq's, or beside it in 6.19 and 7.0.
var mmPresets = []struct {
	name, title string
	at          mmOffsets
}{
	{"mm-6.4", "6.4: count, owner and mm_lock_seq in one line", mmOffsets{
		mmMT: 0, mmapBase: 24, taskSize: 56, pgd: 64, membarrier: 72, mmUsers: 76, mmCount: 80,
		pgtablesBytes: 104, mapCount: 112, pageTableLock: 124, mmapLock: 128, mmlist: 168, mmLockSeq: 184,
		hiwaterRSS: 192, rssStat: 752, context: 928, flags: 1072, flushPend: 1144, xolArea: 1160, bytes: 1216,
		writerWait: 240, vmaLocked: 320}},
	{"mm-6.5", "6.5 to 6.14: count | owner and mm_lock_seq", mmOffsets{
		mmCount: 0, mmMT: 64, mmapBase: 88, taskSize: 112, pgd: 120, membarrier: 128, mmUsers: 132,
		pgtablesBytes: 168, mapCount: 176, pageTableLock: 180, mmapLock: 184, mmlist: 224, mmLockSeq: 240,
		hiwaterRSS: 248, rssStat: 824, context: 992, flags: 1136, flushPend: 1208, xolArea: 1224, bytes: 1280,
		writerWait: 296, vmaLocked: 304}},
	{"mm-6.15", "6.15 to 6.18: count | owner, mm_lock_seq and vma_writer_wait", mmOffsets{
		mmCount: 0, mmMT: 64, mmapBase: 88, taskSize: 112, pgd: 120, membarrier: 128, mmUsers: 132,
		pgtablesBytes: 168, mapCount: 176, pageTableLock: 180, mmapLock: 184, mmlist: 224, mmLockSeq: 248,
		hiwaterRSS: 256, rssStat: 832, context: 1000, flags: 1144, flushPend: 1216, xolArea: 1232, bytes: 1280,
		writerWait: 240, vmaLocked: 320}},
	{"mm-6.19", "6.19: count and owner | mm_lock_seq", mmOffsets{
		mmCount: 0, mmMT: 64, mmapBase: 88, taskSize: 112, pgd: 120, membarrier: 128, mmUsers: 132,
		pgtablesBytes: 384, mapCount: 392, pageTableLock: 396, mmapLock: 400, mmlist: 440, mmLockSeq: 464,
		hiwaterRSS: 560, rssStat: 1144, context: 1312, flags: 1456, flushPend: 1532, xolArea: 1544, bytes: 1664,
		writerWait: 456, vmaLocked: 472}},
	{"mm-7.0", "7.0: count and owner | mm_lock_seq", mmOffsets{
		mmCount: 0, mmMT: 64, mmapBase: 88, taskSize: 112, pgd: 120, membarrier: 128, mmUsers: 132,
		pgtablesBytes: 384, mapCount: 392, pageTableLock: 396, mmapLock: 400, mmlist: 440, mmLockSeq: 464,
		hiwaterRSS: 560, rssStat: 1176, context: 1344, flags: 1488, flushPend: 1564, xolArea: 1576, bytes: 1728,
		writerWait: 456, vmaLocked: 472}},
}

// layout declares mm_struct. Members of mm_mt are {lock, ma_flags, ma_root},
// of context {ctx_id, tlb_gen}; rss_stat is four percpu_counters, of which
// MM_ANONPAGES (1) is in use.
func (o mmOffsets) layout() *sim.Layout {
	fs := []sim.Field{
		sim.F("mm_count", o.mmCount, 4),
		sim.F("mm_mt.ma_flags", o.mmMT+4, 4),
		sim.F("mm_mt.ma_root", o.mmMT+8, 8),
		sim.F("mmap_base", o.mmapBase, 8),
		sim.F("task_size", o.taskSize, 8),
		sim.F("pgd", o.pgd, 8),
		sim.F("membarrier_state", o.membarrier, 4),
		sim.F("mm_users", o.mmUsers, 4),
		sim.F("pgtables_bytes", o.pgtablesBytes, 8),
		sim.F("map_count", o.mapCount, 4),
		sim.F("page_table_lock", o.pageTableLock, 4),
		sim.Arr("mmlist", o.mmlist, 8, 2),
		sim.F("mm_lock_seq", o.mmLockSeq, 4),
		sim.F("hiwater_rss", o.hiwaterRSS, 8),
		sim.F("hiwater_vm", o.hiwaterRSS+8, 8),
		sim.F("total_vm", o.hiwaterRSS+16, 8),
		sim.F("locked_vm", o.hiwaterRSS+24, 8),
		sim.F("data_vm", o.hiwaterRSS+40, 8),
		sim.F("start_brk", o.hiwaterRSS+112, 8),
		sim.F("brk", o.hiwaterRSS+120, 8),
		sim.F("vma_writer_wait", o.writerWait, 8),
		list.Field("vma_locked", o.vmaLocked),
		sim.F("context.ctx_id", o.context, 8),
		sim.F("context.tlb_gen", o.context+8, 8),
		sim.F("flags", o.flags, 8),
		sim.F("tlb_flush_pending", o.flushPend, 4),
		sim.F("uprobes_state.xol_area", o.xolArea, 8),
		sim.Arr("cpu_bitmap", o.bytes, 8, maxCPUs/64),
	}
	fs = append(fs, locking.RWSemMembers("mmap_lock", o.mmapLock)...)
	for i := range uint32(4) {
		fs = append(fs, locking.PerCPUCounterMembers(fmt.Sprintf("rss_stat[%d]", i), o.rssStat+40*i)...)
	}
	return sim.NewLayout("mm_struct", o.bytes+maxCPUs/8, 64, fs...)
}

// MMLayout returns the mm_struct layout of the named preset. The error of an
// unknown name lists the known ones.
func MMLayout(name string) (*sim.Layout, error) {
	for _, p := range mmPresets {
		if p.name == name {
			return p.at.layout(), nil
		}
	}
	return nil, fmt.Errorf("no mm_struct layout %q; there are %s", name, strings.Join(MMLayoutNames(), ", "))
}

// MMLayoutInfo is a preset of mm_struct.
type MMLayoutInfo struct{ Name, Title string }

// MMLayouts lists the presets of mm_struct, oldest first.
func MMLayouts() []MMLayoutInfo {
	var out []MMLayoutInfo
	for _, p := range mmPresets {
		out = append(out, MMLayoutInfo{p.name, p.title})
	}
	return out
}

// MMLayoutNames lists their names.
func MMLayoutNames() []string {
	var names []string
	for _, p := range mmPresets {
		names = append(names, p.name)
	}
	return names
}
