package keepalived

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestSplitWords(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       []string
	}{
		{"nothing", "", nil},
		{"blanks of all kinds", " \t\f\v\r\n ", nil},
		{"words", "a bb\tccc", []string{"a", "bb", "ccc"}},
		{"a quoted word", `a "b c" d`, []string{"a", "b c", "d"}},
		{"an empty word", `a "" b`, []string{"a", "", "b"}},
		{"quotes inside a word make three", `abcd" efg h jkl "mnop`, []string{"abcd", " efg h jkl ", "mnop"}},
		{"single quotes are letters", `'a b'`, []string{"'a", "b'"}},
		{"a backslash is a letter", `a\"b"`, []string{`a\`, `b`}},
		{"a quote that is not closed takes the rest", `a "b c`, []string{"a", "b c"}},
		{"bytes that are no text", "\xff\xfe a", []string{"\xff\xfe", "a"}},
	} {
		if got := splitWords(nil, c.line); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q gives %q, want %q", c.name, c.line, got, c.want)
		}
	}
}

// The results of keepalived 2.2.7, seen in the argument lists it shows with -d.
func TestSplitQuoted(t *testing.T) {
	for _, c := range []struct {
		name, line string
		want       []string
		missing    byte
	}{
		{"words", "a  b", []string{"a", "b"}, 0},
		{"both kinds of quotes", `script "a b" 'c d'`, []string{"script", "a b", "c d"}, 0},
		{"quotes inside a word", `abcd" efg h jkl "mnop`, []string{"abcd efg h jkl mnop"}, 0},
		{"one kind protects the other", `"it's" 'a "b"'`, []string{"it's", `a "b"`}, 0},
		{"letters", `\a\b\E\f\n\r\t\v`, []string{"\a\b\x1b\f\n\r\t\v"}, 0},
		{"hexadecimal", `\x41 \x4142 \xg`, []string{"A", "B", "xg"}, 0},
		{"octal", `\101\60 \8`, []string{"A0", "8"}, 0},
		{"control characters", `\cA\cZ`, []string{"\x01\x1a"}, 0},
		{"anything else stands for itself", `\\ \" \' \q`, []string{`\`, `"`, `'`, "q"}, 0},
		{"a blank can be escaped", `a\ b`, []string{"a b"}, 0},
		{"escapes within quotes", `"a\"b" 'c\'d'`, []string{`a"b`, `c'd`}, 0},
		{"an empty word", `a ""`, []string{"a", ""}, 0},
		{"a double quote that is not closed", `a "b`, []string{"a", "b"}, '"'},
		{"a single quote that is not closed", `a 'b`, []string{"a", "b"}, '\''},
		{"a backslash at the end", `a b\`, []string{"a"}, '\\'},
	} {
		got, missing := splitQuoted(c.line)
		if !slices.Equal(got, c.want) || missing != c.missing {
			t.Errorf("%s: %q gives %q, missing %q; want %q, missing %q", c.name, c.line, got, missing, c.want, c.missing)
		}
	}
}

// A command written by commandWords goes through the whole reader, which looks
// for comments, braces, definitions and quotes, and must come out the same.
func TestCommandsSurviveBeingWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[ -~\t\n]{0,12}`)
		argv := rapid.SliceOfN(word, 1, 4).Draw(t, "argv")
		if argv[0] == "" {
			argv[0] = "x"
		}
		line := `"` + "x" + `" ` + quoteFor(joinArgv(argv))
		text, continued, open := cleanLine(line)
		if text != line || continued || open || nextBrace(text) >= 0 {
			t.Fatalf("%q is cleaned to %q (continued %v, open %v, brace %d)", line, text, continued, open, nextBrace(text))
		}
		if out, rest, _, problem := (&definitions{}).expand(text); out != text || rest != nil || problem != "" {
			t.Fatalf("%q is expanded to %q %q %s", line, out, rest, problem)
		}
		words, missing := splitQuoted(text)
		if missing != 0 || len(words) != 2 {
			t.Fatalf("%q splits into %q, missing %q", line, words, missing)
		}
		if got, missing := splitQuoted(words[1]); missing != 0 || !slices.Equal(got, argv) {
			t.Fatalf("%q was written as %q and read as %q", argv, line, got)
		}
	})
}

func TestPlainWordsSurviveBeingWritten(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		word := rapid.StringMatching(`[!#-~ \t]{0,12}`).Draw(t, "word")
		if strings.HasSuffix(word, `\`) && quote(word) != word {
			t.Skip("no line can be read as such a word")
		}
		p := &printer{word: "router_id"}
		p.line(quote(word))
		text, continued, open := cleanLine(strings.TrimSuffix(p.b.String(), "\n"))
		if got := splitWords(nil, text); continued || open || !slices.Equal(got, []string{"router_id", word}) {
			t.Fatalf("%q was written as %q and read as %q", word, p.b.String(), got)
		}
	})
}

func TestCleanLine(t *testing.T) {
	for _, c := range []struct {
		name, line, want string
		continued, open  bool
	}{
		{name: "nothing"},
		{name: "blanks", line: " \t "},
		{name: "a comment", line: "# a"},
		{name: "the other comment", line: "! a"},
		{name: "a comment glued to a word", line: "auth_pass ab#c", want: "auth_pass ab"},
		{name: "an exclamation mark glued to a word", line: "auth_pass ab!c", want: "auth_pass ab"},
		{name: "quotes protect", line: `a "b # c ! d" # e`, want: `a "b # c ! d"`},
		{name: "single quotes do not", line: `a 'b # c'`, want: `a 'b`},
		{name: "escaped", line: `a\#b\!c`, want: "a#b!c"},
		{name: "escapes stay within quotes", line: `"a\#b"`, want: `"a\#b"`},
		{name: "other escapes stay", line: `a\n \\# c`, want: `a\n \\`},
		{name: "an escaped quote is no quote", line: `a \" # c`, want: `a \"`},
		{name: "a quote in a comment does not count", line: `a # "b`, want: "a"},
		{name: "an open quote", line: `a "b # c`, want: `a "b # c`, open: true},
		{name: "continued", line: `a b \`, want: "a b", continued: true},
		{name: "continued without a blank", line: `a b\`, want: "a b", continued: true},
		{name: "continued behind a comment", line: `a # b \`, want: "a", continued: true},
		{name: "two backslashes continue nothing", line: `a \\`, want: `a \\`},
		{name: "only a backslash", line: `\`, continued: true},
		{name: "Chinese behind a comment sign", line: "lb_kind DR #定义LVS工作模式", want: "lb_kind DR"},
	} {
		got, continued, open := cleanLine(c.line)
		if got != c.want || continued != c.continued || open != c.open {
			t.Errorf("%s: %q gives %q, continued %v, open %v; want %q, %v, %v", c.name, c.line, got, continued, open, c.want, c.continued, c.open)
		}
	}
}

func TestNearest(t *testing.T) {
	known := []string{"priority", "interface", "virtual_ipaddress", "real_server", "state", "SSL_GET", "advert_int"}
	for word, want := range map[string]string{
		"prioriti": "priority", "Priority": "priority", "pirority": "priority", "interfce": "interface",
		"virtual_ipaddres": "virtual_ipaddress", "reel_server": "real_server", "ssl_get": "SSL_GET",
		"advertint": "advert_int", "stat": "state", "x": "", "weight": "", "": "", strings.Repeat("p", 1000): "",
	} {
		if got := nearest(word, known); got != want {
			t.Errorf("nearest(%q) = %q, want %q", word, got, want)
		}
	}
}
