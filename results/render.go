package results

import (
	"fmt"
	"io"
	"strings"

	"github.com/olekukonko/tablewriter"
	"github.com/olekukonko/tablewriter/renderer"
	"github.com/olekukonko/tablewriter/tw"
)

// WriteText prints a report for a terminal or a pipe: the same text in both.
func (p *Report) WriteText(w io.Writer) error {
	out := &errWriter{w: w}
	fmt.Fprintf(out, "%s\n", p.Title)
	width := 0
	for _, s := range p.Shared {
		width = max(width, len(s.Key))
	}
	for _, s := range p.Shared {
		fmt.Fprintf(out, "  %-*s  %s\n", width, s.Key, s.Value)
	}
	if len(p.Verdict) > 0 {
		fmt.Fprintf(out, "\nverdict\n")
	}
	for _, l := range p.Verdict {
		fmt.Fprintf(out, "  %s\n", l)
	}
	for i := range p.Tables {
		fmt.Fprintf(out, "\n%s\n", p.Tables[i].Caption)
		p.Tables[i].writeText(out)
	}
	if len(p.Notes) > 0 {
		fmt.Fprintln(out)
	}
	for _, n := range p.Notes {
		fmt.Fprintln(out, n)
	}
	return out.err
}

// WriteMarkdown prints a report as a Markdown page.
func (p *Report) WriteMarkdown(w io.Writer) error {
	out := &errWriter{w: w}
	fmt.Fprintf(out, "# %s\n\n", p.Title)
	for _, s := range p.Shared {
		fmt.Fprintf(out, "- %s: %s\n", s.Key, s.Value)
	}
	if len(p.Verdict) > 0 {
		fmt.Fprintf(out, "\n## Verdict\n\n")
	}
	for _, l := range p.Verdict {
		fmt.Fprintf(out, "- %s\n", escapeMarkdown(l))
	}
	for i := range p.Tables {
		fmt.Fprintf(out, "\n## %s\n\n", sentence(p.Tables[i].Caption))
		p.Tables[i].writeMarkdown(out)
	}
	if len(p.Notes) > 0 {
		fmt.Fprintln(out)
	}
	for _, n := range p.Notes {
		fmt.Fprintf(out, "- %s\n", escapeMarkdown(n))
	}
	return out.err
}

// plain has neither borders nor lines: two spaces between columns.
var plain = tw.Rendition{Borders: tw.BorderNone, Symbols: tw.NewSymbolCustom("plain").WithColumn(" "),
	Settings: tw.Settings{Lines: tw.LinesNone, Separators: tw.SeparatorsNone}}

// WriteText prints the table alone, without its caption.
func (t *Table) WriteText(w io.Writer) error {
	out := &errWriter{w: w}
	t.writeText(out)
	return out.err
}

func (t *Table) writeText(out *errWriter) {
	var b strings.Builder
	t.render(&b, renderer.NewBlueprint(plain), t.Wrap)
	for line := range strings.Lines(b.String()) {
		fmt.Fprintf(out, " %s\n", strings.TrimRight(line, " \n"))
	}
}

func (t *Table) writeMarkdown(out *errWriter) {
	escaped := Table{Left: t.Left, Tail: t.Tail}
	for _, h := range t.Header {
		escaped.Header = append(escaped.Header, escapeMarkdown(h))
	}
	for _, row := range t.Rows {
		cells := make([]string, len(row))
		for i, c := range row {
			cells[i] = escapeMarkdown(c)
		}
		escaped.Rows = append(escaped.Rows, cells)
	}
	escaped.render(out, renderer.NewMarkdown(), 0)
}

func (t *Table) render(w io.Writer, r tw.Renderer, wrap int) {
	align := make(tw.Alignment, len(t.Header))
	for i := range align {
		align[i] = tw.AlignRight
		if i < t.Left || i >= len(align)-t.Tail {
			align[i] = tw.AlignLeft
		}
	}
	options := []tablewriter.Option{tablewriter.WithRenderer(r),
		tablewriter.WithHeaderAutoFormat(tw.Off), tablewriter.WithHeaderAutoWrap(tw.WrapNone), tablewriter.WithRowAutoWrap(tw.WrapNone),
		tablewriter.WithHeaderAlignmentConfig(tw.CellAlignment{PerColumn: align}),
		tablewriter.WithRowAlignmentConfig(tw.CellAlignment{PerColumn: align})}
	if wrap > 0 {
		options = append(options, tablewriter.WithRowAutoWrap(tw.WrapNormal), tablewriter.WithRowMaxWidth(wrap))
	}
	table := tablewriter.NewTable(w, options...)
	table.Header(t.Header)
	if err := table.Bulk(t.Rows); err != nil {
		panic("results: " + err.Error())
	}
	if err := table.Render(); err != nil {
		panic("results: " + err.Error())
	}
}

func escapeMarkdown(s string) string {
	return strings.NewReplacer("|", `\|`, "~", `\~`, "<", `\<`).Replace(s)
}

func sentence(s string) string { return strings.ToUpper(s[:1]) + s[1:] }

// errWriter remembers the first error, so that printing code need not look.
type errWriter struct {
	w   io.Writer
	err error
}

func (e *errWriter) Write(p []byte) (int, error) {
	if e.err != nil {
		return len(p), nil
	}
	_, e.err = e.w.Write(p)
	return len(p), nil
}
