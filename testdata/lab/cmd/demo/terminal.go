package main

import (
	"context"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"ipvsadm/testdata/lab/uml"
)

// endOfFile is what Ctrl-D types.
const endOfFile = 4

// onTerminal runs a command in the guest on a terminal that is this one's
// image: what is typed here is typed there, Ctrl-C and Ctrl-Z included, and it
// has this one's size. Without a terminal here, the input is typed there.
func onTerminal(ctx context.Context, guest *uml.Guest, c uml.Command) (int, error) {
	in := int(os.Stdin.Fd())
	if term.IsTerminal(in) {
		before, err := term.MakeRaw(in)
		if err != nil {
			return 0, err
		}
		defer term.Restore(in, before)
	}
	return guest.RunTerminal(ctx, c, size(in), os.Stdout, func(there uml.Terminal) {
		go typeAll(there)
		go follow(there, in)
	})
}

// typeAll types there what is typed here.
func typeAll(there uml.Terminal) {
	buf := make([]byte, 4096)
	for {
		n, err := os.Stdin.Read(buf)
		if _, lost := there.Write(buf[:n]); lost != nil {
			return
		}
		if err != nil {
			there.Write([]byte{endOfFile})
			return
		}
	}
}

// follow gives the terminal there the size of this one, whenever that changes.
func follow(there uml.Terminal, fd int) {
	changed := make(chan os.Signal, 1)
	signal.Notify(changed, unix.SIGWINCH)
	for range changed {
		there.Resize(size(fd))
	}
}

// size returns the size of a terminal, 24 x 80 if it has none.
func size(fd int) uml.Size {
	columns, rows, err := term.GetSize(fd)
	if err != nil || rows == 0 || columns == 0 {
		return uml.Size{Rows: 24, Columns: 80}
	}
	return uml.Size{Rows: uint16(rows), Columns: uint16(columns)}
}
