package litmus

import "fmt"

// Pos is a place in a file. Lines and columns count from 1, columns in bytes.
type Pos struct{ Line, Col int }

// Error is what is wrong with a litmus file, and where.
type Error struct {
	File string
	Pos
	Problem  string
	Expected string // what could have stood there; may be empty
	// Construct names a construct that is C but not of the litmus language, or
	// that this package does not run; empty for malformed files.
	Construct string
}

// Error is file:line:col: problem; expected ....
func (e *Error) Error() string {
	s := fmt.Sprintf("%s:%d:%d: %s", e.File, e.Line, e.Col, e.Problem)
	if e.Expected != "" {
		s += "; expected " + e.Expected
	}
	return s
}

// Unsupported reports whether the file is outside of the language rather than
// malformed.
func (e *Error) Unsupported() bool { return e.Construct != "" }

// malformed makes an Error without its file, which Parse fills in.
func malformed(at Pos, expected, format string, args ...any) *Error {
	return &Error{Pos: at, Problem: fmt.Sprintf(format, args...), Expected: expected}
}

func unsupported(at Pos, construct string) *Error {
	return &Error{Pos: at, Problem: construct + " is not supported", Construct: construct}
}
