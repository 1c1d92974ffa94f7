package explore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// A token is "model:memory:schedule:choices:seal": memory is g for the execution
// graph and d for plain memory, the schedule is segments such as 0.12 (context 0
// for 12 operations), i1.4 (an interrupt of CPU 1) t0.2 (a timer of CPU
// 0) and k0.3 (its tick), choices are op.back or op.back.cond, and the seal is a
// checksum of what a replay must show.

// token names the recorded execution; the seal is added when it is replayed.
func (r *record) token(model Model, graph bool) string {
	var b strings.Builder
	mem := "d"
	if graph {
		mem = "g"
	}
	fmt.Fprintf(&b, "%v:%s:", model, mem)
	for i, s := range r.segs {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%s%d.%d", [...]string{"", "i", "t", "k"}[s.kind], s.id, s.ops)
	}
	b.WriteByte(':')
	for i, p := range r.pasts {
		if i > 0 {
			b.WriteByte(',')
		}
		fmt.Fprintf(&b, "%d.%d", p.op, p.back)
		if p.cond != 0 {
			fmt.Fprintf(&b, ".%d", p.cond)
		}
	}
	return b.String()
}

var errToken = errors.New("malformed token")

// parseToken is the inverse of token.
func parseToken(t string) (model Model, graph bool, r record, err error) {
	f := strings.Split(t, ":")
	if len(f) != 4 || f[1] != "g" && f[1] != "d" {
		return 0, false, r, errToken
	}
	if model, err = ParseModel(f[0]); err != nil {
		return 0, false, r, err
	}
	for _, s := range fields(f[2]) {
		g := segment{}
		switch {
		case strings.HasPrefix(s, "i"):
			g.kind, s = segIRQ, s[1:]
		case strings.HasPrefix(s, "t"):
			g.kind, s = segTimer, s[1:]
		case strings.HasPrefix(s, "k"):
			g.kind, s = segTick, s[1:]
		}
		n, err := numbers(s, 2, 2)
		if err != nil {
			return 0, false, r, err
		}
		g.id, g.ops = n[0], n[1]
		r.segs = append(r.segs, g)
	}
	for _, s := range fields(f[3]) {
		n, err := numbers(s, 2, 3)
		if err != nil {
			return 0, false, r, err
		}
		r.pasts = append(r.pasts, past{op: n[0], back: n[1], cond: int8(n[2])})
	}
	return model, f[1] == "g", r, nil
}

func fields(s string) []string {
	if s == "" {
		return nil
	}
	return strings.Split(s, ",")
}

// numbers parses between lo and hi numbers separated by dots; missing ones are
// zero.
func numbers(s string, lo, hi int) (n [3]int32, err error) {
	f := strings.Split(s, ".")
	if len(f) < lo || len(f) > hi {
		return n, errToken
	}
	for i, s := range f {
		v, err := strconv.ParseInt(s, 10, 32)
		if err != nil || v < -1 {
			return n, errToken
		}
		n[i] = int32(v)
	}
	return n, nil
}
