// Package segcblist is rcu_segcblist (kernel/rcu/rcu_segcblist.c) on simulated
// memory: the callback list of RCU, SRCU and Tasks RCU. It is one chain of
// rcu_heads that tails cut into four segments, of callbacks that may run, that
// wait for a grace period, that wait for the one after it, and that wait for
// none yet. The caller keeps others out.
package segcblist

import "mmsim/sim"

// The segments, in the order of the chain.
const (
	Done      = iota // grace period over
	Wait             // wait for the grace period gp_seq[Wait]
	NextReady        // wait for the grace period gp_seq[NextReady]
	Next             // not assigned to a grace period yet
	numSegs
)

// Bytes is the size of an rcu_segcblist.
const Bytes = 112

// Offsets of the members.
const (
	headOff   = 0
	tailsOff  = 8
	gpSeqOff  = 40
	lenOff    = 72
	seglenOff = 80
)

// Members declares an rcu_segcblist at offset off of the embedding struct;
// prefix is "name." of the member.
func Members(prefix string, off uint32) []sim.Field {
	return []sim.Field{
		sim.F(prefix+"head", off+headOff, 8),
		sim.Arr(prefix+"tails", off+tailsOff, 8, numSegs),
		sim.Arr(prefix+"gp_seq", off+gpSeqOff, 8, numSegs),
		sim.F(prefix+"len", off+lenOff, 8),
		sim.Arr(prefix+"seglen", off+seglenOff, 8, numSegs),
	}
}

// HeadBytes is the size of an rcu_head {next, func}, which lies in the object
// that the callback is for.
const HeadBytes = 16

// HeadNext is the next word of an rcu_head.
func HeadNext(h sim.Ptr) sim.Ref { return h.Ref(0, 8) }

// HeadFunc is the func word of an rcu_head.
func HeadFunc(h sim.Ptr) sim.Ref { return h.Ref(8, 8) }

// List is an rcu_segcblist.
type List struct{ p sim.Ptr }

// At is the list at p.
func At(p sim.Ptr) List { return List{p} }

func (l List) head() sim.Ref          { return l.p.Ref(headOff, 8) }
func (l List) tail(seg int) sim.Ref   { return l.p.Ref(tailsOff+8*uint64(seg), 8) }
func (l List) gpSeq(seg int) sim.Ref  { return l.p.Ref(gpSeqOff+8*uint64(seg), 8) }
func (l List) seglen(seg int) sim.Ref { return l.p.Ref(seglenOff+8*uint64(seg), 8) }
func (l List) len() sim.Ref           { return l.p.Ref(lenOff, 8) }

// link is the pointer that a tail designates: the next field of the last
// rcu_head, or the list's head.
func link(tail uint64) sim.Ref { return sim.At(sim.Addr(tail)).Ref(0, 8) }

// Init is rcu_segcblist_init.
func (l List) Init(c *sim.CPU) {
	for seg := range numSegs {
		c.Store(l.tail(seg), uint64(l.head().A))
	}
}

// Len is rcu_segcblist_n_cbs: callbacks queued and not run to their end. Any
// CPU may load it.
func (l List) Len(c *sim.CPU) uint64 { return c.Load(l.len()) }

// AddLen is rcu_segcblist_add_len: full barriers on both sides, which
// rcu_barrier relies on.
func (l List) AddLen(c *sim.CPU, n uint64) {
	c.Fence(sim.MBBeforeAtomic)
	c.AtomicAdd(l.len(), n)
	c.Fence(sim.MBAfterAtomic)
}

// SegLen is rcu_segcblist_get_seglen.
func (l List) SegLen(c *sim.CPU, seg int) uint64 { return c.Load(l.seglen(seg)) }

func (l List) addSegLen(c *sim.CPU, seg int, n uint64) {
	c.Store(l.seglen(seg), c.Load(l.seglen(seg))+n)
}

func (l List) moveSegLen(c *sim.CPU, from, to int) {
	if n := c.Load(l.seglen(from)); from != to && n != 0 {
		l.addSegLen(c, to, n)
		c.Store(l.seglen(from), 0)
	}
}

// SegEmpty is rcu_segcblist_segempty.
func (l List) SegEmpty(c *sim.CPU, seg int) bool {
	if seg == Done {
		return !l.Ready(c)
	}
	return c.Load(l.tail(seg-1)) == c.Load(l.tail(seg))
}

// RestEmpty is rcu_segcblist_restempty: no callbacks behind seg.
func (l List) RestEmpty(c *sim.CPU, seg int) bool { return c.Load(link(c.Load(l.tail(seg)))) == 0 }

// Ready is rcu_segcblist_ready_cbs: there are callbacks that may run.
func (l List) Ready(c *sim.CPU) bool { return c.Load(l.tail(Done)) != uint64(l.head().A) }

// Enqueue is rcu_segcblist_enqueue: h becomes the last callback, without a
// grace period.
func (l List) Enqueue(c *sim.CPU, h sim.Ptr) {
	l.AddLen(c, 1)
	l.addSegLen(c, Next, 1)
	c.Store(HeadNext(h), 0)
	c.Store(link(c.Load(l.tail(Next))), uint64(h.A))
	c.Store(l.tail(Next), uint64(HeadNext(h).A))
}

