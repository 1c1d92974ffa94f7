// Mmsim prices alternatives of Linux mm locking on simulated multicore
// machines:
//
//	mmsim run                                   the uprobe lookup question
//	mmsim run --machine neoverse-n1-64 --set group.writer.first_cpu=63 --set sweep.group.hitters.count=[1,16,63]
//	mmsim list experiments
//	mmsim machine show xeon-6138-2s --micro
//	mmsim explain uprobe-hit --design mm-seqcount
//
// It ends with status 0, with 2 when its input is wrong (and then has written
// nothing), 1 when a run failed, 130 on SIGINT and 75 on SIGTERM, with what was
// finished kept.
package main

import "os"

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }
