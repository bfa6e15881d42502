package schedule

import "ipvsadm/sched"

// nearest returns the name of a scheduler that takes the fewest changes of
// letters to make of a word.
func nearest(word string) string {
	best, least := "", 0
	for _, s := range sched.All() {
		if n := distance(word, s.Name); best == "" || n < least {
			best, least = s.Name, n
		}
	}
	return best
}

// distance is Levenshtein's: the letters to add, drop or replace.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		corner := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := corner
			if a[i] != b[j] {
				cost++
			}
			corner = row[j+1]
			row[j+1] = min(cost, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
