package schema

import (
	"sort"
	"strings"
)

// Source remembers where the values of a decoded document came from, so that
// a check that runs later still points at the right place.
type Source struct {
	doc     *Document
	changed map[string]Origin // concrete paths that Set changed
	shown   map[string]string // "group[0]" -> "group.hitters"
}

// Clone copies the memory of a source.
func (s *Source) Clone() *Source {
	c := &Source{s.doc, make(map[string]Origin, len(s.changed)), make(map[string]string, len(s.shown))}
	for k, v := range s.changed {
		c.changed[k] = v
	}
	for k, v := range s.shown {
		c.shown[k] = v
	}
	return c
}

// File is the name of the document.
func (s *Source) File() string { return s.doc.File }

// Given reports whether a concrete path was given a value, by file or flag.
func (s *Source) Given(path string) bool {
	_, inFile := s.doc.pos[path]
	_, changed := s.changed[path]
	return inFile || changed
}

// Changed reports whether Set gave a concrete path its value.
func (s *Source) Changed(path string) bool { _, ok := s.changed[path]; return ok }

// Origin is where the value of a concrete path came from; for a default, where
// it would stand.
func (s *Source) Origin(path string) Origin {
	for p := path; p != ""; p = parent(p) {
		if o, ok := s.changed[p]; ok {
			return o
		}
	}
	return s.doc.value(path)
}

// Fault places a fault at the value of a concrete path ("group[0].count").
func (s *Source) Fault(path string, err error) *Error {
	return fault(s.Origin(path+where(err)), s.show(path+where(err)), err)
}

// FaultAt places a fault elsewhere than its key: at what changed it.
func FaultAt(o Origin, key string, err error) *Error { return fault(o, key, err) }

// show writes a concrete path as a user would address it.
func (s *Source) show(path string) string {
	for p := path; p != ""; p = parent(p) {
		if name, ok := s.shown[p]; ok {
			return name + path[len(p):]
		}
	}
	return path
}

type decoder struct {
	doc    *Document
	src    *Source
	faults []*Error
	// missing keys are reported only if nothing else is wrong: one of the
	// other faults may be the key misspelt.
	missing []*Error
}

func (d *decoder) fault(path, shown string, err error) {
	d.faults = append(d.faults, fault(d.doc.value(path+where(err)), shown+where(err), err))
}

func (d *decoder) faultKey(path, shown string, err error) {
	d.faults = append(d.faults, fault(d.doc.key(path), shown, err))
}

// Decode fills a fresh value from a document. The error is the first fault in
// the order of the text.
func (t *Table[T]) Decode(doc *Document) (T, *Source, error) {
	v := t.Fresh()
	d := &decoder{doc: doc, src: &Source{doc, map[string]Origin{}, map[string]string{}}}
	decodeTable(t, &v, d, doc.tree, "", "")
	if len(d.faults) == 0 {
		d.faults = d.missing
	}
	if len(d.faults) > 0 {
		sort.SliceStable(d.faults, func(i, j int) bool { return d.faults[i].Origin.before(d.faults[j].Origin) })
		return v, nil, d.faults[0]
	}
	return v, d.src, nil
}

// decodeTable reads a table and everything in it; base is its concrete path
// and shown the same for readers.
func decodeTable[T any](t *Table[T], v *T, d *decoder, tree map[string]any, base, shown string) {
	t.decodeUnder(v, d, tree, "", base, shown)
	for _, e := range t.entries {
		path := dotted(base, e.key.Path)
		if _, given := d.doc.pos[path]; e.key.Required && !given {
			d.missing = append(d.missing, fault(d.doc.key(parent(path)), dotted(shown, e.key.Path), Problem(e.key.Expected, "is missing")))
		}
	}
}

func (t *Table[T]) decodeUnder(v *T, d *decoder, tree map[string]any, name, base, shown string) {
	keys := make([]string, 0, len(tree))
	for k := range tree {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for _, k := range keys {
		full := join(name, k)
		t.decodeKey(v, d, tree[k], full, dotted(base, full), dotted(shown, full), base, shown)
	}
}

func (t *Table[T]) decodeKey(v *T, d *decoder, raw any, full, path, label, base, shown string) {
	e := t.entry(full)
	sub, isTable := raw.(map[string]any)
	switch {
	case e != nil && e.list != nil:
		e.list.decode(v, d, path, label, raw)
	case e != nil && e.member != nil && isTable:
		e.decodeMembers(v, d, sub, path, label)
	case e != nil && e.member != nil:
		d.fault(path, label, Problem(e.key.Expected, "%s is no table", Show(raw)))
	case e != nil:
		if err := e.set(v, raw); err != nil {
			d.fault(path, label, err)
		}
	case t.isTable(full) && isTable:
		t.decodeUnder(v, d, sub, full, base, shown)
	case t.isTable(full):
		d.fault(path, label, Problem("a table ["+full+"] with "+strings.Join(t.children(full), ", "), "%s is no table", Show(raw)))
	default:
		d.faultKey(path, label, t.unknown(full))
	}
}

func (e *Entry[T]) decodeMembers(v *T, d *decoder, sub map[string]any, path, label string) {
	names := make([]string, 0, len(sub))
	for n := range sub {
		names = append(names, n)
	}
	// In the order of the text: later members may build on earlier ones.
	sort.Slice(names, func(i, j int) bool {
		return d.doc.key(join(path, names[i])).before(d.doc.key(join(path, names[j])))
	})
	for _, n := range names {
		if err := e.member(v, n, sub[n]); err != nil {
			d.fault(join(path, n), label+"."+n, err)
		}
	}
}

// unknown explains a key that the schema lacks: a near miss among its
// neighbours, else the same word or a near one elsewhere.
func (t *Table[T]) unknown(full string) error {
	table, word := "", full
	if i := strings.LastIndexByte(full, '.'); i >= 0 {
		table, word = full[:i], full[i+1:]
	}
	siblings := t.children(table)
	hint := Nearest(word, siblings)
	if hint == "" {
		for _, e := range t.entries {
			if e.key.Path == word || strings.HasSuffix(e.key.Path, "."+word) {
				hint = e.key.Path
			}
		}
	}
	return withHint(Problem(OneOf(siblings), "unknown key"), hint)
}

func dotted(base, rest string) string {
	if base == "" {
		return rest
	}
	if rest == "" {
		return base
	}
	return base + "." + rest
}
