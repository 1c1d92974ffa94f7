package explore

import "math/bits"

// The axiomatic models, written down as relations the way the published cat
// files have them: an independent statement of what the graph may look like.

// rel is a relation over at most 64 events; bit j of row i is (i, j).
type rel []uint64

func (a rel) or(bs ...rel) rel {
	r := append(rel(nil), a...)
	for _, b := range bs {
		for i := range r {
			r[i] |= b[i]
		}
	}
	return r
}

func (a rel) and(b rel) rel {
	r := append(rel(nil), a...)
	for i := range r {
		r[i] &= b[i]
	}
	return r
}

func (a rel) minus(b rel) rel {
	r := append(rel(nil), a...)
	for i := range r {
		r[i] &^= b[i]
	}
	return r
}

func (a rel) inv() rel {
	r := make(rel, len(a))
	for i, w := range a {
		for ; w != 0; w &= w - 1 {
			r[bits.TrailingZeros64(w)] |= 1 << i
		}
	}
	return r
}

// seq is a; b; ...
func (a rel) seq(bs ...rel) rel {
	for _, b := range bs {
		r := make(rel, len(a))
		for i, w := range a {
			for ; w != 0; w &= w - 1 {
				r[i] |= b[bits.TrailingZeros64(w)]
			}
		}
		a = r
	}
	return a
}

func (a rel) plus() rel {
	r := append(rel(nil), a...)
	for k := range r {
		for i := range r {
			if r[i]>>k&1 != 0 {
				r[i] |= r[k]
			}
		}
	}
	return r
}

func (a rel) opt() rel {
	r := append(rel(nil), a...)
	for i := range r {
		r[i] |= 1 << i
	}
	return r
}

func (a rel) star() rel { return a.plus().opt() }

func (a rel) irreflexive() bool {
	for i, w := range a {
		if w>>i&1 != 0 {
			return false
		}
	}
	return true
}

func (a rel) acyclic() bool { return a.plus().irreflexive() }

func (a rel) empty() bool {
	for _, w := range a {
		if w != 0 {
			return false
		}
	}
	return true
}

// id is the identity on a set of events.
func id(n int, set uint64) rel {
	r := make(rel, n)
	for i := range r {
		r[i] = set & (1 << i)
	}
	return r
}

// catExec is a candidate execution.
type catExec struct {
	n                                   int
	M, R, W, IW                         uint64
	Acq, Rel, NoRet, RMW                uint64
	Full                                uint64 // writes of arm64's LDADDAL
	MB, RMB, WMB, Before, After, AfterS uint64
	LKR, LKW, UL                        uint64
	Sync                                uint64
	po, ext, loc                        rel // loc: same location
	rf, co, rmw                         rel
	addr, data, ctrl                    rel
	rscs                                rel // lock to unlock
}

func (x *catExec) id(set uint64) rel { return id(x.n, set) }

// between is [a]; po; [f]; po; [b].
func (x *catExec) between(a, f, b uint64) rel {
	return x.id(a).seq(x.po, x.id(f), x.po, x.id(b))
}

func (x *catExec) fr() rel {
	return x.rf.inv().seq(x.co).minus(x.id(^uint64(0)))
}

// common is what all models ask for: coherence and atomicity.
func (x *catExec) common() bool {
	com := x.rf.or(x.co, x.fr())
	if !x.po.and(x.loc).or(com).acyclic() {
		return false
	}
	return x.rmw.and(x.fr().and(x.ext).seq(x.co.and(x.ext))).empty()
}

func (x *catExec) sc() bool {
	o := x.po.and(allPairs(x.n, x.M)).or(x.rf, x.co, x.fr())
	return x.common() && o.acyclic() && x.grace(o.star())
}

func (x *catExec) tso() bool {
	ppo := x.id(x.R).seq(x.po, x.id(x.M)).or(x.id(x.W).seq(x.po, x.id(x.W)))
	fence := x.between(x.M, x.MB, x.M)
	locked := x.po.seq(x.id(x.RMW)).or(x.id(x.RMW).seq(x.po)).and(allPairs(x.n, x.M))
	ghb := ppo.or(fence, locked, x.rf.and(x.ext), x.co, x.fr())
	return x.common() && ghb.acyclic() && x.grace(ghb.star())
}

