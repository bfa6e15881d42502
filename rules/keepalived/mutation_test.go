package keepalived

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// mutate changes a configuration as a slip of the hand or a broken template
// would.
func mutate(r *rand.Rand, text string) string {
	lines := strings.Split(text, "\n")
	n := r.IntN(len(lines))
	words := strings.Fields(lines[n])
	word := func() int { return r.IntN(len(words)) }
	line := func(s ...string) string { return strings.Join(slices.Replace(slices.Clone(lines), n, n+1, s...), "\n") }
	at := r.IntN(len(text))
	switch kind := r.IntN(16); {
	case kind == 0:
		return line() // a line is lost
	case kind == 1:
		return line(lines[n], lines[n]) // or there twice
	case kind == 2:
		m := r.IntN(len(lines)) // or somewhere else
		return strings.Join(slices.Insert(slices.Delete(slices.Clone(lines), n, n+1), min(m, len(lines)-1), lines[n]), "\n")
	case kind == 3:
		return text[:at] // the end is missing
	case kind == 4:
		return text[:at] + string([]byte{byte(r.IntN(256))}) + text[at:]
	case kind == 5:
		return text[:at] + text[min(len(text), at+1+r.IntN(3)):]
	case kind == 6:
		return text[:at] + []string{"{", "}", `"`, "'", "\x00", "\\", "#", "$", "\n", "~SEQ(A,1,5) ", "@x "}[r.IntN(11)] + text[at:]
	case kind == 7:
		return line("include " + []string{"main.conf", "locked.conf", "none.conf", "fifo", "part.conf"}[r.IntN(5)])
	case len(words) == 0:
		return line("zzz")
	case kind == 8:
		i := word()
		return line(strings.Join(slices.Delete(words, i, i+1), " "))
	case kind == 9:
		i := word()
		return line(strings.Join(slices.Insert(words, i, words[i]), " "))
	case kind == 10:
		i, j := word(), word()
		words[i], words[j] = words[j], words[i]
		return line(strings.Join(words, " "))
	case kind == 11:
		words[word()] = []string{"-1", "0", "1", "256", "65536", "4294967296", "99999999999999999999", "0.0000001", "x", `""`, "::", "10.0.0.1", "on"}[r.IntN(13)]
		return line(strings.Join(words, " "))
	case kind == 12:
		i := word()
		words[i] = words[i] + "x"
		return line(strings.Join(words, " "))
	case kind == 13:
		return strings.ReplaceAll(text, words[0], "zzz")
	default:
		if i := strings.LastIndexByte(text[:at], '}'); i >= 0 && kind == 14 {
			return text[:i] + text[i+1:] // a block is not closed
		}
		return strings.Replace(text, "{", "", 1+r.IntN(3))
	}
}

// mutants calls f with changed configurations, always the same ones.
func mutants(t testing.TB, count int, f func(name string, fs fstest.MapFS)) {
	files, _ := filepath.Glob("testdata/*/*.conf")
	if len(files) < 5 {
		t.Fatal("no configurations to change")
	}
	r := rand.New(rand.NewPCG(3768, 9568))
	for i := range count {
		file := files[i%len(files)]
		text := read1(t, file)
		for range 1 + r.IntN(3) {
			if text = mutate(r, text); text == "" {
				text = "\n"
			}
		}
		f(fmt.Sprintf("mutant %d of %s", i, file), fstest.MapFS{
			"main.conf":   {Data: []byte(text), Mode: 0o644},
			"locked.conf": {Data: []byte("x"), Mode: 0o755},
			"fifo":        {Mode: 0o644 | 1<<25},
			"part.conf":   {Data: []byte("} vrrp_instance X {\n"), Mode: 0o644},
		})
	}
}

// A configuration that went wrong never breaks us, never gives half of itself,
// and when it is accepted it means what we say it means.
func TestMutantsNeverGiveHalfAConfiguration(t *testing.T) {
	refused, accepted := 0, 0
	mutants(t, 2000, func(name string, fs fstest.MapFS) {
		c, ds := Load(context.Background(), "main.conf", Options{FS: fs})
		if (c == nil) != (ds.Worst() == Error) {
			t.Errorf("%s: configuration %v, worst message %v", name, c != nil, ds.Worst())
		}
		if c == nil {
			refused++
			return
		}
		accepted++
		checkFixpoint(t, name, c)
	})
	t.Logf("%d refused, %d accepted", refused, accepted)
	if refused < 500 || accepted < 200 {
		t.Errorf("%d refused and %d accepted: want at least 500 and 200 to say anything", refused, accepted)
	}
}
