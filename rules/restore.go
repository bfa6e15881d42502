package rules

import (
	"errors"
	"io"
	"slices"

	"ipvsadm/ipvs"
)

// batchOps is how many changes at most wait to be sent together.
const batchOps = 1024

// batch collects changes and sends them to the kernel together. What they did
// is seen by nobody until the next flush.
type batch struct {
	kernel   Kernel
	complain func(text string)
	ops      []ipvs.Op
	code     int // exit code of the last change that was sent
}

func (b *batch) add(op ipvs.Op) {
	b.ops = append(b.ops, op)
	if len(b.ops) == batchOps {
		b.flush()
	}
}

// flush sends the changes and reports those the kernel refused, in their order.
func (b *batch) flush() {
	if len(b.ops) == 0 {
		return
	}
	b.code = exitOK
	for _, err := range b.kernel.Do(b.ops...) {
		if b.code = exitOK; err != nil {
			b.complain(kernelSentence(err))
			b.code = exitRejected
		}
	}
	clear(b.ops)
	b.ops = b.ops[:0]
}

// restore carries out a stream of command lines. What the kernel refuses, and
// options that cannot be read, only cost their line; every other mistake ends
// the stream. The exit code is that of the last line.
//
// Changes are sent many at a time. A batch ends where somebody could tell: at
// a message, at a listing, and before the next read, which may wait for a
// person or a program that wants to see what its last line did.
func (s *session) restore(in io.Reader) int {
	b := &batch{kernel: s.kernel, complain: s.complain}
	return s.carryOut(b, newLineReader(in, func() {
		b.flush()
		if s.env.Interactive {
			s.out.Flush()
		}
	}))
}

// carryOut is restore with a batch that may hold changes already. They do not
// count for the exit code.
func (s *session) carryOut(b *batch, lines *lineReader) int {
	p := newParser(s.prog, s.env.Names, s.env.LookupEnv)
	p.stream = true
	b.ops = slices.Grow(b.ops, batchOps)
	executed := false
	for {
		words, ok := lines.nextWords()
		if !ok {
			break
		}
		if words[0][0] == '#' {
			continue // a comment
		}
		executed = true
		cmd, err := p.parse(words)
		if change, ok := cmd.(Change); ok {
			b.add(change.Op)
			continue
		}
		b.flush()
		if err != nil {
			if b.code = s.refuse(err); skipsLine(err) {
				continue
			}
			return b.code
		}
		if b.code = s.run(cmd); b.code != exitOK || ends(cmd) {
			return b.code
		}
	}
	if b.flush(); !executed {
		return exitOK
	}
	return b.code
}

// skipsLine tells whether a stream goes on after a line that was refused.
func skipsLine(err error) bool {
	var usage *usageError
	return errors.As(err, &usage) && usage.skip
}

// ends tells whether a command ends the stream it stands in.
func ends(cmd Command) bool {
	switch cmd.(type) {
	case Help, Version:
		return true
	}
	return false
}
