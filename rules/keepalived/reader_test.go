package keepalived

import (
	"context"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
)

// read returns what the reader hands on, a line for each token, and what it
// complains of.
func read(o Options, files map[string]string) (lines []string, ds Diagnostics) {
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	o.FS = fs
	l := newLoader(context.Background(), o)
	l.reader.openMain("main.conf", o)
	for {
		switch t := l.reader.next(); t.kind {
		case tokenEnd:
			return lines, l.report.all()
		case tokenText:
			lines = append(lines, t.text)
		case tokenOpen:
			lines = append(lines, "{")
		case tokenClose:
			lines = append(lines, "}")
		}
	}
}

// Unless the name says otherwise, the expected lines are what keepalived 2.2.7
// made of the text, seen in the unknown keywords that it reports.
func TestReader(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       string // the lines, joined with |
	}{
		{"definitions", "$A=foo\n$A bar\n${A}bar\nx$A\n$Abar\nx${A}y\n$A\n$AB", "foo bar|foobar|xfoo|$Abar|xfooy|foo|$AB"},
		{"blanks around a definition", " $A = foo\n  $B=  foo bar  \n$A\n$B", "$A = foo|$A|foo bar"},
		{"definitions are looked up late", "$ADDR=10.2.${SUB}\n$SUB=0\n${ADDR}.100/32\n$SUB=10\n${ADDR}.100/32", "10.2.0.100/32|10.2.10.100/32"},
		{"an empty definition", "$A=\nx${A}y", "xy"},
		{"definitions within quotes", "$A=foo\n\"z${A}\"", `"zfoo"`},
		{"a definition with blanks in it makes words", "$A=a b\nx $A", "x a b"},
		{"what stands before a definition can join it", "$A={\nx $A\n}", "x|{|}"},
		{"a name is followed by a comma or a parenthesis", "$A=1\nx $A, ($A)", "x 1, (1)"},
		{"comment signs that are no comments", "\\#hash\nx\\!bang\n\"q#r\"\ny${_HASH}z\ny${_BANG}z", `#hash|x!bang|"q#r"|y#z|y!z`},
		{"the name of the configuration", "i${_INSTANCE}i", "imaini"},
		{"a random number", "r${_RANDOM 5 5}r", "r5r"},
		{"the environment", "e${_ENV HOME}e${_ENV NONE}e", "e/rootee"},
		{"the directory", "d${_PWD}d", "d/d"},
		{"what is not defined stays as it is", `x $UNDEF y "${UNDEF}"`, `x $UNDEF y "${UNDEF}"`},

		{"a sequence", "~SEQ(V,1,3) s${V}", "s1|s2|s3"},
		{"a sequence from one", "~SEQ(V,3) s${V}", "s1|s2|s3"},
		{"a sequence downwards", "~SEQ(V,-2) s${V}", "s-1|s-2"},
		{"a sequence with a step", "~SEQ(V,10,-5,0) s${V}", "s10|s5|s0"},
		{"a sequence in hexadecimal", "~SEQx(V,0x8,4,0x10) s${V}", "s8|sc|s10"},
		{"a sequence of sequences", "~SEQ(A,1,2) ~SEQ(B,1,2) x${A}${B}", "x11|x12|x21|x22"},
		{"the name keeps its last value", "~SEQ(V,1,3) s\nafter$V", "s|s|s|after3"},
		{"a sequence with definitions", "$N=2\n~SEQ(V,1,$N) s${V}", "s1|s2"},
		{"a sequence of blocks", "~SEQ(V,1,2) a { b${V} }", "a|{|b1|}|a|{|b2|}"},
		{"a list", "~LST(V,a,b,c) l${V}", "la|lb|lc"},
		{"a list of pairs", "~LST({A, B},{1,2}, {3,4}) m${A}${B}", "m12|m34"},
		{"a list with a value too few", "~LST({A,B},{1},{3,4}) r${A}${B}", "r1|r34"},
		{"a list with one empty value", "~LST(V,) q${V}", "q"},
		{"lists and sequences", "~LST(C,1,2) ~SEQ(D,1,2) u${C}${D}", "u11|u12|u21|u22"},

		{"several lines", "$M= \\\none_${N} \\\ntwo_${N} \\\nthree\n$N=1\n$M\n$N=2\n$M\nend", "one_1|two_1|three|one_2|two_2|three|end"},
		{"several lines, the first beside the name", "$M=zero \\\none \\\ntwo\n$M", "zero|one|two"},
		{"several lines behind a word", "$M= \\\none \\\ntwo\nbar $M\nbar ${M}", "bar one|two|bar one|two"},
		{"several lines within several lines", "$I= \\\ni1 \\\ni2\n$O= \\\no1 \\\n$I \\\no2\n$O\nend", "o1|i1|i2|o2|end"},
		{"several lines repeated", "$M= \\\na${K} \\\nb${K}\n~SEQ(K,1,2) $M\nend", "a1|b1|a2|b2|end"},
		{"a block over several lines", "$M= \\\na { \\\nb \\\n}\n$M", "a|{|b|}"},
		{"definitions within several lines", "$M= \\\n$X=1 \\\na${X} \\\n$X=2 \\\na${X}\n$M", "a1|a2"},
		{"a blank line ends several lines", "$M= \\\none \\\n\nthree\n$M", "three|one"},
		{"comments within several lines", "$M= \\\none # uno \\\ntwo # dos\n$M", "one|two"},

		{"for this machine", "@main mm\n@^main nn\n@other oo\n@^other pp", "mm|pp"},
		{"a condition alone", "@main\n @main x", "x"},
		{"definitions for this machine", "@main $P=240\n@other $P=200\np$P", "p240"},
		{"a condition out of a definition (keepalived garbles it)", "$IF=@main\n$IF tt\n$IF=@other\n$IF uu", "tt"},
		{"a condition behind a condition (keepalived reads one)", "@main @other x\n@main @^other y", "y"},
		{"conditional braces", "@main foo {\n@other bar {\nbaz\n@other }\n@main }", "foo|{|baz|}"},

		{"braces anywhere", "a { b }\nc {d}\ne{f{g}}\n{\n}", "a|{|b|}|c|{|d|}|e|{|f|{|g|}|}|{|}"},
		{"braces within quotes", "\"h{i}\"\nj\"k{l\"m", `"h{i}"|j"k{l"m`},
		{"single quotes do not protect braces", "n'{'o", "n'|{|'o"},
		{"the braces of what is not defined (keepalived cuts there)", "u${UNDEF}v", "u${UNDEF}v"},
		{"lines joined by a backslash (keepalived does not)", "foo \\\nbar\\\nbaz\nend", "foo bar baz|end"},
		{"carriage returns", "foo\r\nbar\r\n", "foo|bar"},
		{"no end of line", "foo", "foo"},
		{"a byte order mark (keepalived takes it for a letter)", "\ufefffoo", "foo"},
		{"Latin-1", "\xe9\xe8x", "\xe9\xe8x"},
	} {
		t.Run(c.name, func(t *testing.T) {
			env := func(name string) (string, bool) { return "/root", name == "HOME" }
			got, ds := read(Options{ConfigID: "main", Env: env}, map[string]string{"main.conf": c.text})
			if joined := strings.Join(got, "|"); joined != c.want {
				t.Errorf("%q gives %q, want %q", c.text, joined, c.want)
			}
			if ds.Worst() == Error {
				t.Errorf("%q is refused: %v", c.text, ds)
			}
		})
	}
}

