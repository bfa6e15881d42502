package compat

import (
	"errors"
	"fmt"
	"strings"
)

// World is a place where a transcript can be played: a kernel with an empty
// table and a way to run commands on it.
type World interface {
	// Set carries out a directive of a transcript. Its error is ErrCannot when
	// this kind of world has no such thing.
	Set(Setup) error
	// Run runs the command of an entry. Its error is ErrCannot when this kind of
	// world cannot run such a line.
	Run(Entry) (Outcome, error)
}

// ErrCannot is the answer of a World to what is beyond it.
var ErrCannot = errors.New("not possible in this world")

// Play plays a transcript in a fresh world and calls report for every entry
// with what happened. The error is ErrCannot if the entry, or a set-up for it, is
// not for this world; then the same goes for all later entries that build on it,
// up to an empty table.
func Play(w World, entries []Entry, report func(Entry, Outcome, error)) {
	lost := false
	for _, e := range entries {
		var got Outcome
		err := setUp(w, e.Setup, &lost)
		switch {
		case err != nil:
		case lost:
			err = ErrCannot
		default:
			got, err = w.Run(e)
			lost = errors.Is(err, ErrCannot)
		}
		report(e, got, err)
	}
}

// setUp carries out directives. It leaves them out while the world is lost, and
// says so when it becomes lost.
func setUp(w World, directives []Setup, lost *bool) error {
	for _, s := range directives {
		if s == (Setup{Verb: "run", Arg: "ipvsadm -C"}) {
			*lost = false
		}
		if *lost {
			continue
		}
		if err := w.Set(s); errors.Is(err, ErrCannot) {
			*lost = true
		} else if err != nil {
			return fmt.Errorf("set-up %%%s %s: %w", s.Verb, s.Arg, err)
		}
	}
	return nil
}

// helpMark begins the line of a transcript that stands for a help text.
const helpMark = "(help text"

// Same reports whether got is what was wanted. A line of wanted output that
// begins with "(help text" stands for one line or more.
func (want Outcome) Same(got Outcome) bool {
	if before, _, ok := strings.Cut(want.Stdout, helpMark); ok {
		if !strings.HasPrefix(got.Stdout, before) || len(got.Stdout) <= len(before) {
			return false
		}
		want.Stdout = got.Stdout
	}
	return want == got
}

// Diff shows two outcomes one below the other, with the blanks at line ends.
func Diff(wantName string, want Outcome, gotName string, got Outcome) string {
	var b strings.Builder
	show := func(stream, want, got string) {
		if want == got {
			return
		}
		fmt.Fprintf(&b, "%s of %s:\n%s%s of %s:\n%s", stream, wantName, indent(want), stream, gotName, indent(got))
	}
	show("stdout", want.Stdout, got.Stdout)
	show("stderr", want.Stderr, got.Stderr)
	if want.Exit != got.Exit {
		fmt.Fprintf(&b, "exit code of %s: %d\nexit code of %s: %d\n", wantName, want.Exit, gotName, got.Exit)
	}
	return b.String()
}

func indent(text string) string {
	if text == "" {
		return "    (nothing)\n"
	}
	var b strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		switch bare, ended := strings.CutSuffix(line, "\n"); {
		case line == "":
		case ended:
			fmt.Fprintf(&b, "    %s⏎\n", bare)
		default:
			fmt.Fprintf(&b, "    %s (no end of line)\n", bare)
		}
	}
	return b.String()
}
