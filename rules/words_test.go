package rules

import (
	"io"
	"slices"
	"strings"
	"testing"
	"testing/iotest"
)

// lines reads a whole restore stream.
func lines(in io.Reader) [][]string {
	r := newLineReader(in, func() {})
	var all [][]string
	for {
		words, ok := r.nextWords()
		if !ok {
			return all
		}
		all = append(all, slices.Clone(words))
	}
}

func TestStreamIsSplitIntoLinesOfWords(t *testing.T) {
	long := strings.Repeat("x", 3*wordBytes+1)
	tests := []struct {
		name, stream string
		want         [][]string
	}{
		{"empty", "", nil},
		{"only line feeds", "\n\n\n", nil},
		{"only blanks", "  \n\t \r\n ", nil},
		{"two lines", "-A -t x\n-a -t x -r y\n", [][]string{{"-A", "-t", "x"}, {"-a", "-t", "x", "-r", "y"}}},
		{"no line feed at the end", "-C", [][]string{{"-C"}}},
		{"blanks at the end and no line feed", "-C \t ", [][]string{{"-C"}}},
		{"CRLF", "-C\r\n-Z\r\n", [][]string{{"-C"}, {"-Z"}}},
		{"a carriage return only ends a word", "-C\r-Z", [][]string{{"-C", "-Z"}}},
		{"indented, tabs", "   -A   -t\tx   \n", [][]string{{"-A", "-t", "x"}}},
		{"the command's name anywhere", "ipvsadm -A -t ipvsadm x ipvsadm\nipvsadm\n", [][]string{{"-A", "-t", "x"}}},
		{"but not its path", "/sbin/ipvsadm -C\n", [][]string{{"/sbin/ipvsadm", "-C"}}},
		{"quotes and backslashes mean nothing", `-A "a b" \n` + "\n", [][]string{{"-A", `"a`, `b"`, `\n`}}},
		{"a word is broken at 4096 bytes", "-s " + long + "\n",
			[][]string{{"-s", long[:wordBytes], long[:wordBytes], long[:wordBytes], "x"}}},
	}
	for _, tt := range tests {
		for how, in := range map[string]io.Reader{
			"at once":      strings.NewReader(tt.stream),
			"byte by byte": iotest.OneByteReader(strings.NewReader(tt.stream)),
			"with the end": iotest.DataErrReader(strings.NewReader(tt.stream)),
		} {
			if got := lines(in); !slices.EqualFunc(got, tt.want, slices.Equal) {
				t.Errorf("%s, read %s: %q, want %q", tt.name, how, got, tt.want)
			}
		}
	}
}

func TestLineLongerThanTheReadBuffer(t *testing.T) {
	const n = 100_000
	got := lines(strings.NewReader("-A " + strings.Repeat("--sort ", n) + "\n-C\n"))
	if len(got) != 2 || len(got[0]) != n+1 || got[1][0] != "-C" {
		t.Fatalf("%d lines, the first of %d words", len(got), len(got[0]))
	}
}

func TestReadErrorEndsTheStream(t *testing.T) {
	got := lines(io.MultiReader(strings.NewReader("-C\n-Z"), iotest.ErrReader(io.ErrUnexpectedEOF)))
	want := [][]string{{"-C"}, {"-Z"}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("%q, want %q", got, want)
	}
}

func TestEveryReadIsAnnounced(t *testing.T) {
	var log []string
	chunks := []string{"-C\n-Z\n", "-C", "\n"}
	in := readerFunc(func(p []byte) (int, error) {
		log = append(log, "read")
		if len(chunks) == 0 {
			return 0, io.EOF
		}
		chunk := chunks[0]
		chunks = chunks[1:]
		return copy(p, chunk), nil
	})
	r := newLineReader(in, func() { log = append(log, "before") })
	for {
		words, ok := r.nextWords()
		if !ok {
			break
		}
		log = append(log, words...)
	}
	want := "before read -C -Z before read before read -C before read"
	if got := strings.Join(log, " "); got != want {
		t.Errorf("%s, want %s", got, want)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }
