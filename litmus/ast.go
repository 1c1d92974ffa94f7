package litmus

// File is the syntax tree of one litmus file.
type File struct {
	Path      string
	Name      string
	Init      []InitItem
	Procs     []*Process
	Locations []Loc
	Filter    *Prop // nil if there is none
	Quant     Quantifier
	Cond      *Prop
	CondText  string // the condition as it stands in the file, in one line
}

// InitItem is one entry of the init block: a shared variable, or a register of
// a process, and its first value.
type InitItem struct {
	Loc   Loc
	Value InitValue
}

// InitValue is an integer, or the address of a variable.
type InitValue struct {
	Int  int64
	Name string // of the variable whose address it is; empty for an integer
}

// Process is one thread of the test.
type Process struct {
	Pos
	ID     int // the N of PN
	Params []Param
	Body   []Stmt
}

// Param is a parameter: the address of the shared variable of its name.
type Param struct {
	Pos
	Name string
}

// Stmt is a statement.
type Stmt interface{ stmt() }

type (
	// Assign is lvalue = expr, a declarator with a value included.
	Assign struct {
		At  Pos
		Dst Expr // *Name or *Unary "*"
		Src Expr
	}
	// Declare makes a local known, with no value.
	Declare struct{ Name *Name }
	// Eval is an expression for its effect.
	Eval struct{ X Expr }
	// If is a conditional statement.
	If struct {
		Cond       Expr
		Then, Else []Stmt
	}
)

func (*Assign) stmt()  {}
func (*Declare) stmt() {}
func (*Eval) stmt()    {}
func (*If) stmt()      {}

// Expr is an expression. Casts leave no trace in the tree.
type Expr interface{ Where() Pos }

type (
	// Int is an integer constant.
	Int struct {
		At    Pos
		Value int64
	}
	// Name is a local or a parameter.
	Name struct {
		At   Pos
		Text string
	}
	// Unary is one of * & ! - ~ + before an operand.
	Unary struct {
		At Pos
		Op string
		X  Expr
	}
	// Binary is an operator between two operands.
	Binary struct {
		At   Pos
		Op   string
		X, Y Expr
	}
	// Choice is C ? X : Y.
	Choice struct {
		At      Pos
		C, X, Y Expr
	}
	// Call is a primitive applied to arguments.
	Call struct {
		At   Pos
		Func string
		Args []Expr
	}
)

// Where is the place of the expression; that of an operator between operands is
// the operator's.
func (e *Int) Where() Pos    { return e.At }
func (e *Name) Where() Pos   { return e.At }
func (e *Unary) Where() Pos  { return e.At }
func (e *Binary) Where() Pos { return e.At }
func (e *Choice) Where() Pos { return e.At }
func (e *Call) Where() Pos   { return e.At }

// Quantifier says what the condition claims.
type Quantifier uint8

const (
	Exists Quantifier = iota
	NotExists
	Forall
)

// String is the quantifier as files write it.
func (q Quantifier) String() string { return [...]string{"exists", "~exists", "forall"}[q] }

// Loc is a register of a process, or a shared variable (Proc < 0).
type Loc struct {
	At   Pos
	Proc int
	Name string
}

// Shared is the Proc of shared variables.
const Shared = -1

// PropOp is the kind of a node of a proposition.
type PropOp uint8

const (
	True PropOp = iota
	False
	Atom // L = R, or L != R
	Not
	And
	Or
	Implies
)

// Prop is a proposition over final values.
type Prop struct {
	Op   PropOp
	X, Y *Prop // operands; Not has X alone
	L    Loc   // of an Atom
	R    Operand
	Ne   bool // the Atom is L != R
}

// Operand is the right side of an Atom.
type Operand struct {
	InitValue
	Reg *Loc // a register, if not nil
}
