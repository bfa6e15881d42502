package rules

import (
	"errors"
	"io"

	"ipvsadm/ipvs"
)

// batchOps is how many changes at most wait to be sent together: what an
// ipvs.Client puts into one send.
const batchOps = 128

// batch collects changes and sends them to the kernel together. What they did
// is seen by nobody until the next flush.
type batch struct {
	kernel   Kernel
	complain func(text string)
	ops      []ipvs.Op
	code     int // exit code of the last change that was sent
	// services and servers are what those of ops point to that a parser made in
	// its own memory. Every batch uses theirs again.
	services []ipvs.AddService
	servers  []ipvs.AddDestination
}

func newBatch(k Kernel, complain func(text string)) *batch {
	return &batch{
		kernel:   k,
		complain: complain,
		ops:      make([]ipvs.Op, 0, batchOps),
		services: make([]ipvs.AddService, 0, batchOps),
		servers:  make([]ipvs.AddDestination, 0, batchOps),
	}
}

// add takes in a change. What it points to may be written to afterwards.
func (b *batch) add(op ipvs.Op) {
	switch added := op.(type) {
	case *ipvs.AddService:
		b.services = append(b.services, *added)
		op = &b.services[len(b.services)-1]
	case *ipvs.AddDestination:
		b.servers = append(b.servers, *added)
		op = &b.servers[len(b.servers)-1]
	}
	if b.ops = append(b.ops, op); len(b.ops) == batchOps {
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
	b.ops, b.services, b.servers = b.ops[:0], b.services[:0], b.servers[:0]
}

// restore carries out a stream of command lines. What the kernel refuses, and
// options that cannot be read, only cost their line; every other mistake ends
// the stream. The exit code is that of the last line.
//
// Changes are sent many at a time. A batch ends where somebody could tell: at
// a message, at a listing, and before the next read, which may wait for a
// person or a program that wants to see what its last line did.
func (s *session) restore(in io.Reader) int {
	b := newBatch(s.kernel, s.complain)
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
		op, cmd, err := p.line(words)
		if op != nil {
			b.add(op)
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
