package keepalived

import (
	"slices"
	"strings"
)

// base is what a block remembers of how it was written.
type base struct {
	title string // "real_server 10.0.0.1 80"
	pos   Position
	given []mention // each word once; while the block is open, part of the parser's room
	// misread tells that a line of the block could not be read, or was not known:
	// a typing error, most likely.
	misread bool
}

// mention is a word that was given in a block, and what was last said with it.
type mention struct {
	word string
	pos  Position
	text string // of its line
}

// mention notes that a word was given.
func (b *base) mention(m mention) {
	for i := range b.given {
		if b.given[i].word == m.word {
			b.given[i] = m
			return
		}
	}
	b.given = append(b.given, m)
}

// has tells whether the word was given.
func (b *base) has(word string) bool {
	return slices.ContainsFunc(b.given, func(m mention) bool { return m.word == word })
}

// at returns where the word was given last, or where the block began.
func (b *base) at(word string) Position {
	for _, m := range b.given {
		if m.word == word {
			return m.pos
		}
	}
	return b.pos
}

// frame is an open block.
type frame struct {
	*base
	vocabulary                              // nil for a block of lines and for one that is passed over
	run        func(int, *statement) *frame // carries out word number n
	item       func(*statement)             // takes a line of a block of lines
	end        func()                       // runs when the block is closed
}

// parser carries out statements, block by block.
type parser struct {
	reader *reader
	report *report
	lang   *language
	stack  []*frame
	words  []string
	// current is the statement being carried out; its room is used again.
	current  statement
	closed   *base // the block closed last, on closedAt
	closedAt Position
	// room is for what open blocks remember, an inner one behind the one around it;
	// a block that is closed takes what it needs along.
	room []mention
	// spare are frames to be used again.
	spare []*frame
	// stray is the first word that was unknown where it stood and belongs to a
	// block around: if braces turn out to be missing, it is there.
	stray   *strayWord
	unsound bool // braces are in the wrong place: what follows from that is not reported
}

type strayWord struct {
	word  string
	pos   Position
	in    *base
	owner string
}

// statement is one line being carried out.
type statement struct {
	*parser
	pos  Position
	name string // as spelled
	info *wordInfo
	text string   // the whole line
	args []string // the words after the name; parts of the file's text
}

func (p *parser) top() *frame { return p.stack[len(p.stack)-1] }

// parse reads to the end.
func (p *parser) parse() {
	for {
		switch t := p.reader.next(); t.kind {
		case tokenEnd:
			p.endOfFile(t.pos)
			return
		case tokenText:
			p.line(t)
		case tokenOpen:
			p.fail(KindBraces, t.pos, "this { opens nothing", "write it behind the word whose block it begins")
			p.push(p.skipped("{", t.pos), t.pos)
		case tokenClose:
			p.closeBlock(t.pos)
		}
	}
}

// line carries out one statement.
func (p *parser) line(t token) {
	p.words = splitWords(p.words[:0], t.text)
	if len(p.words) == 0 {
		return
	}
	p.current = statement{parser: p, pos: t.pos, name: p.words[0], text: t.text, args: p.words[1:]}
	s := &p.current
	opens := p.reader.peek().kind == tokenOpen
	for {
		f := p.top()
		switch {
		case f.item != nil && !opens:
			s.info = &wordInfo{}
			f.item(s)
			return
		case f.vocabulary == nil && !opens:
			return // passed over
		case f.vocabulary != nil:
			if info, n := f.find(s.name); info != nil {
				s.info = info
				p.carryOut(s, f, n, opens)
				return
			}
		}
		if !opens || !p.unwind(s) {
			break
		}
	}
	p.unknown(s, opens)
}

