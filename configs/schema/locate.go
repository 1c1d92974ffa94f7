package schema

import (
	"strings"

	"github.com/BurntSushi/toml"
)

type position struct{ line, col int }

type positions struct{ key, value position }

// locate finds the place of every key and value of a TOML text that the TOML
// library has accepted: the library keeps positions for its own errors only.
// Since the text is known to be valid, it needs no grammar beyond where keys,
// strings, brackets and braces begin and end.
func locate(text string) map[string]positions {
	for _, mark := range []string{"\ufeff", "\xff\xfe", "\xfe\xff"} {
		if rest, ok := strings.CutPrefix(text, mark); ok {
			text = rest // a byte order mark, which the library passes over
			break
		}
	}
	s := &scanner{text: text, at: map[string]positions{}, count: map[string]int{}}
	table := ""
	for s.skipSpace(); s.i < len(s.text); s.skipSpace() {
		if s.text[s.i] == '[' {
			table = s.header()
		} else {
			s.pair(table)
		}
	}
	return s.at
}

type scanner struct {
	text  string
	i     int
	at    map[string]positions
	count map[string]int // elements so far of each array of tables
	// line and lineStart belong to mark, which only moves forward.
	line, lineStart, mark int
}

// here is the position of the cursor; columns count bytes from 1.
func (s *scanner) here() position {
	for ; s.mark < s.i; s.mark++ {
		if s.text[s.mark] == '\n' {
			s.line++
			s.lineStart = s.mark + 1
		}
	}
	return position{s.line + 1, s.i - s.lineStart + 1}
}

func (s *scanner) peek() byte {
	if s.i < len(s.text) {
		return s.text[s.i]
	}
	return 0
}

// skipSpace passes white space, line ends and comments.
func (s *scanner) skipSpace() {
	for s.i < len(s.text) {
		switch s.text[s.i] {
		case ' ', '\t', '\r', '\n':
			s.i++
		case '#':
			for s.i < len(s.text) && s.text[s.i] != '\n' {
				s.i++
			}
		default:
			return
		}
	}
}

// header reads [a.b] or [[a.b]] and returns the concrete path of the table.
func (s *scanner) header() string {
	s.i++
	array := s.peek() == '['
	if array {
		s.i++
	}
	at := s.here()
	keys := s.keys()
	for s.peek() == ']' {
		s.i++
	}
	path := ""
	for k, seg := range keys {
		path = join(path, seg)
		last := k == len(keys)-1
		if last && array {
			s.note(path, at, at)
			s.count[path]++
		}
		if n := s.count[path]; n > 0 {
			path = index(path, n-1)
		}
		s.note(path, at, at)
	}
	return path
}

// keys reads a dotted key.
func (s *scanner) keys() []string {
	var out []string
	for {
		s.skipSpace()
		out = append(out, s.key())
		s.skipSpace()
		if s.peek() != '.' {
			return out
		}
		s.i++
	}
}

func (s *scanner) key() string {
	start := s.i
	if q := s.peek(); q == '"' || q == '\'' {
		s.skipString()
		return unquote(s.text[start:s.i])
	}
	for s.i < len(s.text) && !strings.ContainsRune(" \t\r\n.=]#", rune(s.text[s.i])) {
		s.i++
	}
	if s.i == start {
		s.i++ // cannot happen in a valid text; never stand still
	}
	return s.text[start:s.i]
}

// unquote lets the library read a quoted key.
func unquote(quoted string) string {
	var v map[string]any
	if _, err := toml.Decode(quoted+" = 0", &v); err == nil {
		for k := range v {
			return k
		}
	}
	return quoted
}

// pair reads key = value.
func (s *scanner) pair(table string) {
	at := s.here()
	path := table
	keys := s.keys()
	if s.peek() == '=' {
		s.i++
	}
	s.skipSpace()
	value := s.here()
	for _, seg := range keys {
		path = join(path, seg)
		s.note(path, at, value)
	}
	s.value(path)
}

// note keeps the first mention of a path.
func (s *scanner) note(path string, key, value position) {
	if _, ok := s.at[path]; !ok {
		s.at[path] = positions{key, value}
	}
}

func (s *scanner) value(path string) {
	switch s.peek() {
	case '"', '\'':
		s.skipString()
	case '[':
		s.i++
		for n := 0; s.more(']'); n++ {
			p := index(path, n)
			s.note(p, s.here(), s.here())
			s.value(p)
		}
	case '{':
		s.i++
		for s.more('}') {
			s.pair(path)
		}
	default:
		for s.i < len(s.text) && !strings.ContainsRune(",]}#\r\n", rune(s.text[s.i])) {
			s.i++
		}
	}
}

// more moves to the next element of an array or inline table, or past its end.
func (s *scanner) more(end byte) bool {
	for s.skipSpace(); s.peek() == ','; s.skipSpace() {
		s.i++
	}
	if s.i >= len(s.text) {
		return false
	}
	if s.peek() == end {
		s.i++
		return false
	}
	return true
}

// skipString passes a string of any of the four forms.
func (s *scanner) skipString() {
	q := s.text[s.i]
	long := strings.Repeat(string(q), 3)
	if strings.HasPrefix(s.text[s.i:], long) {
		s.i += 3
		s.skipTo(q, long)
		for n := 0; n < 2 && s.peek() == q; n++ {
			s.i++ // up to two quotes may stand before the closing three
		}
		return
	}
	s.i++
	s.skipTo(q, string(q))
}

func (s *scanner) skipTo(q byte, end string) {
	for s.i < len(s.text) {
		if q == '"' && s.text[s.i] == '\\' {
			s.i += 2
			continue
		}
		if strings.HasPrefix(s.text[s.i:], end) {
			s.i += len(end)
			return
		}
		s.i++
	}
	s.i = len(s.text)
}
