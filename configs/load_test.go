package configs

import "testing"

func TestPresetsLoad(t *testing.T) {
	for _, name := range ExperimentNames() {
		for _, quick := range []bool{false, true} {
			s, err := Load(Options{Experiment: name, Quick: quick})
			if err != nil {
				t.Errorf("%s: %v", name, err)
				continue
			}
			t.Log(s.Experiment.Write())
			ds, _ := s.Designs()
			r, err := s.Run(s.Points()[0], ds[0])
			if err != nil {
				t.Error(err)
				continue
			}
			t.Log(r.Configuration, r.Spec, r.Loads)
		}
	}
}