func TestReaderRefuses(t *testing.T) {
	for _, c := range []struct {
		name, text string
		kind       Kind
		line       int
		say        string
	}{
		{"an open quote", "a\nb \"c\n", KindText, 2, "a double quote is not closed"},
		{"a NUL byte", "a\nb\x00c\n", KindText, 2, "NUL"},
		{"a line without end", strings.Repeat("x", maxLineSize+1), KindLimit, 1, "longer than 64 KiB"},
		{"a line continued without end", strings.Repeat(strings.Repeat("x", 1000)+"\\\n", 70), KindLimit, 1, "64 KiB"},
		{"a sequence that never ends", "~SEQ(V,1,0,5) s", KindText, 1, "never gets"},
		{"a sequence the wrong way", "~SEQ(V,1,-1,5) s", KindText, 1, "never gets"},
		{"a sequence without numbers", "~SEQ(V,a) s", KindText, 1, "cannot count"},
		{"a sequence without values", "~SEQ(V) s", KindText, 1, "needs a name and values"},
		{"a sequence with too many values", "~SEQ(V,1,2,3,4) s", KindText, 1, "a start, a step and an end"},
		{"a sequence without parentheses", "~SEQ V", KindText, 1, "parentheses"},
		{"a sequence whose parenthesis is open", "~SEQ(V,1,2 s", KindText, 1, "not closed"},
		{"a sequence without a name", "~SEQ(1,1,2) s", KindText, 1, "needs a name"},
		{"a hexadecimal sequence of negative numbers", "~SEQx(V,-1,-5) s", KindText, 1, "positive"},
		{"a list with quotes", `~LST(V,"x y",z) s`, KindText, 1, "quoted"},
		{"a list with too many values", "~LST({A,B},{1,2,5}) s", KindText, 1, "more values than names"},
		{"a list of pairs for one name", "~LST(V,{1,2},3) s", KindText, 1, "more values than names"},
		{"a list without values", "~LST(V) s", KindText, 1, "needs a name and values"},
		{"a definition by itself", "$A=x$A\n$A", KindText, 2, "contains itself"},
		{"several lines in the middle of one", "$M= \\\none \\\ntwo\n$M foo", KindText, 4, "last word of a line"},
		{"an include without a name", "include\n", KindMissing, 1, "no file name"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, ds := read(Options{}, map[string]string{"main.conf": c.text})
			i := slices.IndexFunc(ds, func(d Diagnostic) bool { return d.Severity == Error })
			if i < 0 {
				t.Fatalf("%.80q is not refused: %v", c.text, ds)
			}
			if d := ds[i]; d.Kind != c.kind || d.Position.Line != c.line || !strings.Contains(d.What, c.say) {
				t.Errorf("%.80q is refused with %v %q, want %v in line %d with %q", c.text, d.Kind, d, c.kind, c.line, c.say)
			}
		})
	}
}

