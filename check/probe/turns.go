package probe

import "context"

// Turns bounds how many checks work at the same time, so that whatever else the
// process does finds a processor: failover above all. A check works in turns, each a
// few system calls or a buffer of an answer long, and has none while it waits for
// its server. Turns come in the order in which they are asked for.
//
// To search for a pattern may take a second. So searches have turns of their own,
// and who only wants to connect does not wait for them.
//
// All checkers of a process share one. nil is for no bounds.
type Turns struct{ steps, searches chan struct{} }

// NewTurns makes turns for so many checks at the same time, and for so many
// searches besides.
func NewTurns(steps, searches int) *Turns {
	return &Turns{make(chan struct{}, steps), make(chan struct{}, searches)}
}

// take waits for a turn, and leave ends it. A channel serves who waits in order.
func (t *Turns) take() {
	if t != nil {
		t.steps <- struct{}{}
	}
}

func (t *Turns) leave() {
	if t != nil {
		<-t.steps
	}
}

// next ends a turn and waits for another one.
func (t *Turns) next() {
	t.leave()
	t.take()
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
