package probe

import (
	"context"
	"sync"
	"time"
)

// Turns bounds how many checks work at the same time, so that whatever else the
// process does finds a processor: failover above all. A check works in turns, each a
// few system calls or a buffer of an answer long, and has none while it waits for
// its server. Turns come in the order in which they are asked for.
//
// To search for a pattern may take a second. So searches have turns of their own,
// and who only wants to connect does not wait for them.
//
// Where there is only one processor, whoever else has something to do waits for the
// end of a turn, or of many where the kernel does not see who has slept. There the
// checks rest between turns, and others find the processor idle.
//
// All checkers of a process share one. nil is for no bounds.
type Turns struct {
	steps, searches chan struct{}
	buffers         sync.Pool

	pace *pace // nil if they do not rest
}

// buffer is for what is read of a long answer.
type buffer [32 << 10]byte

// NewTurns makes turns for a machine with so many processors, of which all but one are
// for the checks, and half of them for searches besides. If the checks are not alone and
// there is but one, they work for a third of the time at most, and not for much more
// than half a millisecond on end.
func NewTurns(processors int, alone bool) *Turns {
	t := newTurns(max(1, processors-1), max(1, processors/2))
	if processors == 1 && !alone {
		t.pace = &pace{}
	}
	return t
}

func newTurns(steps, searches int) *Turns {
	return &Turns{steps: make(chan struct{}, steps), searches: make(chan struct{}, searches)}
}

// AtOnce is how many checks can work at the same time, searches included.
func (t *Turns) AtOnce() int { return cap(t.steps) + cap(t.searches) }

// buffer lends a buffer until giveBack. To make a new one for each answer would make
// Go collect garbage all the time, which stops failover too for a moment.
func (t *Turns) buffer() *buffer {
	if t != nil {
		if b, ok := t.buffers.Get().(*buffer); ok {
			return b
		}
	}
	return new(buffer)
}

func (t *Turns) giveBack(b *buffer) {
	if t != nil {
		t.buffers.Put(b)
	}
}

// take waits for a turn, and leave ends it. A channel serves who waits in order. It
// returns how long it waited, which is not the server's fault.
func (t *Turns) take() (waited time.Duration) {
	if t == nil {
		return 0
	}
	if t.pace == nil { // to look at the clock is as dear as a small turn
		select {
		case t.steps <- struct{}{}:
			return 0
		default:
		}
	}
	asked := time.Now()
	t.steps <- struct{}{}
	now := time.Now()
	if t.pace != nil {
		if rest := t.pace.begin(asked, now); rest > 0 {
			time.Sleep(rest)
			now = time.Now()
			t.pace.begin(now, now)
		}
	}
	return now.Sub(asked)
}

func (t *Turns) leave() {
	if t == nil {
		return
	}
	if t.pace != nil {
		t.pace.end(time.Now())
	}
	<-t.steps
}

// next ends a turn and waits for another one, as take does.
func (t *Turns) next() (waited time.Duration) {
	t.leave()
	return t.take()
}

// outside does, between two turns, what takes time but no processor of ours.
func (t *Turns) outside(do func()) {
	t.leave()
	defer t.take()
	do()
}

// search makes a search between two turns. It returns errBusy if the context ends
// before it is its turn.
func (t *Turns) search(ctx context.Context, do func() error) (err error) {
	if t == nil {
		return do()
	}
	t.outside(func() {
		select {
		case t.searches <- struct{}{}:
			defer func() { <-t.searches }()
			err = do()
		case <-ctx.Done():
			err = errBusy
		}
	})
	return err
}
