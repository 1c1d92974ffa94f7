package schema

import (
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"strings"
	"testing"

	"github.com/BurntSushi/toml"
)

func TestLocate(t *testing.T) {
	text := strings.Join([]string{
		`# comment`,                       // 1
		`a = 1`,                           // 2
		`[t.u]`,                           // 3
		`  "x.y" = [ "p", # note`,         // 4
		`    'q' ]`,                       // 5
		`d.e = { f = """`,                 // 6
		`a # b = 1""", g = 2 }`,           // 7
		`[[l]]`,                           // 8
		`k = 1979-05-27 07:32:00 # k = 2`, // 9
		`[[l]]`,                           // 10
		`k = [{v = 1}, {v = 2}]`,          // 11
		`[l.sub]`,                         // 12
		`z = 1`,                           // 13
	}, "\n")
	got := locate(text)
	for path, want := range map[string]positions{
		"a":            {position{2, 1}, position{2, 5}},
		`t.u."x.y"[1]`: {position{5, 5}, position{5, 5}},
		"t.u.d.e.g":    {position{7, 15}, position{7, 19}},
		"l[0].k":       {position{9, 1}, position{9, 5}},
		"l[1].k[1].v":  {position{11, 16}, position{11, 20}},
		"l[1].sub.z":   {position{13, 1}, position{13, 5}},
		"l[1]":         {position{10, 3}, position{10, 3}},
		`t.u.d.e`:      {position{6, 1}, position{6, 7}},
		`t.u."x.y"`:    {position{4, 3}, position{4, 11}},
		"l[1].k[1]":    {position{11, 15}, position{11, 15}},
		"l[0]":         {position{8, 3}, position{8, 3}},
		"l":            {position{8, 3}, position{8, 3}},
		"t":            {position{3, 2}, position{3, 2}},
		"l[1].sub":     {position{12, 2}, position{12, 2}},
		`t.u.d.e.f`:    {position{6, 9}, position{6, 13}},
		`t.u."x.y"[0]`: {position{4, 13}, position{4, 13}},
		"l[1].k[0].v":  {position{11, 7}, position{11, 11}},
		"l[1].k":       {position{11, 1}, position{11, 5}},
		"t.u":          {position{3, 2}, position{3, 2}},
		"t.u.d":        {position{6, 1}, position{6, 7}},
		"l[1].k[0]":    {position{11, 6}, position{11, 6}},
	} {
		if got[path] != want {
			t.Errorf("%s at %v, want %v", path, got[path], want)
		}
	}
}

// The index covers exactly the keys and elements that the library decodes, for
// every text that it accepts.
func FuzzLocate(f *testing.F) {
	seeds, _ := filepath.Glob("../*/*.toml")
	for _, name := range seeds {
		if b, err := os.ReadFile(name); err == nil {
			f.Add(string(b))
		}
	}
	for _, s := range []string{"a.b.c = 1", "[[a.b]]\nx=1\n[[a.b.c]]\ny=[[1],[2,{z=3}]]", "'q' = '''x''''", "\"\\u0061\" = \"\\\"\"", "a=[]\nb={}", "x = 1e3 # c\r\ny = inf"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		var tree map[string]any
		if _, err := toml.Decode(text, &tree); err != nil {
			return
		}
		var want, got []string
		flatten(tree, "", &want)
		for p := range locate(text) {
			got = append(got, p)
		}
		sort.Strings(want)
		sort.Strings(got)
		if strings.Join(want, "\n") != strings.Join(got, "\n") {
			t.Errorf("index of %q:\n%q\nlibrary:\n%q", text, got, want)
		}
	})
}

func flatten(v any, path string, out *[]string) {
	if path != "" {
		*out = append(*out, path)
	}
	switch v := v.(type) {
	case map[string]any:
		for k, e := range v {
			flatten(e, join(path, k), out)
		}
	case []any:
		for i, e := range v {
			flatten(e, fmt.Sprintf("%s[%d]", path, i), out)
		}
	case []map[string]any:
		for i, e := range v {
			flatten(e, fmt.Sprintf("%s[%d]", path, i), out)
		}
	}
}
