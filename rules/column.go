package rules

import "strconv"

// appendCounter adds a counter in nine columns or more. Unless exact, a number
// of nine digits and up is cut, never rounded, to a multiple of a decimal
// power: K, M, G, T. Exact numbers of more than eight digits grow the column
// and keep one blank before them.
func appendCounter(b []byte, n uint64, exact bool) []byte {
	switch {
	case n < 100_000_000:
		return appendRight(b, n, 9)
	case exact:
		return strconv.AppendUint(append(b, ' '), n, 10)
	case n < 1_000_000_000:
		return append(appendRight(b, n/1_000, 8), 'K')
	case n < 100_000_000_000:
		return append(appendRight(b, n/1_000_000, 8), 'M')
	case n < 100_000_000_000_000:
		return append(appendRight(b, n/1_000_000_000, 8), 'G')
	}
	return append(appendRight(b, n/1_000_000_000_000, 8), 'T')
}

// appendRight adds n right-aligned in width columns, more if it needs them.
func appendRight(b []byte, n uint64, width int) []byte {
	var digits [20]byte
	number := strconv.AppendUint(digits[:0], n, 10)
	for range width - len(number) {
		b = append(b, ' ')
	}
	return append(b, number...)
}

// appendLeft adds n left-aligned in width columns and a blank.
func appendLeft(b []byte, n uint64, width int) []byte {
	from := len(b)
	return append(pad(strconv.AppendUint(b, n, 10), from, width), ' ')
}

// appendWord adds a word left-aligned in width columns and a blank.
func appendWord(b []byte, word string, width int) []byte {
	from := len(b)
	return append(pad(append(b, word...), from, width), ' ')
}

// pad adds blanks until what stands in b since from is width bytes long.
func pad(b []byte, from, width int) []byte {
	for len(b)-from < width {
		b = append(b, ' ')
	}
	return b
}
