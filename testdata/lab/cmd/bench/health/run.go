package health

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"ipvsadm/testdata/lab/uml"
)

// InsideVar is in the environment of the part that runs in the guest.
const InsideVar = "HEALTH_INSIDE"

// Options say how much to measure.
type Options struct {
	Rounds int    // of each figure, where a round is short
	Only   string // measure only figures with this in their name, "" for all
}

// Run boots a guest and measures in it, with a program that is ipvsadm.
func Run(ours string, o Options, w io.Writer) error {
	ours, err := filepath.Abs(ours)
	if err != nil {
		return err
	}
	self, err := os.Executable()
	if err != nil {
		return err
	}
	guest, err := uml.Boot(uml.Options{Memory: "2G"})
	if err != nil {
		return err
	}
	defer guest.Close()
	code, err := guest.Run(context.Background(), uml.Command{
		Args:    []string{self, "check", "-rounds", strconv.Itoa(o.Rounds), "-only", o.Only, ours},
		Env:     append(os.Environ(), InsideVar+"=1"),
		Dir:     "/",
		Isolate: true,
	}, w)
	if err == nil && code != 0 {
		err = fmt.Errorf("the guest's part ended with code %d", code)
	}
	return err
}

// Inside measures, in the guest.
func Inside(ours string, o Options, w io.Writer) error {
	b, err := newBench(ours, o)
	if err != nil {
		return err
	}
	defer b.close()
	var failures []error
	for _, f := range figures() {
		if !strings.Contains(f.name, o.Only) {
			continue
		}
		r := result{figure: f}
		var failed [2]error // who could not once is not asked again
		for round := range f.rounds(o.Rounds) {
			for turn := range 2 {
				tool := (round + turn) % 2
				if failed[tool] != nil || !f.measures(tool) {
					continue
				}
				v, err := f.measure(b, tool)
				if err != nil {
					failed[tool] = fmt.Errorf("%s, %s: %w", f.name, toolNames[tool], err)
					failures = append(failures, failed[tool])
				}
				r.values[tool] = append(r.values[tool], v...)
			}
		}
		b.results = append(b.results, r)
		fmt.Fprintf(os.Stderr, "measured: %s\n", f.name)
	}
	return errors.Join(append(failures, b.print(w))...)
}
