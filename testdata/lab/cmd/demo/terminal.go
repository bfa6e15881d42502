package main

import (
	"context"
	"io"
	"os"
	"os/signal"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"ipvsadm/testdata/lab/uml"
)

// onTerminal runs a command in the guest on a terminal that is this one's
// image: what is typed here is typed there, Ctrl-C and Ctrl-Z included, and it
// has this one's size. Without a terminal here there is none there: what comes
// in here goes in there.
func onTerminal(ctx context.Context, guest *uml.Guest, c uml.Command) (int, error) {
	in := int(os.Stdin.Fd())
	var terminal *uml.Size
	if term.IsTerminal(in) {
		before, err := term.MakeRaw(in)
		if err != nil {
			return 0, err
		}
		defer term.Restore(in, before)
		s := size(in)
		terminal = &s
	}
	return guest.RunInteractive(ctx, c, terminal, os.Stdout, func(there uml.Input) {
		if terminal != nil {
			go follow(there, in)
		}
		io.Copy(there, os.Stdin)
		there.Close()
	})
}

// follow gives the terminal there the size of this one, whenever that changes.
func follow(there uml.Input, fd int) {
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
