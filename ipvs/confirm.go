package ipvs

// rereadings is how often a list is read again while it brings news.
const rereadings = 3

// confirm reads a list again until that brings nothing new, and returns it with
// what the last reading lacks; unsure has the keys of those.
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
	for range rereadings {
		again, err := read(other)
		if err != nil {
			return nil, nil, err
		}
		var news int
		list, unsure, news = merge(list, again, key)
		if news == 0 {
			break
		}
	}
	return list, unsure, nil
}

// merge returns again with each row once, and with the rows of list that it
// lacks, each behind the row that it followed. lacking has the keys of those,
// news is the number of rows that list lacks.
func merge[K comparable, V any](list, again []V, key func(*V) K) (merged []V, lacking map[K]bool, news int) {
	rows := make(map[K]bool, len(again)) // true when again has it, false when only list
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
		if !known[k] {
			news++
		}
		merged = append(merged, again[i])
		merged = append(merged, followers[k]...)
	}
	return merged, lacking, news
}
