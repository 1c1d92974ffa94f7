package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// TestREADME runs every "$ mmsim ..." block of README.md and holds what it
// prints against what the page shows: results depend on nothing but the
// configuration and the seed, so they are the same on every host.
func TestREADME(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the default experiment; takes some 15 s of one core")
	}
	const page, fence = "../../README.md", "```console\n"
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	parts := strings.Split(string(text), fence)
	for i := 1; i < len(parts); i++ {
		block, rest, ok := strings.Cut(parts[i], "```\n")
		command, shown, _ := strings.Cut(block, "\n")
		args, isCommand := strings.CutPrefix(command, "$ mmsim ")
		if !ok || !isCommand {
			t.Fatalf("block %d does not start with \"$ mmsim \"", i)
		}
		var out, log bytes.Buffer
		if status := run(strings.Fields(args), &out, &log); status != 0 {
			t.Fatalf("mmsim %s: exit status %d\n%s", args, status, log.String())
		}
		if !*update && out.String() != shown {
			t.Errorf("README.md shows other output for mmsim %s than it prints; run go test ./cmd/mmsim -run README -update\n%s", args, out.String())
		}
		parts[i] = command + "\n" + out.String() + "```\n" + rest
	}
	if *update {
		if err := os.WriteFile(page, []byte(strings.Join(parts, fence)), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
