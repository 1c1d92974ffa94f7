package sim

import "sort"

// Break names one fence, check or delay of a path that a checker can remove, to
// see whether anything depends on it ("mm-seqcount.reader-rmb"). Zero is none.
type Break uint8

// BreakInfo describes a break to users.
type BreakInfo struct {
	Break Break
	Name  string
	Title string // what is removed
}

var breaks []BreakInfo

// NewBreak declares a break, as a package variable of the path that asks
// CPU.Breaks for it.
func NewBreak(name, title string) Break {
	b := Break(len(breaks) + 1)
	breaks = append(breaks, BreakInfo{b, name, title})
	return b
}

// Breaks lists the declared breaks by name.
func Breaks() []BreakInfo {
	l := append([]BreakInfo(nil), breaks...)
	sort.Slice(l, func(i, j int) bool { return l[i].Name < l[j].Name })
	return l
}

// Breaks reports whether the executor runs the path with b taken out; outside
// of checks it never does.
func (c *CPU) Breaks(b Break) bool { return c.Broken == b }

// OrderUnless is the order o of an access, or none where b is taken out.
func (c *CPU) OrderUnless(b Break, o Order) Order {
	if c.Broken == b {
		return Relaxed
	}
	return o
}

// StoreReleaseUnless is a store-release whose order may be taken out.
func (c *CPU) StoreReleaseUnless(b Break, r Ref, v uint64) {
	if c.Broken == b {
		c.Store(r, v)
	} else {
		c.StoreRelease(r, v)
	}
}

// FenceUnless is a fence that may be taken out.
func (c *CPU) FenceUnless(b Break, f Fence) {
	if c.Broken != b {
		c.Fence(f)
	}
}
