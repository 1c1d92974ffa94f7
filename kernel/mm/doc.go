// Package mm is the part of mm/ and fs/ that address spaces are made of:
// mm_struct, VMAs in a maple tree, their locks by design, mmap and munmap with
// page tables, reverse-map counts and TLB shootdown. All state lies in
// simulated memory; Go values hold addresses and layouts only.
//
// References to sections are to vma-locking-and-fork.md unless another sheet
// is named.
package mm
