package compat

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

func TestParseTranscript(t *testing.T) {
	entries, err := ParseTranscript("x.txt", `# about
# --- first
%hosts 10.0.0.1 vip
%each ipvsadm -C
$ ipvsadm -L
--- stdout
--- a line of the output
# too

$ this too
--- stderr
oops
--- exit 1
%connections
|one
|two
$+ ipvsadm -S
--- exit 0
--- instead a b
--- stdout
x
--- exit 2
# --- second
%undefined
$ ipvsadm
--- exit 0
`)
	if err != nil {
		t.Fatal(err)
	}
	flush := Setup{Verb: "run", Arg: "ipvsadm -C"}
	want := []Entry{
		{
			File: "x.txt", Line: 5, Command: "ipvsadm -L", Setup: []Setup{flush, {Verb: "hosts", Arg: "10.0.0.1 vip"}},
			Want: Outcome{Stdout: "--- a line of the output\n# too\n\n$ this too\n", Stderr: "oops\n", Exit: 1},
		},
		{
			File: "x.txt", Line: 17, Command: "ipvsadm -S", Setup: []Setup{{Verb: "connections", Body: "one\ntwo\n"}},
			Differences: []string{"a", "b"}, Instead: Outcome{Stdout: "x\n", Exit: 2},
		},
		{File: "x.txt", Line: 25, Command: "ipvsadm", Undefined: true},
	}
	if !reflect.DeepEqual(entries, want) {
		t.Errorf("got  %+v\nwant %+v", entries, want)
	}
}

func TestParseTranscriptRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"a command without an end":    "$ ipvsadm\n--- stdout\nx\n",
		"a command after another":     "$ ipvsadm\n$ ipvsadm\n--- exit 0\n",
		"an exit code of letters":     "$ ipvsadm\n--- exit x\n",
		"a mark that means nothing":   "$ ipvsadm\n--- stdin\n--- exit 0\n",
		"a line that belongs nowhere": "ipvsadm\n",
	} {
		if e, err := ParseTranscript("x", text); err == nil {
			t.Errorf("%s: %+v", name, e)
		}
	}
}

func TestParseCommand(t *testing.T) {
	for line, want := range map[string]Invocation{
		`ipvsadm -A -t '[::1]:80' ''`:                            {Argv: []string{"ipvsadm", "-A", "-t", "[::1]:80", ""}},
		`ipvsadm -t ' 5'"6" it\'s`:                               {Argv: []string{"ipvsadm", "-t", " 56", "it's"}},
		`/sbin/ipvsadm-save -n`:                                  {Argv: []string{"/sbin/ipvsadm-save", "-n"}},
		`env A=1 'B=x y' ipvsadm`:                                {Argv: []string{"ipvsadm"}, Env: []string{"A=1", "B=x y"}},
		`printf -- '-A\t\\n\r\n100%%' | ipvsadm -R`:              {Argv: []string{"ipvsadm", "-R"}, Stdin: "-A\t\\n\r\n100%"},
		`printf '%s\n' "-A 'x'" | ipvsadm -R`:                    {Argv: []string{"ipvsadm", "-R"}, Stdin: "-A 'x'\n"},
		`printf -- 'it'\''s' | env POSIXLY_CORRECT=1 ipvsadm -R`: {Argv: []string{"ipvsadm", "-R"}, Stdin: "it's", Env: []string{"POSIXLY_CORRECT=1"}},
	} {
		if got, ok := ParseCommand(line); !ok || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %+v, %v", line, got, ok)
		}
	}
	for _, line := range []string{
		`ipvsadm -L | head`, `ipvsadm -L > x`, `bash -c 'ipvsadm'`, `ipvsadm 'x`, `printf '%d' 5 | ipvsadm`, `printf x`, ``, `ipvsadm $X`, `ls`,
	} {
		if got, ok := ParseCommand(line); ok {
			t.Errorf("%s: %+v", line, got)
		}
	}
}

// TestInvocationString types what was made of a typed line.
func TestInvocationString(t *testing.T) {
	for _, inv := range []Invocation{
		{Argv: []string{"ipvsadm", "-A", "", "it's", "a\tb", "[::1]:80", "\xff"}},
		{Argv: []string{"/sbin/ipvsadm", "-R"}, Stdin: "-A -t 'x' \\\n\t\r100% %s\n", Env: []string{"POSIXLY_CORRECT="}},
	} {
		if got, ok := ParseCommand(inv.String()); !ok || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", inv) {
			t.Errorf("%s is read as %q, want %q", inv, got, inv)
		}
	}
}

func TestSame(t *testing.T) {
	help := Outcome{Stdout: "v1\n(help text, 3 lines)\n"}
	for _, tt := range []struct {
		want, got Outcome
		same      bool
	}{
		{Outcome{Stdout: "a\n"}, Outcome{Stdout: "a\n"}, true},
		{Outcome{Stdout: "a\n"}, Outcome{Stdout: "a \n"}, false},
		{Outcome{Stderr: "a\n"}, Outcome{Stdout: "a\n"}, false},
		{Outcome{}, Outcome{Exit: 1}, false},
		{help, Outcome{Stdout: "v1\nanything\nat all\n"}, true},
		{help, Outcome{Stdout: "v1\n"}, false},
		{help, Outcome{Stdout: "v2\nanything\n"}, false},
		{help, Outcome{Stdout: "v1\nanything\n", Exit: 1}, false},
	} {
		if got := tt.want.Same(tt.got); got != tt.same {
			t.Errorf("%+v and %+v: %v", tt.want, tt.got, got)
		}
		if (Diff("a", tt.want, "b", tt.got) == "") != (tt.want == tt.got) {
			t.Errorf("%+v and %+v: no difference shown", tt.want, tt.got)
		}
	}
}

// fewCommands is a world that can do little.
type fewCommands struct{ done []string }

func (w *fewCommands) Set(s Setup) error {
	if s.Verb != "run" {
		return ErrCannot
	}
	w.done = append(w.done, "set "+s.Arg)
	return nil
}

func (w *fewCommands) Run(e Entry) (Outcome, error) {
	if strings.HasPrefix(e.Command, "bash") {
		return Outcome{}, ErrCannot
	}
	w.done = append(w.done, e.Command)
	return Outcome{}, nil
}

// TestPlayLeavesOut leaves out what builds on what the world cannot do.
func TestPlayLeavesOut(t *testing.T) {
	entries, err := ParseTranscript("x", `
$ a
--- exit 0
$ bash b
--- exit 0
$ c
--- exit 0
%run d
%run ipvsadm -C
%run e
$ f
--- exit 0
%counters 1
$ g
--- exit 0
`)
	if err != nil {
		t.Fatal(err)
	}
	w := &fewCommands{}
	var left []string
	Play(w, entries, func(e Entry, _ Outcome, err error) {
		if errors.Is(err, ErrCannot) {
			left = append(left, e.Command)
		} else if err != nil {
			t.Error(err)
		}
	})
	if want := []string{"a", "set ipvsadm -C", "set e", "f"}; !slices.Equal(w.done, want) {
		t.Errorf("done %q, want %q", w.done, want)
	}
	if want := []string{"bash b", "c", "g"}; !slices.Equal(left, want) {
		t.Errorf("left out %q, want %q", left, want)
	}
}
