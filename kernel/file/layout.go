// Package file is the memory of struct file on simulated memory
// (fs/file_table.c, include/linux/file_ref.h): its caches, references that RCU
// readers may take, and the freeing and reuse that such readers must survive
// (locks-and-barriers.md sections 10 and 13, uprobes.md section 5.6).
//
// Simplified: no file descriptor table; of the path, the security modules and
// the lock and notification code only the fields in struct file exist; the last
// fput closes the file at once (the kernel does it when the task returns to user
// mode).
package file

import (
	"fmt"
	"strings"

	"mmsim/kernel/locking"
	"mmsim/sim"
)

// offsets places the fields of struct file that moved between versions; both
// builds have 184 bytes.
type offsets struct{ ref, lock, mode, op, mapping, inode, flags, owner, ep, union uint32 }

// presets are the builds of uprobes.md section 0. The two offsets that decide
// what a reference disturbs, f_ref and f_inode, are the sheet's; the others
// follow the order of the fields in include/linux/fs.h.
var presets = []struct {
	name string
	at   offsets
}{
	{"file-6.14", offsets{ref: 0, lock: 8, mode: 12, op: 16, mapping: 24, inode: 40, flags: 48, owner: 128, ep: 144, union: 152}},
	{"file-6.19", offsets{ref: 176, lock: 0, mode: 4, op: 8, mapping: 16, inode: 32, flags: 40, owner: 56, ep: 136, union: 144}},
}

// LayoutNames lists the builds, oldest first.
func LayoutNames() []string {
	var names []string
	for _, p := range presets {
		names = append(names, p.name)
	}
	return names
}

// Layout returns struct file of the named build: "file-6.14" has f_ref and
// f_inode in one line, "file-6.19" in different ones.
func Layout(name string) (*sim.Layout, error) {
	for _, p := range presets {
		if p.name == name {
			return p.at.layout(), nil
		}
	}
	return nil, fmt.Errorf("no layout %q of struct file; there are %s", name, strings.Join(LayoutNames(), ", "))
}

func (o offsets) layout() *sim.Layout {
	cred := uint32(56)
	if o.owner == cred {
		cred = 48
	}
	return sim.NewLayout("file", 184, 64, append([]sim.Field{
		sim.F("f_ref", o.ref, 8),
		sim.F("f_lock", o.lock, 4),
		sim.F("f_mode", o.mode, 4),
		sim.F("f_op", o.op, 8),
		sim.F("f_mapping", o.mapping, 8),
		sim.F("f_inode", o.inode, 8),
		sim.F("f_flags", o.flags, 4),
		sim.F("f_cred", cred, 8),
		sim.Arr("f_path", 64, 8, 2),
		sim.F("f_pos", 112, 8),
		sim.F("f_owner", o.owner, 8),
		sim.F("f_ep", o.ep, 8),
		sim.Arr("f_task_work", o.union, 8, 2), // before 6.7 also f_rcuhead
	}, locking.MutexMembers("f_pos_lock", 80)...)...)
}

// backingLayout is struct backing_file: a file, and the path that the user
// opened.
func backingLayout(file *sim.Layout) *sim.Layout {
	return sim.NewLayout("backing_file", file.Bytes+16, 64,
		append(append([]sim.Field{}, file.Fields...), sim.Arr("user_path", file.Bytes, 8, 2))...)
}

// fields are the handles of what code touches, looked up once: the layout is a
// parameter.
type fields struct {
	ref, lock, mode, op, mapping, inode, flags, cred sim.Field
	path, pos, owner, ep, taskWork                   sim.Field
	posLock                                          locking.MutexFields
}

func newFields(l *sim.Layout) fields {
	return fields{
		ref: l.Field("f_ref"), lock: l.Field("f_lock"), mode: l.Field("f_mode"), op: l.Field("f_op"),
		mapping: l.Field("f_mapping"), inode: l.Field("f_inode"), flags: l.Field("f_flags"), cred: l.Field("f_cred"),
		path: l.Field("f_path"), pos: l.Field("f_pos"), owner: l.Field("f_owner"), ep: l.Field("f_ep"),
		taskWork: l.Field("f_task_work"), posLock: locking.MutexFieldsOf(l, "f_pos_lock"),
	}
}

// credLayout and statLayout are the two things that opening and closing a file
// shares with all other files of the process, and of the system.
var (
	credLayout = sim.NewLayout("cred", 184, 64, sim.F("usage", 0, 8))
	credUsage  = credLayout.Field("usage")

	statLayout = sim.NewLayout("files_stat", 64, 64, append(locking.PerCPUCounterMembers("nr_files", 0),
		sim.F("max_files", 40, 8))...)
	statMax = statLayout.Field("max_files")

	statPerCPU = sim.NewLayout("nr_files_percpu", 4, 4, sim.Arr("nr_files", 0, 4, 1))
)
