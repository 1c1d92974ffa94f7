package schema

// Setting is a key of a document and its effective value as TOML.
type Setting struct {
	Key
	Value string
}

// Settings lists the effective values of all plain keys that have an effect,
// in the order of the table. Lists of tables are left out.
func (t *Table[T]) Settings(v *T) []Setting {
	var out []Setting
	for _, e := range t.entries {
		if e.list != nil || e.live != nil && !e.live(v) {
			continue
		}
		if raw := e.get(v); raw != nil {
			out = append(out, Setting{e.key, inline(raw)})
		}
	}
	return out
}
