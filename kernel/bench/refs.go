package bench

import (
	"fmt"

	"mmsim/kernel"
	"mmsim/kernel/kmem"
	"mmsim/kernel/locking/kinds"
	"mmsim/sim"
)

// Refs are pointers to objects that readers follow and updaters replace: a
// routing entry, a file, a VMA. The kind says what keeps an object from being
// freed under a reader.
type Refs struct {
	b      *kernel.Base
	locks  kinds.Options
	scheme scheme
	roots  []sim.Ptr
	own    []lines
	cache  *kmem.Cache
	object objectFields
}

// scheme is one way to protect readers.
type scheme interface {
	// read runs the section on what root i points to.
	read(c *sim.CPU, r *Refs, i int, s *Section)
	// replace lets root i point to another object and frees the old one when
	// no reader can be using it.
	replace(c *sim.CPU, r *Refs, i int)
}

type schemeKind struct {
	Variant
	make func(r *Refs) (scheme, error)
}

// RefKinds lists the designs of paths ref-bench and ref-update.
func RefKinds() []Variant {
	var out []Variant
	for _, k := range schemeKinds() {
		out = append(out, k.Variant)
	}
	return out
}

var rootLayout = sim.NewLayout("ref_root", 64, 64, sim.F("pointer", 0, 8), sim.F("update_lock", 8, 4))

var (
	rootPointer = rootLayout.Field("pointer")
	rootLock    = rootLayout.Field("update_lock")
)

// objectFields is the layout of an object: a reference count and an rcu_head in
// the first line, as in most kernel structs, and further lines of data. Every
// word of data holds the object's stamp.
type objectFields struct {
	layout            *sim.Layout
	refs, stamp, head sim.Field
	lineBytes         uint64
	lines             int
}

func newObjectFields(s Sizes) objectFields {
	bytes := uint32((1 + max(1, s.SharedLines)) * s.LineBytes)
	l := sim.NewLayout("ref_object", bytes, uint32(s.LineBytes),
		sim.F("refs", 0, 4), sim.F("stamp", 8, 8), sim.Arr("rcu_head", 16, 8, 2),
		sim.Arr("word", uint32(s.LineBytes), 8, uint16((bytes-uint32(s.LineBytes))/8)))
	return objectFields{l, l.Field("refs"), l.Field("stamp"), l.Field("rcu_head"), uint64(s.LineBytes), s.SharedLines}
}

// MaxObjectLines is how many lines an object can have behind its first: it has
// to fit a page.
func MaxObjectLines(lineBytes int) int { return sim.PageBytes/lineBytes - 1 }

// freed is what the words of a freed object hold.
const freed = 0x6b6b6b6b6b6b6b6b

// NewRefs allocates the roots, each with its first object; o is for kinds that
// are locks.
func NewRefs(b *kernel.Base, kind string, o kinds.Options, s Sizes) (*Refs, error) {
	if limit := MaxObjectLines(s.LineBytes); s.SharedLines > limit {
		return nil, fmt.Errorf("%d lines of an object, at most %d", s.SharedLines, limit)
	}
	r := &Refs{b: b, locks: o, own: ownLines(b, s), object: newObjectFields(s)}
	r.cache = b.NewCache(r.object.layout, kmem.CacheOptions{})
	c := sim.NewDirect(b.Arena.Mem)
	for range s.Objects {
		root := b.Arena.Object(rootLayout, "")
		r.roots = append(r.roots, root)
		c.Store(root.F(rootPointer), uint64(r.alloc(c).A))
	}
	for _, k := range schemeKinds() {
		if k.Name == kind {
			var err error
			r.scheme, err = k.make(r)
			return r, err
		}
	}
	return nil, fmt.Errorf("unknown protection %q", kind)
}

// Len is the number of roots.
func (r *Refs) Len() int { return len(r.roots) }

// Read looks root i up, does the section on the object and lets it go.
func (r *Refs) Read(c *sim.CPU, i int, s *Section) {
	prev := c.Step(stepAcquire)
	r.scheme.read(c, r, i, s)
	c.Step(prev)
	r.b.Sched.CondResched(c)
}

// Replace gives root i another object.
func (r *Refs) Replace(c *sim.CPU, i int) {
	prev := c.Step(stepUpdate)
	r.scheme.replace(c, r, i)
	c.Step(prev)
	r.b.Sched.CondResched(c)
}

func (r *Refs) pointer(i int) sim.Ref { return r.roots[i].F(rootPointer) }

// use is the section on an object that is protected; false means that the
// object's words are not of one stamp. It leaves the thread in the release step.
func (r *Refs) use(c *sim.CPU, obj sim.Ptr, s *Section) (whole bool) {
	c.Step(stepSection)
	r.own[c.Task].bump(c, 0, s.OwnLines)
	stamp := c.Load(obj.F(r.object.stamp))
	whole = stamp != freed
	for i := range s.SharedReads {
		whole = c.Load(r.dataWord(obj, i)) == stamp && whole
	}
	if s.Hold > 0 {
		c.Compute(s.Hold)
	}
	whole = c.Load(obj.F(r.object.stamp)) == stamp && whole
	c.Step(stepRelease)
	return whole
}

// mustUse is use where the object cannot change under the reader.
func (r *Refs) mustUse(c *sim.CPU, obj sim.Ptr, s *Section) {
	if !r.use(c, obj, s) {
		panic(fmt.Sprintf("bench: a reader's object at %#x was freed or changed under it", uint64(obj.A)))
	}
}

func (r *Refs) dataWord(obj sim.Ptr, i int) sim.Ref {
	return obj.Ref(uint64(1+i)*r.object.lineBytes, 8)
}

// alloc makes an object with one reference. Its stamp is the time, so that a
// reader notices an object that was freed and allocated again under it.
func (r *Refs) alloc(c *sim.CPU) sim.Ptr {
	obj := r.cache.Alloc(c)
	r.fill(c, obj)
	c.Store(obj.F(r.object.refs), 1)
	return obj
}

func (r *Refs) fill(c *sim.CPU, obj sim.Ptr) {
	stamp := uint64(c.Now()) + 1
	c.Store(obj.F(r.object.stamp), stamp)
	for i := range r.object.lines {
		c.Store(r.dataWord(obj, i), stamp)
	}
}

// free poisons an object and gives it back.
func (r *Refs) free(c *sim.CPU, obj sim.Ptr) {
	c.Store(obj.F(r.object.stamp), freed)
	r.cache.Free(c, obj)
}

// swap lets root i point to a new object and returns the old one. Updaters of
// a root exclude each other by its spinlock.
func (r *Refs) swap(c *sim.CPU, i int) (old sim.Ptr) {
	obj := r.alloc(c)
	lock := r.b.Spin.At(r.roots[i].F(rootLock))
	lock.Lock(c)
	old = r.publish(c, i, obj)
	lock.Unlock(c)
	return old
}

// publish is rcu_replace_pointer.
func (r *Refs) publish(c *sim.CPU, i int, obj sim.Ptr) (old sim.Ptr) {
	old = c.LoadPtr(r.pointer(i))
	c.StoreRelease(r.pointer(i), uint64(obj.A))
	return old
}
