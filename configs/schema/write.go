package schema

import (
	"fmt"
	"sort"
	"strconv"
	"strings"

	"github.com/BurntSushi/toml"
)

// Write gives the whole value as TOML, every default written out, in the order
// of the table; keep chooses the keys (nil: all). Equal values give equal
// texts, and Decode reads the text back.
func (t *Table[T]) Write(v *T, keep func(Key) bool) string {
	return t.WriteUnder("", v, keep)
}

// WriteUnder is Write with every key under a table, so that several documents
// can be one.
func (t *Table[T]) WriteUnder(table string, v *T, keep func(Key) bool) string {
	w := &writer{keep: keep, root: table}
	t.write(v, w, "")
	return w.b.String()
}

type writer struct {
	b     strings.Builder
	root  string // table that everything lies under
	table string // that keys are being written to
	keep  func(Key) bool
}

// header opens a table; format is "[%s]" or "[[%s]]".
func (w *writer) header(format, table string) {
	if w.b.Len() > 0 {
		w.b.WriteByte('\n')
	}
	fmt.Fprintf(&w.b, format+"\n", dotted(w.root, table))
	w.table = table
}

// write adds the keys of a table; base is the list that it is an element of.
func (t *Table[T]) write(v *T, w *writer, base string) {
	for _, e := range t.entries {
		k := e.key
		k.Path = dotted(base, k.Path)
		if base == "" && w.b.Len() == 0 && w.root != "" {
			w.header("[%s]", "")
		}
		if e.live != nil && !e.live(v) || w.keep != nil && !w.keep(k) {
			continue
		}
		if e.list != nil {
			e.list.write(v, w, k.Path)
			continue
		}
		raw := e.get(v)
		if raw == nil {
			continue
		}
		if m, ok := raw.([]Member); ok {
			w.members(k.Path, m)
			continue
		}
		table, word := "", k.Path
		if i := strings.LastIndexByte(k.Path, '.'); i >= 0 {
			table, word = k.Path[:i], k.Path[i+1:]
		}
		if table != w.table {
			w.header("[%s]", table)
		}
		fmt.Fprintf(&w.b, "%s = %s\n", word, inline(raw))
	}
}

func (w *writer) members(table string, ms []Member) {
	if len(ms) == 0 {
		return
	}
	w.header("[%s]", table)
	for _, m := range ms {
		fmt.Fprintf(&w.b, "%s = %s\n", Quote(m.Name), inline(m.Value))
	}
}

func sortedKeys(m map[string]any) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	return keys
}

// inline writes a TOML value on one line.
func inline(raw any) string {
	switch v := raw.(type) {
	case string:
		text, err := toml.Marshal(map[string]string{"v": v})
		if err != nil {
			return strconv.Quote(v)
		}
		return strings.TrimSpace(strings.TrimPrefix(string(text), "v = "))
	case map[string]any:
		var parts []string
		for _, k := range sortedKeys(v) {
			parts = append(parts, toml.Key{k}.String()+" = "+inline(v[k]))
		}
		return "{ " + strings.Join(parts, ", ") + " }"
	case float64:
		return formatFloat(v)
	}
	if elems, ok := Elements(raw); ok {
		var parts []string
		for _, e := range elems {
			parts = append(parts, inline(e))
		}
		return "[" + strings.Join(parts, ", ") + "]"
	}
	return fmt.Sprint(raw)
}

// Inline writes a raw TOML value as it would stand in a file.
func Inline(raw any) string { return inline(raw) }
