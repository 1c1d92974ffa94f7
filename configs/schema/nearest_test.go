package schema

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"mesi", "mesif", "moesi", "owner_pipeline", "socket_leg"}
	for name, want := range map[string]string{
		"mseif": "mesif", "MESI": "mesi", "owner_pipline": "owner_pipeline", "pipeline": "owner_pipeline",
		"leg": "socket_leg", "dragon": "", "": "", "x": "",
	} {
		if got := Nearest(name, known); got != want {
			t.Errorf("Nearest(%q) = %q, want %q", name, got, want)
		}
	}
}

func TestParseValue(t *testing.T) {
	for text, want := range map[string]string{
		"5": "5", "5us": `"5us"`, `"5"`: `"5"`, "[1, 2]": "[1, 2]", "true": "true", "by-cpu": `"by-cpu"`,
		"1\nb = 2": "\"1\\nb = 2\"", "": `""`, "{ from = 1 }": "{ from = 1 }",
	} {
		if got := Inline(ParseValue(text)); got != want {
			t.Errorf("%q is %s, want %s", text, got, want)
		}
	}
}