// carryOut runs a word that is known in the block it stands in.
func (p *parser) carryOut(s *statement, f *frame, n int, opens bool) {
	info := s.info
	if info.block && !opens {
		s.fail(KindBraces, s.name+" has no block", "write "+s.name+" … { before its contents and } behind them")
		return
	}
	if opens {
		p.reader.next()
		if !info.block {
			s.fail(KindBraces, s.name+" takes no block", "take the braces away")
			p.push(p.skipped(s.name, s.pos), s.pos)
			return
		}
	}
	var inner *frame
	if s.acceptable(f) {
		inner = f.run(n, s)
		// Of blocks that may be there any number of times nobody asks where one was.
		if !info.many || inner == nil || inner.vocabulary == nil {
			f.mention(mention{info.name, s.pos, s.text})
		}
	}
	if opens {
		if inner == nil {
			inner = p.skipped(s.name, s.pos)
		}
		p.push(inner, s.pos)
	}
}

func (p *parser) push(f *frame, pos Position) {
	if len(p.stack) > maxDepth {
		p.reader.stop(pos, "blocks are nested too deeply", "")
		return
	}
	given := p.room
	if len(p.stack) > 0 {
		given = p.top().given
	}
	f.given = given[len(given):]
	p.stack = append(p.stack, f)
}

// frame makes a frame of another one that is not used any more.
func (p *parser) frame(f frame) *frame {
	last := len(p.spare) - 1
	if last < 0 {
		p.spare = append(p.spare, new(frame))
		last = 0
	}
	reused := p.spare[last]
	p.spare = p.spare[:last]
	*reused = f
	return reused
}

// skipped is a block that is passed over.
func (p *parser) skipped(title string, pos Position) *frame {
	return p.frame(frame{base: &base{title: title, pos: pos}})
}

// lines is a block whose lines are not statements.
func (s *statement) lines(item func(*statement)) *frame {
	return s.frame(frame{base: &base{title: s.title(), pos: s.pos}, item: item})
}

// title is the statement as messages name it: the line itself if it looks as it
// should.
func (s *statement) title() string {
	n := len(s.name)
	for _, word := range s.args {
		n += 1 + len(word)
	}
	if n == len(s.text) && n <= maxExcerpt && !strings.ContainsFunc(s.text, func(c rune) bool { return c < ' ' || c >= 0x7f }) {
		return s.text
	}
	return abridge(strings.Join(append([]string{s.name}, s.args...), " "))
}

// enter makes the frame of a block that fills v.
func enter[T any](s *statement, t *table[T], v *T, b *base, end func()) *frame {
	b.title, b.pos = s.title(), s.pos
	return s.frame(frame{base: b, vocabulary: t, end: end, run: func(n int, s *statement) *frame {
		switch w := &t.words[n]; {
		case w.open != nil:
			return w.open(s, v)
		case w.item != nil:
			return s.lines(func(line *statement) { w.item(line, v) })
		case w.set != nil:
			w.set(s, v)
		}
		return nil
	}})
}

// closeBlock ends the innermost block.
func (p *parser) closeBlock(pos Position) {
	if len(p.stack) == 1 {
		what := "this } closes nothing"
		if p.closed != nil {
			what += ": " + p.closed.title + " was closed on " + lineOf(p.closedAt, pos)
		}
		p.fail(KindBraces, pos, what, "take one of them away")
		p.unsound = true
		return
	}
	f := p.top()
	p.stack = p.stack[:len(p.stack)-1]
	p.closed, p.closedAt = f.base, pos
	f.given = slices.Clone(f.given)
	if f.end != nil && !p.unsound {
		f.end()
	}
	p.spare = append(p.spare, f)
}

func (p *parser) fail(kind Kind, pos Position, what, fix string) {
	p.report.add(Diagnostic{Error, kind, pos, what, fix})
}

func (p *parser) warn(kind Kind, pos Position, what, fix string) {
	p.report.add(Diagnostic{Warning, kind, pos, what, fix})
}

func (s *statement) fail(kind Kind, what, fix string) { s.parser.fail(kind, s.pos, what, fix) }
func (s *statement) warn(kind Kind, what, fix string) { s.parser.warn(kind, s.pos, what, fix) }
func (s *statement) note(kind Kind, what, fix string) {
	s.report.add(Diagnostic{Note, kind, s.pos, what, fix})
}
