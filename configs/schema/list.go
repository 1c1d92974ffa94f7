package schema

import "strings"

// lister is a list of tables in T, whatever its element type.
type lister[T any] interface {
	keys(prefix string) []Key
	decode(t *T, d *decoder, path, shown string, raw any)
	set(t *T, s *Source, name, rest string, raw any) (concrete string, err error)
	write(t *T, w *writer, name string)
	addresses(t *T, name string) []string
	idle(t *T, s *Source, name string) []string
	keyAt(t *T, name, rest string) (Key, error)
}

// Named is a list of tables whose elements are addressed by name:
// "group.hitters.count".
type Named[T, E any] struct {
	Elem *Table[E]
	At   func(*T) *[]E
	// NameKey is the element's key that holds its name.
	NameKey string
	Name    func(*E) string
	// Whole, if set, takes a value for the element itself
	// ("sweep.group.hitters.count = [1, 2]").
	Whole func(e *E, raw any) error
	// Add, if set, makes an element that is addressed as a whole and does not
	// exist yet.
	Add func(name string) E
}

// Tables adds a list of tables, [[name]].
func Tables[T, E any](t *Table[T], name, doc string, l Named[T, E]) *Entry[T] {
	e := &Entry[T]{key: Key{Path: name, Doc: doc}, list: &l}
	t.entries = append(t.entries, e)
	return e
}

func (l *Named[T, E]) keys(prefix string) []Key {
	out := l.Elem.Keys()
	for i := range out {
		out[i].Path = prefix + out[i].Path
	}
	return out
}

// decode reads all elements; a name may occur only once.
func (l *Named[T, E]) decode(t *T, d *decoder, path, shown string, raw any) {
	elems, ok := raw.([]map[string]any)
	if !ok {
		list, isList := Elements(raw)
		for i, e := range list {
			m, isTable := e.(map[string]any)
			if !isTable {
				d.fault(index(path, i), index(shown, i), Problem("a table", "%s is no table", Show(e)))
				return
			}
			elems = append(elems, m)
		}
		if !isList {
			d.fault(path, shown, Problem("a list of tables, each headed [["+shown+"]]", "%s is no list", Show(raw)))
			return
		}
	}
	seen := map[string]bool{}
	for i, m := range elems {
		p := index(path, i)
		name := p
		if n, ok := m[l.NameKey].(string); ok {
			name = dotted(shown, n)
			if seen[n] {
				d.fault(join(p, l.NameKey), name, Problem("names that differ", "%q occurs twice", n))
			}
			seen[n] = true
		}
		d.src.shown[p] = name
		e := l.Elem.Fresh()
		decodeTable(l.Elem, &e, d, m, p, name)
		*l.At(t) = append(*l.At(t), e)
	}
}

// find splits "hitters.count" after the longest name that fits.
func (l *Named[T, E]) find(t *T, rest string) (i int, tail string) {
	i, size := -1, -1
	for j := range *l.At(t) {
		name := l.Name(&(*l.At(t))[j])
		if tl, ok := strings.CutPrefix(rest, name); ok && len(name) > size && (tl == "" || tl[0] == '.') {
			i, tail, size = j, strings.TrimPrefix(tl, "."), len(name)
		}
	}
	return i, tail
}

func (l *Named[T, E]) set(t *T, s *Source, name, rest string, raw any) (string, error) {
	i, tail := l.find(t, rest)
	if i < 0 && l.Add != nil {
		*l.At(t) = append(*l.At(t), l.Add(rest))
		i, tail = len(*l.At(t))-1, ""
	}
	if i < 0 {
		return "", l.unknown(t, name, rest)
	}
	path := index(name, i)
	s.shown[path] = name + "." + l.Name(&(*l.At(t))[i])
	e := &(*l.At(t))[i]
	if tail == "" {
		if l.Whole == nil {
			return path, Problem("one of its keys: "+strings.Join(l.Elem.children(""), ", "), "this is a table")
		}
		return path, l.Whole(e, raw)
	}
	sub, err := l.Elem.assign(e, s, tail, raw)
	return path + "." + sub, err
}

func (l *Named[T, E]) write(t *T, w *writer, name string) {
	for i := range *l.At(t) {
		w.header("[[%s]]", name)
		l.Elem.write(&(*l.At(t))[i], w, name)
	}
}

func (l *Named[T, E]) addresses(t *T, name string) []string {
	var out []string
	for i := range *l.At(t) {
		e := &(*l.At(t))[i]
		for _, a := range l.Elem.Addresses(e) {
			out = append(out, name+"."+l.Name(e)+"."+a)
		}
	}
	return out
}

func (l *Named[T, E]) idle(t *T, s *Source, name string) []string {
	var out []string
	for i := range *l.At(t) {
		out = append(out, l.Elem.idle(&(*l.At(t))[i], s, index(name, i))...)
	}
	return out
}

func (l *Named[T, E]) keyAt(t *T, name, rest string) (Key, error) {
	i, tail := l.find(t, rest)
	if i < 0 {
		return Key{}, l.unknown(t, name, rest)
	}
	return l.Elem.KeyAt(&(*l.At(t))[i], tail)
}

// unknown is the fault of an element that does not exist.
func (l *Named[T, E]) unknown(t *T, name, rest string) error {
	var names []string
	for j := range *l.At(t) {
		names = append(names, l.Name(&(*l.At(t))[j]))
	}
	first, _, _ := strings.Cut(rest, ".")
	return Unknown(name, first, names)
}
