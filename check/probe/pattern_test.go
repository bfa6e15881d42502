package probe

import (
	"context"
	"math/rand/v2"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"ipvsadm/check"
)

// found says whether a pattern is found in a text that comes in pieces.
func found(t testing.TB, u check.URLConfig, text string, pieces ...int) bool {
	t.Helper()
	p, err := newPattern(u, nil)
	if err != nil {
		t.Fatal(err)
	}
	s := p.search(context.Background())
	for _, n := range pieces {
		n = min(n, len(text))
		s.write([]byte(text[:n]))
		text = text[n:]
	}
	s.write([]byte(text))
	is, err := s.end()
	if err != nil {
		t.Fatalf("%s in %.40q: %v", u.Pattern, text, err)
	}
	return is
}

// TestPatterns has what PCRE2 10.42 says, which keepalived uses in Debian 12: it
// was asked for every row.
func TestPatterns(t *testing.T) {
	for _, c := range []struct {
		pattern string
		options string
		text    string
		want    bool
	}{
		{`hello`, "", "say hello", true},
		{`HELLO`, "", "say hello", false},
		{`HELLO`, "caseless", "say hello", true},
		{`^b`, "", "a\nb", false},
		{`^b`, "multiline", "a\nb", true},
		{`a.b`, "", "a\nb", false},
		{`a.b`, "dotall", "a\nb", true},
		{`a b # c`, "extended", "ab", true},
		{`a b`, "", "ab", false},
		{`b$`, "", "ab\n", true},
		{`b$`, "dollar_endonly", "ab\n", false},
		{`b$`, "dollar_endonly", "ab", true},
		{`b[$]`, "dollar_endonly", "ab$", true},
		{`b`, "firstline", "a\nb", false},
		{`a`, "firstline", "xa\nb", true},
		{`{"status": ?"up"}`, "", `{"status":"up"}`, true},
		{`(?<=x)y`, "", "xy", true},
		{`(?<!x)y`, "", "xy", false},
		{`x(?=y)`, "", "xy", true},
		{`(a)\1`, "", "aa", true},
		{`(?P<n>a)(?P=n)`, "", "aa", true},
		{`(?<n>a)\k{n}`, "", "aa", true},
		{`(a)\g1`, "", "aa", true},
		{`(a)(b)\g{-1}`, "", "abb", true},
		{`(a)(b)\g{-1}`, "", "aba", false},
		{`(?:(a)|b)\1`, "", "b", false},
		{`(?:(a)|b)\1`, "match_unset_backref", "b", true},
		{`a++b`, "", "aaab", true},
		{`a++ab`, "", "aaab", false},
		{`(ab)*+c`, "", "ababc", true},
		{`(ab)*+abc`, "", "ababc", false},
		{`[ab]?+b`, "", "b", false},
		{`(?>a+)ab`, "", "aaab", false},
		{`a+b`, "ungreedy", "aaab", true},
		{`^(?>a+)b`, "ungreedy", "aaab", false},
		{`^(?>a+?)b`, "ungreedy", "aaab", true},
		{`^a++b`, "ungreedy", "aaab", true},
		{`^a{2}?b`, "ungreedy", "aab", true},
		{`\N{2}b`, "", "aab", true},
		{`\141`, "match_unset_backref", "a", true},
		{`a +b`, "extended", "aab", true},
		{`\d+`, "", "٣", false},
		{`\d+`, "utf ucp", "٣", true},
		{`\w`, "", "é", false},
		{`^.$`, "", "é", false},
		{`^..$`, "", "é", true},
		{`^.$`, "utf", "é", true},
		{`é`, "", "é", true},
		{`[\xc3]\xa9`, "", "é", true},
		{`\x{e9}`, "utf", "é", true},
		{`\x{1f600}`, "utf", "\U0001f600", true},
		{`\xzz`, "alt_bsux", "xzz", true},
		{`\x{61}`, "alt_bsux", "a", false},
		{`a\Q\E+b`, "", "aab", true},
		{`a\Q\E++b`, "", "aab", true},
		{`\u0041`, "alt_bsux", "A", true},
		{`\U`, "alt_bsux", "U", true},
		{`\o{101}`, "", "A", true},
		{`[[:alpha:]]+[[:digit:]]`, "", "ab1", true},
		{`[[:alpha:]]`, "", "1", false},
		{`[^[:space:]]`, "", " \t", false},
		{`[[:^digit:]]`, "", "1", false},
		{`[[:^space:]]`, "", "a", true},
		{`[[:]`, "", ":", true},
		{`[[:a]:]`, "", "a:]", true},
		{`[]a]b`, "", "]b", true},
		{`[]`, "allow_empty_class", "a", false},
		{`[^]`, "allow_empty_class", "\n", true},
		{`[a-z-[aeiou]]`, "", "b]", true},
		{`[\d\-x]+y`, "", "1-xy", true},
		{`[\W]b`, "", " b", true},
		{`[\W]b`, "", "ab", false},
		{`[\h]x`, "", "\tx", true},
		{`\h\v`, "", " \v", true},
		{`\H`, "", " ", false},
		{`a\Rb`, "", "a\r\nb", true},
		{`a\Nb`, "", "a\nb", false},
		{`\Qa.b\E+`, "", "a.bb", true},
		{`\Qa.b\E`, "", "axb", false},
		{`^\Qab\E++b`, "", "abab", false},
		{`^\Qab\E++$`, "", "abbb", true},
		{`\Qé\E$`, "utf", "é", true},
		{`[\Qé\E]$`, "utf", "é", true},
		{`^\Qé\E$`, "", "é", true},
		{`[\Q]^\E]x`, "", "^x", true},
		{`a(?#comment)b`, "", "ab", true},
		{`a{2,3}b`, "", "aab", true},
		{`a{,3}b`, "", "a{,3}b", true},
		{`a{2}+b`, "", "aab", true},
		{`\Aa\z`, "", "a", true},
		{`a\Z`, "", "a\n", true},
		{`\bfoo\b`, "", "a foo b", true},
		{`\pL`, "", "a", true},
		{`\p{^L}`, "", "a", false},
		{`\e\a\t`, "", "\x1b\a\t", true},
		{`(?i)HELLO`, "", "hello", true},
		{`(a)|(b)`, "no_auto_capture", "b", true},
		{`(?<n>a)|(?<n>b)`, "dupnames", "b", true},
		{`a`, "auto_callout never_ucp never_utf no_auto_possess no_dotstar_anchor no_start_optimize never_backslash_c alt_circumflex alt_verbnames use_offset_limit", "a", true},
	} {
		u := check.URLConfig{Pattern: c.pattern, Options: strings.Fields(c.options)}
		if got := found(t, u, c.text); got != c.want {
			t.Errorf("%s with %q in %q: %v, want %v", c.pattern, c.options, c.text, got, c.want)
		}
	}
}

