package uml

import (
	"os"
	"sync"
)

// input is what the host types or sends to a command: a queue, so that a command
// that doesn't read never keeps the agent from seeing that the host is gone.
type input struct {
	terminal bool // to is the master of a terminal
	mu       sync.Mutex
	more     *sync.Cond
	waiting  [][]byte // empty: end of input
	ended    bool
	to       *os.File
}

// newInput returns the input that goes to a file.
func newInput(to *os.File) *input {
	i := &input{to: to}
	i.more = sync.NewCond(&i.mu)
	go i.send()
	return i
}

// add adds to the input; nothing means that it ends.
func (i *input) add(p []byte) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.waiting = append(i.waiting, p)
	i.more.Signal()
}

// send hands on what was added, until the input or the command ends.
func (i *input) send() {
	for {
		p, ok := i.next()
		if len(p) == 0 && ok && i.terminal {
			p = []byte{4} // Ctrl-D
		}
		if len(p) == 0 {
			i.end()
			return
		}
		i.to.Write(p) // fails once nobody can read it: then it is of no use
	}
}

// next waits for something to send, and returns false if the command has ended.
func (i *input) next() ([]byte, bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	for len(i.waiting) == 0 && !i.ended {
		i.more.Wait()
	}
	if i.ended {
		return nil, false
	}
	p := i.waiting[0]
	i.waiting = i.waiting[1:]
	return p, true
}

// end closes the input.
func (i *input) end() {
	i.mu.Lock()
	defer i.mu.Unlock()
	if !i.ended {
		i.ended = true
		i.to.Close()
	}
	i.more.Signal()
}

// resize changes the size of the terminal.
func (i *input) resize(s Size) {
	if i == nil {
		return
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.terminal && !i.ended {
		resize(i.to, s)
	}
}
