package schema

import (
	"strings"

	"mmsim/configs/units"
)

// Set gives one key a value, by address: "duration", "group.hitters.count",
// "kernel.layout_override.mm_struct.mm_lock_seq". Faults are placed at o.
func (t *Table[T]) Set(v *T, s *Source, address string, raw any, o Origin) error {
	concrete, err := t.assign(v, s, address, raw)
	if err != nil {
		return fault(o, address, err)
	}
	s.changed[concrete] = o
	return nil
}

// assign returns the concrete path of what it changed.
func (t *Table[T]) assign(v *T, s *Source, address string, raw any) (string, error) {
	for _, e := range t.entries {
		rest, below := under(address, e.key.Path)
		switch {
		case address == e.key.Path && e.set != nil:
			return address, e.set(v, raw)
		case below && e.list != nil:
			return e.list.set(v, s, e.key.Path, rest, raw)
		case below && e.member != nil:
			name := strings.Trim(rest, `"`)
			return join(e.key.Path, name), e.member(v, name, raw)
		}
	}
	return "", t.unknownAddress(v, address)
}

func (t *Table[T]) unknownAddress(v *T, address string) error {
	for _, e := range t.entries {
		if e.key.Path == address && e.list != nil {
			return Problem("an element and its key: "+strings.Join(e.list.addresses(v, address), ", "), "this is a list of tables")
		}
		if e.key.Path == address {
			return Problem("one of its members: "+address+".NAME", "this is a table")
		}
	}
	if t.isTable(address) {
		return Problem("one of its keys: "+strings.Join(t.children(address), ", "), "this is a table")
	}
	table := ""
	if i := strings.LastIndexByte(address, '.'); i >= 0 {
		table = address[:i]
	}
	expected := OneOf(t.children(table))
	return withHint(Problem(expected, "unknown key"), Nearest(address, t.Addresses(v)))
}

// KeyAt documents the key of an address.
func (t *Table[T]) KeyAt(v *T, address string) (Key, error) {
	for _, e := range t.entries {
		rest, below := under(address, e.key.Path)
		switch {
		case address == e.key.Path && e.list == nil, below && e.member != nil:
			return e.key, nil
		case below && e.list != nil:
			return e.list.keyAt(v, e.key.Path, rest)
		}
	}
	return Key{}, t.unknownAddress(v, address)
}

// Addresses lists what Set can change in v.
func (t *Table[T]) Addresses(v *T) []string {
	var out []string
	for _, e := range t.entries {
		switch {
		case e.list != nil:
			out = append(out, e.list.addresses(v, e.key.Path)...)
		case e.member == nil:
			out = append(out, e.key.Path)
		}
	}
	return out
}

// Idle lists the concrete paths that were given a value but have no effect in
// v as it stands (Entry.When).
func (t *Table[T]) Idle(v *T, s *Source) []string { return t.idle(v, s, "") }

func (t *Table[T]) idle(v *T, s *Source, base string) []string {
	var out []string
	for _, e := range t.entries {
		path := dotted(base, e.key.Path)
		switch {
		case e.list != nil:
			out = append(out, e.list.idle(v, s, path)...)
		case e.live != nil && !e.live(v) && s.Given(path):
			out = append(out, path)
		}
	}
	return out
}

// Needs says in words when the key of a concrete path has an effect.
func (t *Table[T]) Needs(path string) string {
	for _, k := range t.Keys() {
		if k.Path == pattern(path) {
			return k.Needs
		}
	}
	return ""
}

// pattern turns "group[0].count" into "group[].count".
func pattern(path string) string {
	var b strings.Builder
	skip := false
	for _, r := range path {
		if r == ']' {
			skip = false
		}
		if !skip {
			b.WriteRune(r)
		}
		if r == '[' {
			skip = true
		}
	}
	return b.String()
}

func withHint(err error, hint string) error {
	if u, ok := err.(*units.Error); ok && hint != "" {
		u.Hint = hint
	}
	return err
}
