// Package schema decodes TOML strictly into Go structs. A Table lists the keys
// of a document: what each means, its unit and default, and where its value
// goes. Files, --set flags, "quick" overrides and sweep points all go through
// the same entries of it, so no way in has fewer checks than another, and the
// effective configuration can be written back in the order of the table.
//
// Every fault is one *Error with file:line:column (or the flag), the key, what
// was expected, and a near miss if there is one.
package schema

import (
	"errors"
	"strings"

	"github.com/BurntSushi/toml"
)

// Document is a parsed TOML text with the position of every key and value.
type Document struct {
	File string
	tree map[string]any
	pos  map[string]positions
}

// Parse reads a TOML text; file is its name in errors.
func Parse(file, text string) (*Document, error) {
	d := &Document{File: file}
	if _, err := toml.Decode(text, &d.tree); err != nil {
		var pe toml.ParseError
		if errors.As(err, &pe) {
			return nil, &Error{Origin: Origin{File: file, Line: max(1, pe.Position.Line), Col: max(1, pe.Position.Col)},
				Key: pe.LastKey, Problem: strings.TrimSuffix(pe.Message, ".")}
		}
		return nil, &Error{Origin: Origin{File: file, Line: 1, Col: 1}, Problem: err.Error()}
	}
	d.pos = locate(text)
	return d, nil
}

// ParseValue reads the value of a --set flag: a TOML value where it is one,
// else plain text, so that neither 20000/s nor by-cpu needs quotes.
func ParseValue(text string) any {
	var v map[string]any
	if _, err := toml.Decode("v = "+text, &v); err != nil || len(v) != 1 {
		return text
	}
	return v["v"]
}

// PlainValue reads the value of a --set flag for a key that takes text: 6.14 is
// a number or a name. For a list so are its elements. nil for what ParseValue has
// as text already.
func PlainValue(text string) any {
	switch ParseValue(text).(type) {
	case int64, float64, bool:
		return text
	}
	return list(text)
}

// list is a flat list of texts, quoted or not; nil for what is none.
func list(text string) any {
	if len(text) < 2 || text[0] != '[' || text[len(text)-1] != ']' || strings.ContainsAny(text[1:len(text)-1], "[]{}") {
		return nil
	}
	var out []any
	for _, s := range strings.Split(text[1:len(text)-1], ",") {
		out = append(out, strings.Trim(strings.TrimSpace(s), `"`))
	}
	return out
}

// key is the origin of a concrete path's key; value is that of its value.
// Where the document does not mention the path, the nearest table around it
// stands in.
func (d *Document) key(path string) Origin {
	return d.origin(path, func(p positions) position { return p.key })
}

func (d *Document) value(path string) Origin {
	return d.origin(path, func(p positions) position { return p.value })
}

func (d *Document) origin(path string, pick func(positions) position) Origin {
	for {
		if p, ok := d.pos[path]; ok {
			at := pick(p)
			return Origin{File: d.File, Line: at.line, Col: at.col}
		}
		if path == "" {
			return Origin{File: d.File, Line: 1, Col: 1}
		}
		path = parent(path)
	}
}
