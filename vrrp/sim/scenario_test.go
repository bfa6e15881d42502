package sim

import (
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the traces of testdata anew")

// traceMark separates a scenario from its trace in testdata.
const traceMark = "trace:\n"

// TestScenarios runs the scenarios of testdata and compares traces. Those in
// scenarios/ show how things go; those in regress/ once broke an invariant.
// After a change that is meant to change traces run with -update and read the
// difference.
func TestScenarios(t *testing.T) {
	files, err := filepath.Glob("testdata/*/*.txt")
	if err != nil || len(files) < 20 {
		t.Fatalf("%d scenarios, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(strings.TrimPrefix(file, "testdata/"), ".txt"), func(t *testing.T) {
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			scenario, want, _ := strings.Cut(string(text), traceMark)
			sc, err := Parse(scenario)
			if err != nil {
				t.Fatal(err)
			}
			r := Run(sc, Options{Trace: true})
			if r.Violation != nil {
				t.Errorf("%v", r.Violation)
			}
			got := strings.Join(r.Trace, "\n") + "\n"
			if *update {
				if err := os.WriteFile(file, []byte(scenario+traceMark+got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			if got != want {
				t.Errorf("trace:\n%s\nwant:\n%s", got, want)
			}
		})
	}
}

// The text of a scenario is all of it: what is printed is read as the same, and
// runs the same.
func TestParseReadsWhatStringPrints(t *testing.T) {
	for seed := range uint64(500) {
		sc := Generate(seed)
		again, err := Parse(sc.String())
		if err != nil {
			t.Fatalf("seed %d: %v\n%v", seed, err, sc)
		}
		if again.String() != sc.String() {
			t.Fatalf("seed %d: printed\n%v\nread as\n%v", seed, sc, again)
		}
		if seed < 50 && Run(again, Options{}).Hash != Run(sc, Options{}).Hash {
			t.Fatalf("seed %d runs otherwise from its text", seed)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	good := "seed 1\nfor 10s\nlink delay 0s 1ms\nrouter 51 version 3 interval 1s addresses 1\nnode a host 1 priority 100\n"
	if _, err := Parse(good); err != nil {
		t.Fatal(err)
	}
	for add, want := range map[string]string{
		"nonsense":                                     `line 6: unknown word "nonsense"`,
		"node b host 2 priority 100 what":              `unknown word "what"`,
		"node b host 2 priority 256":                   "not a number",
		"node b host 1 priority 1":                     "its own",
		"node a host 2 priority 1":                     "its own",
		"node b host 2 priority 0":                     "priority 0",
		"node b host 2 priority 1 clock 900000":        "clock off",
		"router 52 version 4 interval 1s":              "version 4",
		"router 52 version 2 interval 1s ipv6":         "IPv6 needs version 3",
		"link delay 2s 1s":                             "delay from 2s",
		"link delay 2s":                                "word is missing",
		"link delay -1s 1s":                            "not a duration",
		"sync group":                                   "left over",
		"at 1s explode a":                              `unknown verb "explode"`,
		"at 1s crash a":                                "1 arguments",
		"at 1s crash z keep":                           `"z" is not n`,
		"at 1s crash a maybe":                          `"maybe" is not keep|lose`,
		"at 1s weigh a 51 many":                        `"many" is not i`,
		"at 1s down a 52":                              `"52" is not r`,
		"at 1s split a / z":                            `no node "z"`,
		"at 1s interval a 51 15ms":                     "interval 15ms",
		"at 2s heal\nat 1s heal":                       "before the step above",
		"at soon heal":                                 "not a duration",
		"at":                                           "word is missing",
		"for 100h":                                     "not a duration",
		"router 53 version 3 interval 1s addresses -1": "not a number",
	} {
		if _, err := Parse(good + add + "\n"); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want one with %q", add, err, want)
		}
	}
	if _, err := Parse("seed 1\n"); err == nil {
		t.Error("a world without nodes is accepted")
	}
}

// FuzzParse: what is read prints to something that is read as the same.
func FuzzParse(f *testing.F) {
	for seed := range uint64(10) {
		f.Add(Generate(seed).String())
	}
	files, _ := filepath.Glob("testdata/*/*.txt")
	for _, file := range files {
		if text, err := os.ReadFile(file); err == nil {
			scenario, _, _ := strings.Cut(string(text), traceMark)
			f.Add(scenario)
		}
	}
	f.Fuzz(func(t *testing.T, text string) {
		sc, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(sc.String())
		if err != nil || again.String() != sc.String() {
			t.Fatalf("%q is printed as %q and read again with %v", text, sc, err)
		}
	})
}

// A broken scenario gets smaller and breaks the same way.
func TestShrink(t *testing.T) {
	sc := Generate(7)
	if Shrink(sc) != sc {
		t.Error("a scenario that breaks nothing is shrunk")
	}
	// A world that cannot settle: an alien speaks every second, to the end.
	sc = &Scenario{
		Seed: 1, For: 60 * time.Second,
		Routers: []Router{{VRID: 51, Version: 3, Interval: time.Second, Addresses: 2, IPv6: true}},
		Nodes:   []Node{{Name: "a", Host: 1, Priority: 100, LastWord: true}, {Name: "b", Host: 2, Priority: 90, Clock: 500}},
		Steps:   []Step{{At: time.Second, Verb: "reload", Args: []string{"a", "51"}}, {At: 2 * time.Second, Verb: "lose", Args: []string{"b", "51"}}},
	}
	if err := sc.validate(); err != nil {
		t.Fatal(err)
	}
	if r := Run(sc, Options{}); r.Violation != nil {
		t.Fatal(r.Violation)
	}
	for _, c := range smallerOnes(sc) {
		if len(c.String()) >= len(sc.String())+2 {
			t.Errorf("not smaller:\n%v", c)
		}
	}
	if n := len(smallerOnes(sc)); n < 8 {
		t.Errorf("only %d ways to make it smaller", n)
	}
}
