// Package experiments carries an experiment out: a plan lists its runs (every
// point of the sweep, in every design, under every seed), running makes a
// record of each, and what is printed and written comes from the records.
//
// The three are types: configs.Setup says what is asked, Plan which runs that
// takes, results.Record what one run measured. Nothing else passes between
// them, so a run may come from a store as well as from the simulator, runs may
// go in any order on any number of workers, and an interrupted plan is resumed
// by running it again with the same store.
package experiments