// Entrain is rcu_segcblist_entrain: h goes behind the last callback, into its
// segment, and so runs behind all that are queued now. It fails on an empty
// list.
func (l List) Entrain(c *sim.CPU, h sim.Ptr) bool {
	if l.Len(c) == 0 {
		return false
	}
	l.AddLen(c, 1)
	c.SmpMB()
	c.Store(HeadNext(h), 0)
	seg := Next
	for seg > Done && l.SegEmpty(c, seg) {
		seg--
	}
	l.addSegLen(c, seg, 1)
	c.Store(link(c.Load(l.tail(seg))), uint64(h.A))
	for ; seg < numSegs; seg++ {
		c.Store(l.tail(seg), uint64(HeadNext(h).A))
	}
	return true
}

// Advance is rcu_segcblist_advance: callbacks whose grace period is over at seq
// may run.
func (l List) Advance(c *sim.CPU, seq uint64) {
	if l.RestEmpty(c, Done) {
		return
	}
	i := Wait
	for ; i < Next && c.Load(l.gpSeq(i)) <= seq; i++ {
		c.Store(l.tail(Done), c.Load(l.tail(i)))
		l.moveSegLen(c, i, Done)
	}
	if i != Wait {
		l.compact(c, i)
	}
}

// compact is rcu_segcblist_advance_compact: the segments from i on move up to
// Wait.
func (l List) compact(c *sim.CPU, i int) {
	for j := Wait; j < i; j++ {
		c.Store(l.tail(j), c.Load(l.tail(Done)))
	}
	for j := Wait; i < Next && c.Load(l.tail(j)) != c.Load(l.tail(Next)); i, j = i+1, j+1 {
		c.Store(l.tail(j), c.Load(l.tail(i)))
		l.moveSegLen(c, i, j)
		c.Store(l.gpSeq(j), c.Load(l.gpSeq(i)))
	}
}

// Accelerate is rcu_segcblist_accelerate: callbacks without a grace period, and
// such that wait for a later one, wait for seq from now on. It reports whether
// there were any.
func (l List) Accelerate(c *sim.CPU, seq uint64) bool {
	if l.RestEmpty(c, Done) {
		return false
	}
	i := NextReady
	for ; i > Done; i-- {
		if !l.SegEmpty(c, i) && c.Load(l.gpSeq(i)) < seq {
			break
		}
	}
	if l.RestEmpty(c, i) || i+1 >= Next {
		return false
	}
	i++
	for j := i + 1; j <= Next; j++ {
		l.moveSegLen(c, j, i)
	}
	for ; i < Next; i++ {
		c.Store(l.tail(i), c.Load(l.tail(Next)))
		c.Store(l.gpSeq(i), seq)
	}
	return true
}

// Batch is an rcu_cblist on the stack of who runs it: a chain of callbacks
// taken off a list.
type Batch struct {
	head sim.Ptr
	tail uint64
	n    uint64
}

// Len is the number of callbacks that were taken and not dequeued.
func (b *Batch) Len() uint64 { return b.n }

// Dequeue is rcu_cblist_dequeue: the first callback, null if there is none.
func (b *Batch) Dequeue(c *sim.CPU) sim.Ptr {
	h := b.head
	if !h.IsNull() {
		b.head = c.LoadPtr(HeadNext(h))
		b.n--
	}
	return h
}

// ExtractDone is rcu_segcblist_extract_done_cbs. Len still counts the callbacks
// until AddLen takes them off.
func (l List) ExtractDone(c *sim.CPU) (b Batch) {
	if !l.Ready(c) {
		return b
	}
	b.n = l.SegLen(c, Done)
	b.head = c.LoadPtr(l.head())
	b.tail = c.Load(l.tail(Done))
	c.Store(l.head(), c.Load(link(b.tail)))
	c.Store(link(b.tail), 0)
	for i := Next; i >= Done; i-- {
		if c.Load(l.tail(i)) == b.tail {
			c.Store(l.tail(i), uint64(l.head().A))
		}
	}
	c.Store(l.seglen(Done), 0)
	return b
}

// InsertDone is rcu_segcblist_insert_done_cbs: what is left of a batch goes
// back to the front.
func (l List) InsertDone(c *sim.CPU, b *Batch) {
	if b.head.IsNull() {
		return
	}
	l.addSegLen(c, Done, b.n)
	c.Store(link(b.tail), c.Load(l.head()))
	c.Store(l.head(), uint64(b.head.A))
	for i := Done; i < numSegs && c.Load(l.tail(i)) == uint64(l.head().A); i++ {
		c.Store(l.tail(i), b.tail)
	}
	*b = Batch{}
}

// Pending is rcu_segcblist_pend_cbs: there are callbacks that may not run yet.
func (l List) Pending(c *sim.CPU) bool { return !l.RestEmpty(c, Done) }
