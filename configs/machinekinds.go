package configs

import (
	"fmt"

	"mmsim/configs/schema"
	"mmsim/cores"
	"mmsim/sim"
)

// lineKind is a line size: 64 or 128 bytes.
var lineKind = schema.Checked(withExpected(schema.Size, `"64B" or "128B"`), func(n int) error {
	if n != 64 && n != 128 {
		return schema.Problem(`"64B" or "128B"`, "lines of %d bytes are not modelled", n)
	}
	return nil
})

func withExpected[V any](k schema.Kind[V], expected string) schema.Kind[V] {
	k.Expected = expected
	return k
}

// flag is a choice of two names held as a bool.
func flag(what, no, yes string) schema.Kind[bool] {
	names := schema.Enum[uint8](what, no, yes)
	return schema.Kind[bool]{Name: names.Name, Expected: names.Expected, Values: names.Values,
		Parse: func(raw any) (bool, error) { v, err := names.Parse(raw); return v == 1, err },
		Format: func(v bool) any {
			if v {
				return yes
			}
			return no
		}}
}

var (
	replacementKind = flag("replacement", "lru", "tree-plru")
	drainKind       = flag("drain order", "unordered", "in-order")
)

const clockExpected = `a list such as [{ cores = 2, clock = "3.7GHz" }, { cores = 20, clock = "2.7GHz" }]`

// clockKind is the table of clocks by active cores. That it covers the socket
// is checked with the topology.
var clockKind = schema.Kind[[]cores.ClockStep]{Name: "list of clocks", Expected: clockExpected, Parse: parseClocks,
	Format: func(steps []cores.ClockStep) any {
		if len(steps) == 0 {
			return nil
		}
		var out []any
		for _, s := range steps {
			out = append(out, map[string]any{"cores": int64(s.Cores), "clock": schema.Clock.Format(s.Clock)})
		}
		return out
	}}

func parseClocks(raw any) ([]cores.ClockStep, error) {
	elems, ok := schema.Elements(raw)
	if !ok {
		return nil, schema.Problem(clockExpected, "%s is no list", schema.Show(raw))
	}
	var steps []cores.ClockStep
	for i, e := range elems {
		at := func(key string) string { return fmt.Sprintf("[%d]%s", i, key) }
		m, ok := e.(map[string]any)
		if !ok {
			return nil, schema.At(at(""), schema.Problem(clockExpected, "%s is no table", schema.Show(e)))
		}
		s, err := parseClock(m, at)
		if err != nil {
			return nil, err
		}
		if i > 0 && s.Cores <= steps[i-1].Cores {
			return nil, schema.At(at(".cores"), schema.Problem(fmt.Sprintf("more than the %d of the entry before", steps[i-1].Cores), "%d: the table is not ascending", s.Cores))
		}
		steps = append(steps, s)
	}
	return steps, nil
}

func parseClock(m map[string]any, at func(string) string) (s cores.ClockStep, err error) {
	if err := schema.OnlyKeys(m, at, "cores", "clock"); err != nil {
		return s, err
	}
	if s.Cores, err = schema.Count(1, maxCores).Parse(m["cores"]); err != nil {
		return s, schema.At(at(".cores"), err)
	}
	var hz sim.Hertz
	if hz, err = schema.Clock.Parse(m["clock"]); err != nil {
		return s, schema.At(at(".clock"), err)
	}
	s.Clock = hz
	return s, nil
}
