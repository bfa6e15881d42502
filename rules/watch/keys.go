package watch

import "unicode/utf8"

// Key is a key of the keyboard: a character, or one of those below.
type Key rune

// Keys that are no characters.
const (
	Up Key = -iota - 1
	Down
	Left
	Right
	PageUp
	PageDown
	Home
	End
	Escape
	Enter
	Backspace
	Interrupt // Ctrl-C
	Suspend   // Ctrl-Z
	Redraw    // Ctrl-L
	unknownKey
)

// Press carries out a key.
func (m *Model) Press(k Key) {
	if k == Interrupt {
		m.quit = true
		return
	}
	if m.help {
		m.help = false
		return
	}
	if m.typing {
		m.typeFilter(k)
		return
	}
	switch k {
	case 'q', 'Q':
		m.quit = true
	case '/':
		m.typing = true
	case Escape:
		m.setFilter("")
	case '>', Right:
		m.sort((m.sortBy + 1) % numColumns)
	case '<', Left:
		m.sort((m.sortBy + numColumns - 1) % numColumns)
	case 'r':
		m.reverse = !m.reverse
		m.arrange()
	case ' ', Enter:
		m.fold()
	case 'c':
		m.foldAll()
	case 'f':
		m.frozen = !m.frozen
	case 'h', '?':
		m.help = true
	default:
		m.move(k)
	}
}

func (m *Model) sort(by column) {
	m.sortBy, m.reverse = by, false
	m.arrange()
}

// move moves the cursor, and the window with it.
func (m *Model) move(k Key) {
	switch k {
	case Up, 'k':
		m.cursor--
	case Down, 'j':
		m.cursor++
	case PageUp:
		m.cursor -= m.height
		m.top -= m.height
	case PageDown:
		m.cursor += m.height
		m.top += m.height
	case Home, 'g':
		m.cursor = 0
	case End, 'G':
		m.cursor = len(m.rows) - 1
	}
	m.clamp()
}

func (m *Model) typeFilter(k Key) {
	switch {
	case k == Enter:
		m.typing = false
	case k == Escape:
		m.typing = false
		m.setFilter("")
	case k == Backspace:
		_, n := utf8.DecodeLastRuneInString(m.filter)
		m.setFilter(m.filter[:len(m.filter)-n])
	case k >= ' ':
		m.setFilter(m.filter + string(rune(k)))
	}
}

func (m *Model) setFilter(text string) {
	m.filter = text
	m.arrange()
}

// decodeKey returns the key that input begins with and its length. A length of 0
// says that input is the beginning of a longer key: an escape that may be the
// Escape key, or a sequence of which more is to come.
func decodeKey(input []byte) (Key, int) {
	if len(input) == 0 {
		return 0, 0
	}
	switch c := input[0]; {
	case c == 0x1b:
		return decodeEscape(input)
	case c == '\r' || c == '\n':
		return Enter, 1
	case c == 0x7f || c == 0x08:
		return Backspace, 1
	case c == 0x03:
		return Interrupt, 1
	case c == 0x1a:
		return Suspend, 1
	case c == 0x0c:
		return Redraw, 1
	case c < ' ':
		return unknownKey, 1
	}
	if !utf8.FullRune(input) {
		return 0, 0
	}
	r, n := utf8.DecodeRune(input)
	if r == utf8.RuneError {
		return unknownKey, n
	}
	return Key(r), n
}

// decodeEscape reads a control sequence (ECMA-48 §5.4): ESC [ or, from keypads,
// ESC O, parameters, and a final byte.
func decodeEscape(input []byte) (Key, int) {
	if len(input) < 2 {
		return 0, 0
	}
	if input[1] != '[' && input[1] != 'O' {
		return Escape, 1
	}
	for i := 2; i < len(input); i++ {
		if c := input[i]; c < 0x40 || c > 0x7e {
			continue
		}
		return sequenceKey(string(input[2 : i+1])), i + 1
	}
	return 0, 0
}

func sequenceKey(s string) Key {
	switch s {
	case "A":
		return Up
	case "B":
		return Down
	case "C":
		return Right
	case "D":
		return Left
	case "H", "1~", "7~":
		return Home
	case "F", "4~", "8~":
		return End
	case "5~":
		return PageUp
	case "6~":
		return PageDown
	}
	return unknownKey
}