func (x *catExec) arm() bool {
	coi := x.id(x.M).seq(x.po.and(x.loc), x.id(x.W))
	rfi := x.rf.minus(x.ext)
	dob := x.addr.or(x.data, x.ctrl.seq(x.id(x.W)), x.addr.seq(x.po, x.id(x.W)), x.addr.or(x.data).seq(rfi))
	last := uint64(0)
	for i := range x.n {
		if x.rmw.inv()[i] != 0 {
			last |= 1 << i
		}
	}
	aob := x.rmw.or(x.id(last).seq(rfi, x.id(x.Acq)))
	full := x.MB | x.Before | x.After | x.AfterS
	bob := x.between(x.M, full, x.M).or(
		x.between(x.R&^x.NoRet, x.RMB, x.M), x.between(x.W, x.WMB, x.W),
		x.id(x.Acq).seq(x.po), x.po.seq(x.id(x.Rel)), x.id(x.Rel).seq(x.po, x.id(x.Acq)),
		x.id(x.Full).seq(x.po))
	obs := x.rf.or(x.co, x.fr()).and(x.ext)
	ob := coi.or(dob, aob, bob, obs).and(allPairs(x.n, x.M))
	return x.common() && ob.acyclic() && x.grace(ob.star())
}

// grace is the RCU axiom over one order.
func (x *catExec) grace(order rel) bool {
	if x.Sync == 0 {
		return true
	}
	mo := order.and(allPairs(x.n, x.M)).or(x.id(x.M))
	link := x.po.opt().seq(mo, x.po).or(x.po)
	o := x.rcuOrder(link)
	return o.seq(link).irreflexive()
}

func (x *catExec) rcuOrder(link rel) rel {
	gp, back := x.id(x.Sync), x.rscs.inv()
	o := gp
	for {
		mid := link.or(link.seq(o, link))
		n := o.or(gp.seq(mid, back), back.seq(mid, gp), o.seq(link, o))
		if n.minus(o).empty() {
			return o
		}
		o = n
	}
}

func (x *catExec) lkmm() bool {
	all := allPairs(x.n, ^uint64(0))
	M, ext := x.M, x.ext
	in := all.minus(ext)
	fr := x.fr()
	po, rf, co := x.po, x.rf, x.co
	rfe, rfi := rf.and(ext), rf.minus(ext)
	R4 := x.R &^ x.NoRet
	rmb, wmb := x.between(R4, x.RMB, R4), x.between(x.W, x.WMB, x.W)
	mid := x.id(M)
	mb := x.between(M, x.MB, M).or(
		x.between(M, x.Before, x.RMW).seq(po.opt(), mid),
		mid.seq(po.opt(), x.id(x.RMW), po, x.id(x.After), po, mid),
		mid.seq(po.opt(), x.id(x.LKW), po, x.id(x.AfterS), po, mid))
	gp := po.seq(x.id(x.Sync), po.opt())
	strong := mb.or(gp)
	acqPo, poRel := x.id(x.Acq).seq(po, mid), mid.seq(po, x.id(x.Rel))
	unlockLock := po.seq(x.id(x.UL), po.or(rf), x.id(x.LKR), po)
	fence := strong.or(poRel, acqPo, wmb, rmb)
	carry := x.data.seq(rfi).star()
	addr, data, ctrl := carry.seq(x.addr), carry.seq(x.data), carry.seq(x.ctrl)
	dep := addr.or(data)
	overwrite := co.or(fr)
	toW := dep.or(ctrl).seq(x.id(x.W)).or(overwrite.and(in))
	toR := addr.seq(x.id(x.R)).or(dep.seq(rfi))
	ppo := toR.or(toW, fence.and(in), unlockLock.and(in))
	acumul := rfe.opt().seq(strong.or(poRel))
	cumul := mid.seq(acumul.or(wmb, unlockLock), mid, rf.seq(x.rmw).star())
	prop := overwrite.and(ext).opt().seq(cumul.star(), rfe.opt())
	hb := mid.seq(ppo.or(rfe, prop.minus(x.id(^uint64(0))).and(in)), mid)
	pb := prop.seq(strong, hb.star(), mid)
	if !x.common() || !hb.acyclic() || !pb.acyclic() {
		return false
	}
	link := po.opt().seq(hb.star(), pb.star(), prop, po)
	rb := prop.seq(po, x.rcuOrder(link), po.opt(), hb.star(), pb.star(), mid)
	return rb.irreflexive()
}

func allPairs(n int, set uint64) rel {
	r := make(rel, n)
	for i := range r {
		if set>>i&1 != 0 {
			r[i] = set
		}
	}
	return r
}

func (x *catExec) consistent(m Model) bool {
	switch m {
	case SC:
		return x.sc()
	case X86TSO:
		return x.tso()
	case ARM64:
		return x.arm()
	}
	return x.lkmm()
}
