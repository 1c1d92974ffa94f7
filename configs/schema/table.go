package schema

import (
	"strings"
)

// Role says what a key is for.
type Role uint8

const (
	// Model keys determine what a run computes.
	Model Role = iota
	// Naming keys name things in records; no measured value depends on them.
	Naming
	// Plan keys choose which runs there are (sweeps, designs, seeds).
	Plan
	// Descriptive keys are for readers; no result depends on them.
	Descriptive
)

// String names the role in documentation.
func (r Role) String() string { return [...]string{"model", "naming", "plan", "descriptive"}[r] }

// Key documents one key.
type Key struct {
	// Path with "[]" for an element of a list of tables and "*" for a free
	// name: "cache.l1d.size", "group[].count", "kernel.layout_override.*".
	Path     string
	Kind     string   // "size", "time", "choice", ...
	Expected string   // what a value looks like
	Values   []string // all values of a choice
	Default  string   // as in TOML; "" if there is none
	Required bool
	Role     Role
	Needs    string // when the key has an effect; "" if always
	Doc      string
}

// Table is the schema of a document, or of one element of a list of tables.
type Table[T any] struct {
	// Fresh makes a value with every default filled in.
	Fresh   func() T
	entries []*Entry[T]
}

// Entry is one key of a table, one list of tables, or one table of free names.
type Entry[T any] struct {
	key    Key // Path is the name within the table: "cache.l1d.size"
	set    func(t *T, raw any) error
	get    func(t *T) any
	live   func(t *T) bool
	list   lister[T]
	member func(t *T, name string, raw any) error // of a table of free names
}

// Bind adds a key whose value lives at a place in T.
func Bind[T, V any](t *Table[T], name string, k Kind[V], doc string, at func(*T) *V) *Entry[T] {
	e := &Entry[T]{
		key: Key{Path: name, Kind: k.Name, Expected: k.Expected, Values: k.Values, Doc: doc},
		set: func(dst *T, raw any) error {
			v, err := k.Parse(raw)
			if err == nil {
				*at(dst) = v
			}
			return err
		},
		get: func(src *T) any { return k.Format(*at(src)) },
	}
	t.entries = append(t.entries, e)
	return e
}

// Required makes a document without the key wrong.
func (e *Entry[T]) Required() *Entry[T] { e.key.Required = true; return e }

// Role states what the key is for; the default is Model.
func (e *Entry[T]) Role(r Role) *Entry[T] { e.key.Role = r; return e }

// When states in words and code when the key has an effect. Where it has none
// it is not written, and Idle names it if it was given.
func (e *Entry[T]) When(needs string, live func(*T) bool) *Entry[T] {
	e.key.Needs, e.live = needs, live
	return e
}

// Member is one entry of a table of free names.
type Member struct {
	Name  string
	Value any
}

// Members adds a table of free names, such as "struct.field" = offset, whose
// order may matter.
func Members[T, V any](t *Table[T], name string, k Kind[V], doc string,
	set func(dst *T, name string, v V) error, get func(*T) []Member) *Entry[T] {
	e := &Entry[T]{
		key: Key{Path: name, Kind: "table of " + k.Name, Expected: "a table whose values are each " + k.Expected, Doc: doc},
		member: func(dst *T, name string, raw any) error {
			v, err := k.Parse(raw)
			if err != nil {
				return err
			}
			return set(dst, name, v)
		},
		get: func(src *T) any {
			return get(src)
		},
	}
	t.entries = append(t.entries, e)
	return e
}

// Keys documents every key, in the order of the table.
func (t *Table[T]) Keys() []Key {
	fresh := t.Fresh()
	var out []Key
	for _, e := range t.entries {
		if e.list != nil {
			out = append(out, e.list.keys(e.key.Path+"[].")...)
			continue
		}
		k := e.key
		if e.member != nil {
			k.Path += ".*"
		} else if v := e.get(&fresh); v != nil && !k.Required {
			k.Default = inline(v)
		}
		out = append(out, k)
	}
	return out
}

func (t *Table[T]) entry(name string) *Entry[T] {
	for _, e := range t.entries {
		if e.key.Path == name {
			return e
		}
	}
	return nil
}

// isTable reports whether keys of the schema lie under the name.
func (t *Table[T]) isTable(name string) bool {
	for _, e := range t.entries {
		if strings.HasPrefix(e.key.Path, name+".") {
			return true
		}
	}
	return false
}

// children are the names that may stand in the table of the given name.
func (t *Table[T]) children(table string) []string {
	var out []string
	for _, e := range t.entries {
		rest, ok := under(e.key.Path, table)
		if !ok {
			continue
		}
		child, _, _ := strings.Cut(rest, ".")
		if len(out) == 0 || out[len(out)-1] != child {
			out = append(out, child)
		}
	}
	return out
}
