package schema

import (
	"fmt"
	"strings"

	"github.com/BurntSushi/toml"
)

// A concrete path names one place in a document: "group[0].pin",
// "kernel.layout_override.\"mm_struct.mm_lock_seq\"". Segments that TOML would
// quote are quoted.

func join(path, segment string) string {
	s := toml.Key{segment}.String()
	if path == "" {
		return s
	}
	return path + "." + s
}

func index(path string, i int) string { return fmt.Sprintf("%s[%d]", path, i) }

// Quote writes one segment of a path, in quotes if it needs them.
func Quote(segment string) string { return toml.Key{segment}.String() }

// parent drops the last segment or index.
func parent(path string) string {
	quoted := false
	cut := 0
	for i := 0; i < len(path); i++ {
		switch {
		case path[i] == '\\' && quoted:
			i++
		case path[i] == '"':
			quoted = !quoted
		case !quoted && (path[i] == '.' || path[i] == '['):
			cut = i
		}
	}
	return path[:cut]
}

// under returns what follows prefix and a dot in path.
func under(path, prefix string) (string, bool) {
	if prefix == "" {
		return path, true
	}
	rest, ok := strings.CutPrefix(path, prefix)
	if !ok || !strings.HasPrefix(rest, ".") {
		return "", false
	}
	return rest[1:], true
}
