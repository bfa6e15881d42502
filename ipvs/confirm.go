package ipvs

// rereadings is how often a list is read again if it keeps changing.
const rereadings = 3

// confirm reads a list again until two readings have the same rows, and returns
// all that were seen; unsure has the keys of those that the last one lacks.
//
// It reads through another socket, where the pieces have other borders: the
// first is smaller because the kernel does not know the reader's buffer yet.
// What one reading skips at a border, the other has in the middle of a piece.
func confirm[K comparable, V any](list []V, s socket, key func(*V) K, read func(socket) ([]V, error)) (_ []V, unsure map[K]bool, err error) {
	other, err := s.again()
	if err != nil {
		return nil, nil, transport(err)
	}
	defer other.close()
	last := list
	for range rereadings {
		again, err := read(other)
		if err != nil {
			return nil, nil, err
		}
		list, unsure = merge(list, again, key)
		if sameRows(last, again, key) {
			break
		}
		last = again
	}
	return list, unsure, nil
}

// sameRows says whether two lists have the same keys, in whatever order.
func sameRows[K comparable, V any](a, b []V, key func(*V) K) bool {
	rows := make(map[K]bool, len(a))
	for i := range a {
		rows[key(&a[i])] = false
	}
	for i := range b {
		if _, ok := rows[key(&b[i])]; !ok {
			return false
		}
		rows[key(&b[i])] = true
	}
	for _, inBoth := range rows {
		if !inBoth {
			return false
		}
	}
	return true
}

// merge returns again with each row once, and with the rows of list that it
// lacks, each behind the row that it followed. lacking has the keys of those.
func merge[K comparable, V any](list, again []V, key func(*V) K) (merged []V, lacking map[K]bool) {
	rows := make(map[K]bool, len(again)) // of again; true until it is in merged
	for i := range again {
		rows[key(&again[i])] = true
	}
	lacking = map[K]bool{}
	known := make(map[K]bool, len(list))
	followers := map[K][]V{}
	var first []V
	var behind K
	placed := false
	for i := range list {
		k := key(&list[i])
		switch {
		case known[k]:
			continue
		case rows[k]:
			behind, placed = k, true
		case placed:
			followers[behind] = append(followers[behind], list[i])
			lacking[k] = true
		default:
			first = append(first, list[i])
			lacking[k] = true
		}
		known[k] = true
	}
	merged = make([]V, 0, len(again)+len(lacking))
	merged = append(merged, first...)
	for i := range again {
		k := key(&again[i])
		if !rows[k] {
			continue // a second time
		}
		rows[k] = false
		merged = append(merged, again[i])
		merged = append(merged, followers[k]...)
	}
	return merged, lacking
}
