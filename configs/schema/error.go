package schema

import (
	"errors"
	"fmt"
	"strings"

	"mmsim/configs/units"
)

// Origin says where a value was given: a place in a file, or a flag.
type Origin struct {
	File      string
	Line, Col int
	Flag      string // "--set"; then there is no file
}

// before orders faults of one file as they stand in it.
func (o Origin) before(p Origin) bool {
	if o.Line != p.Line {
		return o.Line < p.Line
	}
	return o.Col < p.Col
}

// Error is one fault of a configuration.
type Error struct {
	Origin   Origin
	Key      string
	Problem  string
	Expected string // "" if nothing useful can be said
	Hint     string // a near miss
}

// Error prints "file:line:column: key: problem; expected ...; did you mean
// ...?", or "--set key: ..." or "--seeds: ..." for a flag.
func (e *Error) Error() string {
	var b strings.Builder
	switch {
	case e.Origin.Flag != "":
		b.WriteString(e.Origin.Flag)
		if e.Origin.Flag == "--set" {
			b.WriteString(" " + e.Key)
		}
		b.WriteString(": ")
	case e.Origin.File != "":
		fmt.Fprintf(&b, "%s:%d:%d: ", e.Origin.File, e.Origin.Line, e.Origin.Col)
	}
	if e.Key != "" && e.Origin.Flag == "" {
		b.WriteString(e.Key + ": ")
	}
	b.WriteString((&units.Error{Problem: e.Problem, Expected: e.Expected, Hint: e.Hint}).Error())
	return oneLine.Replace(b.String())
}

// oneLine keeps a fault on one line when it quotes the text.
var oneLine = strings.NewReplacer("\r", `\r`, "\n", `\n`)

// fault places a problem.
func fault(o Origin, key string, err error) *Error {
	e := &Error{Origin: o, Key: key, Problem: err.Error()}
	var u *units.Error
	if errors.As(err, &u) {
		e.Problem, e.Expected, e.Hint = u.Problem, u.Expected, u.Hint
	}
	return e
}

// Problem makes a fault without a place, for a Kind's Parse and for checks.
func Problem(expected, format string, args ...any) error {
	return &units.Error{Problem: fmt.Sprintf(format, args...), Expected: expected}
}

// maxListed is how many names an error lists beside a near miss.
const maxListed = 20

// Unknown is the fault of a name that is none of those known.
func Unknown(what, name string, known []string) error {
	e := &units.Error{Problem: fmt.Sprintf("unknown %s %q", what, name), Hint: Nearest(name, known)}
	if e.Hint == "" || len(known) <= maxListed {
		e.Expected = OneOf(known)
	}
	return e
}

// OneOf lists alternatives in words.
func OneOf(names []string) string {
	switch len(names) {
	case 0:
		return ""
	case 1:
		return names[0]
	}
	return "one of " + strings.Join(names, ", ")
}

// inside places a fault at an element of a value.
type inside struct {
	sub string
	error
}

func (e *inside) Unwrap() error { return e.error }

// At says that the fault is at a part of the value: "[2]", "[2].clock".
func At(sub string, err error) error {
	var in *inside
	if errors.As(err, &in) {
		return &inside{sub + in.sub, in.error}
	}
	return &inside{sub, err}
}

// where is the part of a value that a fault is at.
func where(err error) string {
	var in *inside
	if errors.As(err, &in) {
		return in.sub
	}
	return ""
}
