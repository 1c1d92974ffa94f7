package schema

import "strings"

// Nearest returns the known name that a misspelt one was probably meant to be,
// or "": at most a third of its letters differ.
func Nearest(name string, known []string) string {
	best, bestCost := "", len(name)/3+1
	for _, k := range known {
		if c := editDistance(strings.ToLower(name), strings.ToLower(k)); c < bestCost || c == bestCost && best == "" {
			best, bestCost = k, c
		}
	}
	if best == "" {
		return contained(name, known)
	}
	return best
}

// contained finds the only known name that the given one is part of.
func contained(name string, known []string) string {
	found := ""
	for _, k := range known {
		if len(name) >= 3 && strings.Contains(k, name) {
			if found != "" {
				return ""
			}
			found = k
		}
	}
	return found
}

// editDistance is the optimal string alignment distance: insertions,
// deletions, replacements and swaps of neighbours.
func editDistance(a, b string) int {
	prev2, prev := []int(nil), make([]int, len(b)+1)
	for j := range prev {
		prev[j] = j
	}
	for i := 1; i <= len(a); i++ {
		row := make([]int, len(b)+1)
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(prev[j]+1, row[j-1]+1, prev[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], prev2[j-2]+1)
			}
		}
		prev2, prev = prev, row
	}
	return prev[len(b)]
}
