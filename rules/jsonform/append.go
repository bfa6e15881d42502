package jsonform

import (
	"strconv"
	"unicode/utf8"
)

// member begins a member of an object: a comma unless it is the first, and the
// name, which needs no escapes.
func member(b []byte, name string) []byte {
	if b[len(b)-1] != '{' {
		b = append(b, ',')
	}
	return append(append(append(b, '"'), name...), '"', ':')
}

func appendNumber[T ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~int64](b []byte, name string, n T) []byte {
	return strconv.AppendUint(member(b, name), uint64(n), 10)
}

func appendText(b []byte, name, value string) []byte {
	return appendString(member(b, name), value)
}

func appendWords(b []byte, name string, words []string) []byte {
	b = append(member(b, name), '[')
	for i, word := range words {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendString(b, word)
	}
	return append(b, ']')
}

// appendString adds a string with the escapes of RFC 8259 §7. Bytes that are no
// UTF-8 become U+FFFD: JSON has no other way to show them.
func appendString(b []byte, s string) []byte {
	const hex = "0123456789abcdef"
	b = append(b, '"')
	for _, r := range s {
		switch {
		case r == '"' || r == '\\':
			b = append(b, '\\', byte(r))
		case r < ' ' || r == 0x7f:
			b = append(b, '\\', 'u', '0', '0', hex[r>>4], hex[r&15])
		default:
			b = utf8.AppendRune(b, r)
		}
	}
	return append(b, '"')
}
