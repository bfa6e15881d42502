package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "noskip:", err)
		os.Exit(1)
	}
}

func run(args []string) error {
	verbose := slices.ContainsFunc(args, func(a string) bool { return a == "-v" || a == "-v=true" })
	short := slices.ContainsFunc(args, func(a string) bool { return a == "-short" || a == "-short=true" })
	cmd := exec.Command("go", append([]string{"test", "-json"}, args...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	s := show{w: os.Stdout, verbose: verbose, allowSkips: short, root: os.Geteuid() == 0, output: map[test]string{}}
	if err := s.all(out); err != nil {
		return err
	}
	if err := cmd.Wait(); err != nil || s.failed {
		fmt.Println("FAIL")
		os.Exit(1)
	}
	return nil
}

// event is a line of go test -json, as `go doc test2json` describes it.
type event struct {
	Action, Package, Test, Output string
}

// test names a test of a package; the package itself if Test is empty.
type test struct{ Package, Test string }

// show turns the events of go test -json back into go test's own output.
type show struct {
	w          io.Writer
	verbose    bool
	allowSkips bool
	root       bool
	output     map[test]string // of running tests, and of packages until they end
	failed     bool            // a test was skipped
}

func (s *show) all(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			s.line(line)
		}
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *show) line(line []byte) {
	var e event
	if json.Unmarshal(line, &e) != nil {
		s.w.Write(line)
		return
	}
	key := test{e.Package, e.Test}
	switch e.Action {
	case "build-output":
		io.WriteString(s.w, e.Output)
	case "output":
		if s.verbose {
			io.WriteString(s.w, e.Output)
		} else {
			s.output[key] += e.Output
		}
	case "skip":
		s.skip(e)
		fallthrough
	case "pass", "fail":
		s.end(e, key)
	}
}

// skip notes a skipped test.
func (s *show) skip(e event) {
	if e.Test == "" || s.allowSkips || strings.HasPrefix(e.Test, "Fuzz") {
		return
	}
	why, output := "no test may skip here", s.output[test{e.Package, e.Test}]
	if !s.root && strings.Contains(output, ": only root can ") {
		why = "not for an ordinary user"
	} else {
		s.failed = true
	}
	fmt.Fprintf(s.w, "--- SKIP: %s: %s\n%s", e.Test, why, output)
}

// end shows what a test wrote that has ended, if go test would.
func (s *show) end(e event, key test) {
	out := s.output[key]
	delete(s.output, key)
	switch {
	case e.Test == "":
		io.WriteString(s.w, strings.TrimPrefix(out, "PASS\n"))
	case e.Action == "fail":
		io.WriteString(s.w, verdictFirst(out))
	}
}

// verdictFirst puts what a test wrote below its verdict, where go test without
// -v has it, and leaves out what only -v shows.
func verdictFirst(out string) string {
	var verdict, rest strings.Builder
	for line := range strings.Lines(out) {
		switch {
		case strings.HasPrefix(line, "=== "):
		case strings.HasPrefix(line, "--- "):
			verdict.WriteString(line)
		default:
			rest.WriteString(line)
		}
	}
	return verdict.String() + rest.String()
}