func TestReaderSaysWhatIsNotDefined(t *testing.T) {
	_, ds := read(Options{}, map[string]string{"main.conf": "a\nx ${NAME} ${NAME}\n${NAME}\n"})
	if len(ds) != 1 || ds[0].Kind != KindReference || ds[0].Severity != Warning || ds[0].Position.Line != 2 {
		t.Errorf("got %v, want one warning for line 2", ds)
	}
}

// The same file stands for the same configuration at every reload.
func TestRandomNumbersAreTheSameEveryTime(t *testing.T) {
	files := map[string]string{"main.conf": strings.Repeat("x ${_RANDOM} ${_RANDOM 10} ${_RANDOM 10 20}\n", 50)}
	first, _ := read(Options{ConfigID: "a"}, files)
	second, _ := read(Options{ConfigID: "a"}, files)
	other, _ := read(Options{ConfigID: "b"}, files)
	if !slices.Equal(first, second) {
		t.Error("the same machine reads other numbers the second time")
	}
	if slices.Equal(first, other) {
		t.Error("another machine reads the same numbers")
	}
	for _, line := range first {
		var a, b, c int
		if n, _ := fmt.Sscanf(line, "x %d %d %d", &a, &b, &c); n != 3 || a > 32767 || b < 10 || b > 32767 || c < 10 || c > 20 {
			t.Errorf("%q is out of its bounds", line)
		}
	}
}

func TestPositionsNameTheFileOfEachLine(t *testing.T) {
	files := map[string]string{
		"main.conf": "one\ninclude a.conf\n$M= \\\nx \\\ny\n\n$M\nthree",
		"a.conf":    "\n\ntwo\n",
	}
	l := newLoader(context.Background(), Options{FS: mapFS(files)})
	l.reader.openMain("main.conf", Options{})
	got := make(map[string]string)
	for tok := l.reader.next(); tok.kind != tokenEnd; tok = l.reader.next() {
		got[tok.text] = tok.pos.String()
	}
	want := map[string]string{"one": "main.conf:1", "two": "a.conf:3", "x": "main.conf:7", "y": "main.conf:7", "three": "main.conf:8"}
	if !maps.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func mapFS(files map[string]string) fstest.MapFS {
	fs := fstest.MapFS{}
	for name, text := range files {
		fs[name] = &fstest.MapFile{Data: []byte(text), Mode: 0o644}
	}
	return fs
}

// read1 returns the text of a file of the tests.
func read1(t testing.TB, name string) string {
	t.Helper()
	raw, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}
