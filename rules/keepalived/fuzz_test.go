package keepalived

import (
	"context"
	"path/filepath"
	"slices"
	"testing"
)

// FuzzLoad feeds the reader and the parser with anything. They end in time, and
// what they accept reads back as the same.
func FuzzLoad(f *testing.F) {
	files, _ := filepath.Glob("testdata/*/*.conf")
	for _, file := range files {
		f.Add([]byte(read1(f, file)), []byte("# nothing"))
	}
	for i, c := range acceptCases(f) {
		if i%7 == 0 {
			f.Add([]byte(c.file()), []byte(c.text))
		}
	}
	f.Add([]byte("include b.conf\n~SEQ(A,1,9) ~LST({B,C},{1,2},{3,4}) $X\n$X= \\\n a ${A} \\\n { b } \\\n"), []byte("$X=${_RANDOM 1 5}\n@id x\n@^id y\n"))
	f.Fuzz(func(t *testing.T, main, other []byte) {
		from := spent()
		c, ds := Load(context.Background(), "a.conf", Options{ConfigID: "id", FS: mapFS(map[string]string{"a.conf": string(main), "b.conf": string(other)})})
		if took := spent() - from; took > patience {
			t.Errorf("took %v", took)
		}
		if (c == nil) != (ds.Worst() == Error) {
			t.Errorf("configuration %v with %v", c != nil, ds)
		}
		if len(ds) > maxDiagnostics+1 {
			t.Errorf("%d messages", len(ds))
		}
		if c != nil {
			checkFixpoint(t, "fuzzed", c)
		}
	})
}

// FuzzQuoted compares what is written for the second reader of quotes with what
// it reads.
func FuzzQuoted(f *testing.F) {
	for _, s := range []string{"", "a b", `a"b'c\d`, "\x00\n\t\x7f$#!{}", "ünïcode \xff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, word string) {
		if words, missing := splitQuoted(quoteFor(word)); missing != 0 || !slices.Equal(words, []string{word}) {
			t.Errorf("%q was written as %s and read as %q", word, quoteFor(word), words)
		}
		argv := []string{"x", word}
		if words, missing := splitQuoted(joinArgv(argv)); missing != 0 || !slices.Equal(words, argv) {
			t.Errorf("%q was joined as %q and split as %q", argv, joinArgv(argv), words)
		}
		if text, continued, open := cleanLine("x " + quoteFor(word)); continued || open || text != "x "+quoteFor(word) {
			t.Errorf("%s is cleaned to %s", quoteFor(word), text)
		}
	})
}
