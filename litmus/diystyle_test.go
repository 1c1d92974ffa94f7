package litmus

import (
	"fmt"
	"strings"

	"mmsim/sim"
)

// diyStyle is how a test is written down.
type diyStyle struct {
	r        *sim.Rand
	plain    bool
	indent   string
	newline  string
	declare  int // 0: at the top, 1: where they are assigned, 2: not at all
	intType  string
	braceOn  bool // "{" on the line of the head
	metadata bool
	comments bool
	locInit  int // 0: {}, 1: zeros spelled out, 2: with types
}

func plainStyle() *diyStyle {
	return &diyStyle{plain: true, indent: "\t", newline: "\n", intType: "int"}
}

func randomStyle(r *sim.Rand) *diyStyle {
	pick := func(list ...string) string { return list[r.Below(uint64(len(list)))] }
	return &diyStyle{r: r, indent: pick("\t", "  ", "    ", ""), newline: pick("\n", "\n", "\r\n"), declare: int(r.Below(3)),
		intType: pick("int", "intptr_t", "long", "volatile int", "unsigned long"), braceOn: r.Below(2) == 0,
		metadata: r.Below(2) == 0, comments: r.Below(2) == 0, locInit: int(r.Below(3))}
}

// maybe is one of the strings, the first one in the plain style.
func (s *diyStyle) maybe(list ...string) string {
	if s.plain {
		return list[0]
	}
	return list[s.r.Below(uint64(len(list)))]
}

// write is the test as a file.
func (t *diyTest) write(s *diyStyle) string {
	var b strings.Builder
	b.WriteString("C " + t.name + "\n")
	if s.metadata {
		b.WriteString("\"Rfe PodRW Fre { not an init block }\"\nCycle=Rfe PodRW Fre\nPrefetch=0:x=F,0:y=W\nCom=Rf Fr\nOrig=PodRW Rfe\n")
	}
	if s.comments {
		b.WriteString("\n(*\n * Result: Maybe (* nested *)\n * { it's a brace }\n *)\n\n")
	}
	t.writeInit(&b, s)
	for i := range t.threads {
		t.writeThread(&b, s, i)
	}
	t.writeTail(&b, s)
	return strings.ReplaceAll(b.String(), "\n", s.newline)
}

func (t *diyTest) writeInit(b *strings.Builder, s *diyStyle) {
	b.WriteString("{" + s.maybe("", "\n", " "))
	for _, item := range t.init {
		v, target, _ := strings.Cut(item, "=")
		b.WriteString(s.maybe("", "int *", "intptr_t *", "intptr_t ") + v + s.maybe("=", " = ") + s.maybe("", "&") + target + ";" + s.maybe("\n", " ", " (* points *)\n", " /* points */ "))
	}
	if s.locInit > 0 {
		for _, v := range t.shown {
			if t.types[v] == "" {
				b.WriteString([]string{"", "int "}[s.locInit-1] + v + s.maybe("=0", " = 0") + s.maybe(";\n", "; "))
			}
		}
	}
	b.WriteString("}\n")
}

// paramType is the type of a parameter.
func (t *diyTest) paramType(s *diyStyle, v string) string {
	switch {
	case v == "sl" || v == "sm":
		return "spinlock_t *"
	case v == "ss":
		return "struct srcu_struct *"
	case t.types[v] != "":
		return s.maybe("int **", "intptr_t **", "int** ", "int * *")
	}
	return s.maybe(s.intType+" *", "int *", "int* ", "atomic_t *", "volatile int * ")
}

func (t *diyTest) writeThread(b *strings.Builder, s *diyStyle, i int) {
	th := &t.threads[i]
	var params []string
	for _, v := range th.vars {
		params = append(params, t.paramType(s, v)+v)
	}
	fmt.Fprintf(b, "%s\nP%d%s(%s)%s{\n", s.maybe("", "\n", "\n// a thread\n"), i, s.maybe("", " "), strings.Join(params, s.maybe(", ", ",")), map[bool]string{true: " ", false: "\n"}[s.braceOn])
	if s.declare == 0 {
		for _, st := range th.stmts {
			if st.reg != "" {
				b.WriteString(s.indent + st.typ + " " + st.reg + ";" + s.maybe("\n", "\n", " /* r */\n"))
			}
		}
		b.WriteString(s.maybe("\n", ""))
	}
	for _, st := range th.stmts {
		b.WriteString(s.indent + s.statement(st) + s.maybe("\n", "\n", " // comment (* with { marks\n", " /* (* */\n"))
	}
	b.WriteString("}\n")
}

// statement is one statement with its semicolon.
func (s *diyStyle) statement(st diyStmt) string {
	text := st.text
	if s.maybe("", "cast") != "" {
		text = strings.Replace(text, "READ_ONCE(*x", "READ_ONCE(*(int *)x", 1)
		text = strings.Replace(text, "rcu_dereference(*x", "rcu_dereference(*(intptr_t **)x", 1)
	}
	if st.reg != "" {
		decl := ""
		if s.declare == 1 {
			decl = st.typ + " "
		}
		return decl + st.reg + s.maybe(" = ", "=") + s.maybe("", "("+st.typ+")") + text + ";"
	}
	text += ";"
	if st.cond == "" {
		return text
	}
	switch s.maybe("0", "1", "2", "3") {
	case "1":
		return "if (" + st.cond + ") {\n" + s.indent + s.indent + text + "\n" + s.indent + "}"
	case "2":
		return "if(" + st.cond + ") {" + text + "} else { }"
	case "3":
		return "if (!(" + st.cond + ")) ; else " + text
	}
	return "if (" + st.cond + ") " + text
}

func (t *diyTest) writeTail(b *strings.Builder, s *diyStyle) {
	b.WriteString("\n")
	fmt.Fprintf(b, "locations [%s%s]\n", strings.Join(t.shown, s.maybe("; ", ";")), s.maybe("", ";"))
	atoms := strings.Join(t.atoms, s.maybe(" /\\ ", "/\\", " /\\\n"))
	switch s.maybe("0", "1", "2", "3") {
	case "1":
		atoms = "(" + atoms + ") (* the cycle *)"
	case "2":
		atoms = "true /\\ " + strings.Replace(atoms, "=", "==", 1)
	case "3":
		atoms = "not (~(" + atoms + "))"
	}
	b.WriteString("exists" + s.maybe(" ", "\n", "\n(* bad *)\n") + "(" + atoms + ")" + s.maybe("\n", "", ";\n"))
}
