// Package coherence is the memory system beyond a core's pipeline: private
// cache states, the directory, the last-level caches, the interconnect, and
// the transactions between them as events in virtual time.
package coherence

// State is the state of a line in one core's private caches.
type State uint8

const (
	I State = iota
	S       // clean or dirty elsewhere, readable
	F       // MESIF: the clean copy that answers for all sharers
	O       // MOESI: the dirty copy that answers; others may hold S
	E       // the only copy, clean
	M       // the only copy, dirty
)

// String is the state's letter.
func (s State) String() string { return "ISFOEM"[s : s+1] }

// Readable reports whether a load may use the copy.
func (s State) Readable() bool { return s != I }

// Writable reports whether a store may use the copy at once.
func (s State) Writable() bool { return s >= E }

// Dirty reports whether memory and LLC may be stale.
func (s State) Dirty() bool { return s == M || s == O }

// DirState is what the directory knows about a line's private copies.
type DirState uint8

const (
	Uncached  DirState = iota // no private copy
	Shared                    // clean copies
	Exclusive                 // one copy, E or M: the directory cannot tell (silent upgrade)
	Owned                     // one O copy and any number of S copies
)

// Request is what a core asks of the memory system.
type Request uint8

const (
	GetS   Request = iota // a copy to read
	GetX                  // the right to write, with data unless the requester has it
	FarOp                 // execute an atomic at the home
	Recall                // an inclusive LLC takes a line out of the private caches
	NumReqs
)

// String names the request.
func (r Request) String() string { return [...]string{"GetS", "GetX", "FarOp", "Recall"}[r] }

// Snoop is what the directory asks of a core that has a copy.
type Snoop uint8

const (
	SnoopShare      Snoop = iota // supply data, keep a readable copy
	SnoopInvalidate              // give the copy up, supply data if asked for it
)

// Supplier is where the data of an answer comes from.
type Supplier uint8

const (
	FromNobody    Supplier = iota // the requester has the data already
	FromOwner                     // the core in E, M or O
	FromForwarder                 // the core in F
	FromMemory                    // an LLC that has it, else DRAM at the home
)

// Plan is the directory's answer to a request: a pure function of what it
// knows. The timed engine, the random tester and the exhaustive walk all act
// on this plan and on OnSnoop, so there is one protocol.
type Plan struct {
	Supplier Supplier
	// Invalidate: every private copy except the requester's is taken away.
	Invalidate bool
	// Grant is the requester's state at completion. GetS in Uncached grants E.
	Grant State
	// Next is the directory state at completion. A supplier that turns out
	// dirty and stays the owner (OnSnoop returns O) makes Shared into Owned.
	Next DirState
}

// Serve plans the answer to a request. held is the requester's own state when
// the request is accepted; haveForwarder says that some core holds F; anyLLC
// that some LLC can supply the line.
func Serve(p Protocol, dir DirState, req Request, held State, haveForwarder, anyLLC bool) Plan {
	if req == GetS {
		return serveRead(p, dir, haveForwarder, anyLLC)
	}
	pl := Plan{Invalidate: true, Grant: M, Next: Exclusive}
	if req != GetX {
		pl.Grant, pl.Next = I, Uncached
	}
	switch {
	case held != I && req == GetX:
		pl.Supplier = FromNobody
	case dir == Exclusive || dir == Owned:
		pl.Supplier = FromOwner
	case dir == Shared && haveForwarder && !anyLLC:
		pl.Supplier = FromForwarder
	default:
		pl.Supplier = FromMemory
	}
	return pl
}

func serveRead(p Protocol, dir DirState, haveForwarder, anyLLC bool) Plan {
	grant := S
	if p == MESIF && (dir != Shared || !haveForwarder || !anyLLC) {
		grant = F // the newest reader answers from now on; an F that was not asked stays the only one
	}
	switch dir {
	case Uncached:
		return Plan{Supplier: FromMemory, Grant: E, Next: Exclusive}
	case Exclusive:
		return Plan{Supplier: FromOwner, Grant: grant, Next: Shared}
	case Owned:
		return Plan{Supplier: FromOwner, Grant: S, Next: Owned}
	}
	pl := Plan{Supplier: FromMemory, Grant: grant, Next: Shared}
	if haveForwarder && !anyLLC {
		pl.Supplier = FromForwarder
	}
	return pl
}

// OnSnoop is a core's reaction: its state afterwards, and whether the dirty
// data goes to the home (LLC or memory) because nobody is left who answers for
// it.
func OnSnoop(p Protocol, s State, n Snoop) (next State, writeBack bool) {
	if n == SnoopInvalidate {
		return I, false
	}
	switch s {
	case M:
		if p == MOESI {
			return O, false
		}
		return S, true
	case O:
		return O, false
	case E, F:
		return S, false
	}
	return s, false
}
