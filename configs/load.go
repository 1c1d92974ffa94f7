package configs

import (
	"embed"
	"errors"
	"io/fs"
	"os"
	"path"
	"strings"

	"mmsim/configs/schema"
)

//go:embed machines/*.toml experiments/*.toml
var presets embed.FS

// MachineNames lists the machine presets.
func MachineNames() []string { return presetNames("machines") }

// ExperimentNames lists the experiment presets.
func ExperimentNames() []string { return presetNames("experiments") }

func presetNames(dir string) []string {
	entries, err := fs.ReadDir(presets, dir)
	if err != nil {
		panic("configs: " + err.Error())
	}
	var names []string
	for _, e := range entries {
		names = append(names, strings.TrimSuffix(e.Name(), ".toml"))
	}
	return names
}

// isFile tells a file's name from a preset's.
func isFile(name string) bool {
	return strings.ContainsAny(name, `/\`) || strings.HasSuffix(name, ".toml")
}

// read returns a preset's or a file's text, and its name for errors.
func read(what, dir, name string, from schema.Origin) (file, text string, err error) {
	key := what
	if from == (schema.Origin{}) {
		key = "" // an argument of its own, not a key's value
	}
	if isFile(name) {
		b, err := os.ReadFile(name)
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
		if err != nil {
			return "", "", schema.FaultAt(from, key, schema.Problem("an embedded "+what+" or a TOML file", "cannot read %s: %v", name, err))
		}
		return name, string(b), nil
	}
	file = path.Join(dir, name+".toml")
	b, err := presets.ReadFile(file)
	if err != nil {
		return "", "", schema.FaultAt(from, key, schema.Unknown(what, name, presetNames(dir)))
	}
	return "configs/" + file, string(b), nil
}

// LoadMachine reads a machine by preset name or file name and checks it. from
// is where the name was given, for the error about an unknown one.
func LoadMachine(name string, from schema.Origin) (*Machine, error) {
	file, text, err := read("machine", "machines", name, from)
	if err != nil {
		return nil, err
	}
	return DecodeMachine(file, text)
}

// DecodeMachine reads a machine from TOML text and checks it; file is its name
// in errors.
func DecodeMachine(file, text string) (*Machine, error) {
	doc, err := schema.Parse(file, text)
	if err != nil {
		return nil, err
	}
	m, src, err := machineTable.Decode(doc)
	if err != nil {
		return nil, err
	}
	m.src = src
	return &m, m.check()
}

// DecodeExperiment reads an experiment from TOML text; file is its name in
// errors. What depends on the machine is checked by Setup.Check.
func DecodeExperiment(file, text string) (*Experiment, error) {
	doc, err := schema.Parse(file, text)
	if err != nil {
		return nil, err
	}
	e, src, err := experimentTable.Decode(doc)
	if err != nil {
		return nil, err
	}
	e.src = src
	for i := range e.quick {
		e.quick[i].From = src.Origin("quick." + schema.Quote(e.quick[i].Key))
	}
	return &e, nil
}

// Options say what to load and what to change in it.
type Options struct {
	Experiment string // preset or file
	Machine    string // preset or file; "" is the experiment's own
	Quick      bool   // apply the [quick] settings
	Overrides  []Assignment
}

// ParseSet reads the argument of a --set flag, "key=value".
func ParseSet(arg string) (Assignment, error) {
	key, value, ok := strings.Cut(arg, "=")
	key = strings.TrimSpace(key)
	from := schema.Origin{Flag: "--set"}
	if !ok || key == "" {
		return Assignment{}, schema.FaultAt(from, arg, schema.Problem("key=value such as group.writer.arrival=50000/s", "no key and value"))
	}
	return assignment(key, strings.TrimSpace(value), from), nil
}

func assignment(key, text string, from schema.Origin) Assignment {
	return Assignment{Key: key, Value: schema.ParseValue(text), From: from, Plain: schema.PlainValue(text)}
}

// Flag is an override that a flag of its own makes: --seeds 5.
func Flag(flag, key, value string) Assignment {
	return assignment(key, value, schema.Origin{Flag: flag})
}

// Load reads an experiment and its machine, applies quick settings and then
// overrides, and checks every point of the result. Keys and values of the quick
// settings are checked even when they are not asked for.
func Load(o Options) (*Setup, error) {
	file, text, err := read("experiment", "experiments", o.Experiment, schema.Origin{})
	if err != nil {
		return nil, err
	}
	e, err := DecodeExperiment(file, text)
	if err != nil {
		return nil, err
	}
	s, err := e.on(o)
	if err != nil {
		return nil, err
	}
	quick, err := s.with(e.quick)
	if err != nil {
		return nil, err
	}
	if o.Quick {
		s = quick
	}
	if s, err = s.with(o.Overrides); err != nil {
		return nil, err
	}
	if err := s.checkSwept(o.Overrides); err != nil {
		return nil, err
	}
	s.noteChanges(o.Overrides)
	return s, s.Check()
}

// noteChanges has the titles name what was overridden in the machine and the
// simulated kernel. What else can be overridden stands in every report.
func (s *Setup) noteChanges(overrides []Assignment) {
	for _, a := range overrides {
		key, ofMachine := strings.CutPrefix(a.Key, machinePrefix)
		set := key + " = " + a.Text()
		switch {
		case ofMachine && key != "title" && key != "name":
			s.Machine.changed = append(s.Machine.changed, set)
		case strings.HasPrefix(a.Key, "kernel."):
			s.Experiment.changed = append(s.Experiment.changed, set)
		}
	}
}

// checkSwept refuses an override of a key that every point of a sweep sets
// again: it would do nothing.
func (s *Setup) checkSwept(overrides []Assignment) error {
	for _, a := range overrides {
		for _, w := range s.Experiment.sweeps {
			if a.Key == w.Key {
				return schema.FaultAt(a.From, a.Key, schema.Problem("sweep."+a.Key+"=[...]", "is swept: every point sets it"))
			}
		}
	}
	return nil
}

// on finds the machine: --machine, --set machine=, else the experiment's.
func (e *Experiment) on(o Options) (*Setup, error) {
	name, from := e.machine, e.src.Origin("machine")
	for _, a := range o.Overrides {
		if text, ok := a.Value.(string); ok && a.Key == "machine" {
			name, from = text, a.From
		}
	}
	if o.Machine != "" {
		name, from = o.Machine, schema.Origin{Flag: "--machine"}
	}
	m, err := LoadMachine(name, from)
	if err != nil {
		return nil, err
	}
	e.machine = name
	return &Setup{e, m}, nil
}

// takes reports whether an assignment can be made; of a sweep, whether its key
// takes each of the values.
func (s *Setup) takes(a Assignment) bool {
	key, swept := strings.CutPrefix(a.Key, "sweep.")
	values, isList := schema.Elements(a.Value)
	if !swept || !isList {
		return s.Clone().Set(a) == nil
	}
	for _, v := range values {
		if s.Clone().Set(Assignment{Key: key, Value: v, From: a.From}) != nil {
			return false
		}
	}
	return true
}

// with returns a copy with the assignments made.
func (s *Setup) with(as []Assignment) (*Setup, error) {
	c := s.Clone()
	for _, a := range as {
		if p, ok := a.plain(); ok && !s.takes(a) && s.takes(p) {
			a = p
		}
		if err := c.Set(a); err != nil {
			return nil, err
		}
	}
	return c, nil
}
