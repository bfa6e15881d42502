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
	// Run runs a command line. Its error is ErrCannot when this kind of world
	// cannot run such a line.
	Run(line string) (Outcome, error)
}

// ErrCannot is the answer of a World to what is beyond it.
var ErrCannot = errors.New("not possible in this world")

// Play plays a transcript in a fresh world and calls report for every entry
// with what happened, and with ErrCannot if the entry, or a set-up before it,
// is not for this world: then nothing later in the transcript is either.
func Play(w World, entries []Entry, report func(Entry, Outcome, error)) {
	broken := false
	for _, e := range entries {
		for _, s := range e.Setup {
			if broken {
				break
			}
			switch err := w.Set(s); {
			case errors.Is(err, ErrCannot):
				broken = true
			case err != nil:
				report(e, Outcome{}, fmt.Errorf("set-up %%%s %s: %w", s.Verb, s.Arg, err))
			}
		}
		if broken {
			report(e, Outcome{}, ErrCannot)
			continue
		}
		got, err := w.Run(e.Command)
		report(e, got, err)
	}
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
