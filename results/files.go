package results

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"path/filepath"
)

// Files names what is written beside the printed report; empty names are not
// written.
type Files struct {
	CSV, JSON, Markdown, Bounces string
}

// file is one output: the flag that names it, and what goes into it.
type file struct {
	flag, name string
	write      func(io.Writer, []*Record) error
}

func (f *Files) list() []file {
	all := []file{{"--csv", f.CSV, WriteCSV}, {"--json", f.JSON, WriteJSON},
		{"--markdown", f.Markdown, writeMarkdownReport}, {"--bounces", f.Bounces, WriteBounces}}
	var out []file
	for _, o := range all {
		if o.name != "" {
			out = append(out, o)
		}
	}
	return out
}

// Check finds what would keep the files from being written, before anything
// is simulated: a directory that is not there, two outputs of one name.
func (f *Files) Check() error {
	taken := map[string]string{}
	for _, o := range f.list() {
		name := filepath.Clean(o.name)
		if other := taken[name]; other != "" {
			return fmt.Errorf("%s: %s is the file of %s too; expected a name of its own", o.flag, o.name, other)
		}
		taken[name] = o.flag
		if info, err := os.Stat(filepath.Dir(name)); err != nil || !info.IsDir() {
			return fmt.Errorf("%s: cannot write %s: %s is no directory", o.flag, o.name, filepath.Dir(name))
		}
		if info, err := os.Stat(name); err == nil && info.IsDir() {
			return fmt.Errorf("%s: %s is a directory; expected a file", o.flag, o.name)
		}
	}
	return nil
}

// Write writes all files and returns a line about each.
func (f *Files) Write(records []*Record) (written []string, err error) {
	for _, o := range f.list() {
		var b bytes.Buffer
		if err := o.write(&b, records); err != nil {
			return written, fmt.Errorf("%s: %w", o.flag, err)
		}
		if err := WriteFile(o.name, b.Bytes()); err != nil {
			return written, fmt.Errorf("%s: %w", o.flag, err)
		}
		written = append(written, fmt.Sprintf("wrote %s (%s)", o.name, plural(len(records), "record")))
	}
	return written, nil
}

func writeMarkdownReport(w io.Writer, records []*Record) error {
	rep, err := NewReport(records)
	if err != nil {
		return err
	}
	return rep.WriteMarkdown(w)
}