// TestPatternsRefused has what cannot be searched for, or what PCRE2 refuses too.
func TestPatternsRefused(t *testing.T) {
	for _, c := range []struct{ pattern, options, reason string }{
		{`(`, "", ""},
		{`[a`, "", "a class is not closed"},
		{`a\`, "", "nothing after"},
		{`(*SKIP)a`, "", "verbs"},
		{`(?R)`, "", ""},
		{`(?1)(a)`, "", ""},
		{`(a)\g<1>`, "", "calling a group"},
		{`a\Kb`, "", `\K is not supported`},
		{`\u0041`, "", "alt_bsux"},
		{`\N{U+41}`, "", "not supported"},
		{`[[:nonesuch:]]`, "", "[:nonesuch:]"},
		{`\x{110000}`, "utf", "no such character"},
		{`\x{100}`, "", ""},
		{`\p`, "", "no name"},
		{`\g`, "", "no name"},
		{`(?#a`, "", "not closed"},
		{`\o{8}`, "", "cannot be read"},
	} {
		_, err := New(check.HTTPConfig{URLs: []check.URLConfig{{Pattern: c.pattern, Options: strings.Fields(c.options)}}}, Options{})
		if c.pattern == `\x{100}` { // it can be written, and is never found
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.reason) || !strings.HasPrefix(err.Error(), "HTTP_GET: regex ") {
			t.Errorf("%s: %v, want …%s…", c.pattern, err, c.reason)
		}
	}
}

// TestSearchInWindows finds in long answers, however they arrive, what the
// regexp package finds in the whole.
func TestSearchInWindows(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	patterns := []string{`needle`, `n[a-z]{3}le`, `(?:ab)+c`, `\bneedle\b`, `^HTTP`, `needle$`, `x{500}y`}
	for i := range 300 {
		text := slices.Repeat([]byte("ab "), 20_000+r.IntN(60_000))
		for range r.IntN(3) {
			at := r.IntN(len(text))
			copy(text[at:], []string{"needle", " needle ", strings.Repeat("x", 500) + "y", "ababc"}[r.IntN(4)])
		}
		if r.IntN(3) == 0 {
			text = append(text, "needle"...)
		}
		u := check.URLConfig{Pattern: patterns[i%len(patterns)]}
		switch r.IntN(3) {
		case 0:
			u.MinOffset = r.Uint64N(uint64(len(text)))
		case 1:
			u.MaxOffset = 1 + r.Uint64N(uint64(len(text)))
		}
		var pieces []int
		for range 50 {
			pieces = append(pieces, r.IntN(10_000))
		}
		if got, want := found(t, u, string(text), pieces...), oracle(u, text); got != want {
			t.Errorf("case %d: %s from %d to %d in %d bytes: %v, want %v", i, u.Pattern, u.MinOffset, u.MaxOffset, len(text), got, want)
		}
	}
}

// oracle searches with package regexp, whose patterns mean the same here. It has
// no way to begin later and still see what is before, so it looks at all matches.
func oracle(u check.URLConfig, text []byte) bool {
	for _, m := range regexp.MustCompile(u.Pattern).FindAllIndex(text, -1) {
		if at := uint64(m[0]); at >= u.MinOffset && (u.MaxOffset == 0 || at <= u.MaxOffset) {
			return true
		}
	}
	return false
}

// TestSearchUTF has characters of several bytes at the seams of windows, and
// offsets in bytes.
func TestSearchUTF(t *testing.T) {
	text := strings.Repeat("é", 100_000) + "ü" + strings.Repeat("é", 30_000)
	for _, c := range []struct {
		low, high uint64
		want      bool
	}{{0, 0, true}, {200_000, 0, true}, {200_001, 0, false}, {0, 200_000, true}, {0, 199_999, false}} {
		u := check.URLConfig{Pattern: `^é*ü|(?<=éé)ü(?=é)`, Options: []string{"utf"}, MinOffset: c.low, MaxOffset: c.high}
		u.Pattern = `(?<=éé)ü(?=é)`
		if got := found(t, u, text); got != c.want {
			t.Errorf("from %d to %d: %v", c.low, c.high, got)
		}
	}
}

// TestSearches lets only as many search at once as there is room for, gives up when
// the time of the check is over, and has nobody else wait for it.
func TestSearches(t *testing.T) {
	turns := newTurns(1, 1)
	p, err := newPattern(check.URLConfig{Pattern: "a"}, turns)
	if err != nil {
		t.Fatal(err)
	}
	turns.searches <- struct{}{} // another one
	turns.take()
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	s := p.search(ctx)
	s.write([]byte("a"))
	if _, err := s.end(); err != errBusy {
		t.Errorf("while another searches: %v", err)
	}
	turns.leave()
	config := check.HTTPConfig{Endpoint: endpoint(listen(t, script(ok+"\r\n")), hasty), URLs: []check.URLConfig{url(regex("200"))}}
	if r := run(t, config, Options{Turns: turns}); r.Verdict != check.Skip {
		t.Errorf("a check while another searches: %v", r)
	}
	config.Timeout = time.Hour
	found := make(chan check.Result)
	go func() { found <- run(t, config, Options{Turns: turns}) }()
	passes(t, Options{Turns: turns})
	<-turns.searches
	want(t, <-found, check.Pass, "HTTP status code success")
	turns.take()
	s = p.search(context.Background())
	s.write([]byte("a"))
	if is, err := s.end(); !is || err != nil || len(turns.searches) != 0 || len(turns.steps) != 1 {
		t.Errorf("%v, %v, %d still search, %d turns instead of 1", is, err, len(turns.searches), len(turns.steps))
	}
}

// FuzzTranslate compiles any pattern: an error is well, a panic is not, and what
// compiles can be searched for.
func FuzzTranslate(f *testing.F) {
	for _, p := range []string{`a(b|c)*\d[[:alpha:]\]-x]`, `\Q..\E{2,}+`, `(?P<x>a)\k{x}\g{-1}`, `[^]\h]`, `\x{41}\o{101}\p{L}`, `(?#`, `{`, `(*`, `\`} {
		f.Add(p, uint32(0))
		f.Add(p, ^uint32(0))
	}
	names := strings.Fields("allow_empty_class alt_bsux caseless dollar_endonly dotall extended firstline match_unset_backref multiline no_auto_capture ucp ungreedy utf")
	f.Fuzz(func(t *testing.T, pattern string, options uint32) {
		u := check.URLConfig{Pattern: pattern}
		if len(pattern) > 200 {
			t.Skip()
		}
		for i, name := range names {
			if options>>i&1 == 1 {
				u.Options = append(u.Options, name)
			}
		}
		p, err := newPattern(u, nil)
		if err != nil {
			return
		}
		ctx, cancel := context.WithTimeout(context.Background(), 100*time.Millisecond)
		defer cancel()
		s := p.search(ctx)
		s.write([]byte("HTTP/1.1 200 OK\r\n\r\nab\xff\x00é]"))
		s.end()
	})
}
