package check

import (
	"slices"

	"mmsim/sim"
)

// Designs lists the names of all designs that some scenario applies to.
func Designs() (names []string) {
	for _, s := range Scenarios() {
		for _, d := range s.Designs {
			if !slices.Contains(names, d) {
				names = append(names, d)
			}
		}
	}
	return names
}

// Breaks lists the names of what can be taken out of the paths.
func Breaks() (names []string) {
	for _, b := range sim.Breaks() {
		names = append(names, b.Name)
	}
	return names
}
