package keepalived

import (
	"fmt"
	"slices"
	"strings"
)

// unwind closes blocks that were left open before a statement that belongs to
// one further out, and tells whether there is one.
//
// Within a block that is passed over, whose words are anybody's guess, only
// what stands at the top of files is taken as a sign.
func (p *parser) unwind(s *statement) bool {
	passing := p.top().vocabulary == nil && p.top().item == nil
	for n := len(p.stack) - 2; n >= 0; n-- {
		outer := p.stack[n]
		if outer.vocabulary == nil || passing && n > 0 {
			continue
		}
		if info, _ := outer.find(s.name); info == nil || !info.block {
			continue
		}
		open := p.stack[n+1]
		p.fail(KindBraces, open.pos,
			fmt.Sprintf("%s, opened on line %d, is never closed: %s begins on %s", open.title, open.pos.Line, s.title(), lineOf(s.pos, open.pos)),
			"write } before "+lineOf(s.pos, open.pos))
		p.unsound = true
		p.stack = p.stack[:n+1]
		return true
	}
	return false
}

// endOfFile complains of the blocks that are still open.
func (p *parser) endOfFile(pos Position) {
	if p.reader.stopped {
		return
	}
	if s := p.stray; s != nil && len(p.stack) > 1 && !p.unsound {
		p.fail(KindBraces, s.in.pos,
			fmt.Sprintf("%s, opened on line %d, is never closed: %s has %s, a word of %s", s.in.title, s.in.pos.Line, lineOf(s.pos, s.in.pos), s.word, s.owner),
			"write } before "+lineOf(s.pos, s.in.pos))
		p.unsound = true
		return
	}
	for _, f := range slices.Backward(p.stack[1:]) {
		p.fail(KindBraces, f.pos,
			fmt.Sprintf("%s, opened on line %d, is never closed: the file ends on %s", f.title, f.pos.Line, lineOf(pos, f.pos)),
			"write } where it ends")
		p.unsound = true
	}
}

// unknown complains of a word that is not known where it stands, and passes over
// its block.
func (p *parser) unknown(s *statement, opens bool) {
	f := p.top()
	if opens {
		p.reader.next()
		defer p.push(p.skipped(s.name, s.pos), s.pos)
	}
	switch {
	case f.item != nil:
		s.fail(KindBraces, abridge(s.name)+" takes no block in "+f.title, "take the braces away")
		return
	case f.vocabulary == nil:
		return
	}
	f.misread = true
	if p.report.full() {
		s.warn(KindUnknown, "", "") // counted, not kept
		return
	}
	what := abridge(s.name) + " is not a word of " + f.vocabulary.blockName()
	if opens {
		what += " and its block is passed over"
	}
	fix := ""
	owner := p.ownerAbove(s.name)
	switch near := nearest(s.name, f.names()); {
	case owner != "":
		fix = "it belongs into " + owner
		if p.stray == nil {
			p.stray = &strayWord{s.name, s.pos, f.base, owner}
		}
	case near != "":
		fix = "did you mean " + near + "?"
	default:
		if blocks := p.ownersElsewhere(s.name); len(blocks) > 0 {
			fix = "it belongs into " + strings.Join(blocks, ", ")
		}
	}
	s.warn(KindUnknown, what, fix)
}

// ownerAbove returns the block around the innermost that knows the word.
func (p *parser) ownerAbove(name string) string {
	for _, f := range slices.Backward(p.stack[:len(p.stack)-1]) {
		if f.vocabulary != nil {
			if info, _ := f.find(name); info != nil {
				return f.vocabulary.blockName()
			}
		}
	}
	return ""
}
