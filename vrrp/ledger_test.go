package vrrp

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestMain runs the tests and then compares them with the ledger: what it asks for
// can only be asked when they have all run.
func TestMain(m *testing.M) {
	flag.Parse()
	status := m.Run()
	if flag.Lookup("test.list").Value.String() == "" && flag.Lookup("test.fuzzworker").Value.String() == "false" {
		wrong, summary := ledgerErrors(status == 0 && allTests())
		if testing.Verbose() {
			fmt.Println("ledger:", summary)
		}
		for _, line := range wrong {
			fmt.Println("ledger:", line)
			status = 1
		}
	}
	os.Exit(status)
}

// allTests tells whether no test was left out.
func allTests() bool {
	return flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == ""
}

// ledgerErrors compares testdata/rfc.tsv with the tests: each test that it names for a
// requirement must have run to its end, passed, and said so itself with
// requirement, if all were run; and no test may claim a requirement that the
// ledger does not give it.
func ledgerErrors(all bool) (wrong []string, summary string) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	text, err := os.ReadFile("testdata/rfc.tsv")
	if err != nil {
		bad("%v", err)
	}
	named := map[string][]string{}
	proven, reasons := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "requirement\t") {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) != 4 || slices.Contains(columns, "") {
			bad("not four columns: %q", line)
			continue
		}
		id := columns[0]
		if named[id] != nil {
			bad("%s is there twice", id)
		}
		named[id] = []string{}
		for _, test := range columns[2:] {
			if reason, ok := strings.CutPrefix(test, "reason: "); ok {
				reasons++
				if len(reason) < 5 {
					bad("%s: %q is no reason", id, reason)
				}
				continue
			}
			proven++
			named[id] = append(named[id], test)
			if all && !slices.Contains(covered.tests[id], test) {
				bad("%s: %s is not there, did not run, failed, or does not claim it", id, test)
			}
		}
		if columns[2] == columns[3] {
			bad("%s: one test both ways", id)
		}
	}
	for id, tests := range covered.tests {
		for _, test := range tests {
			if !slices.Contains(named[id], test) {
				bad("%s claims %s, and the ledger does not know", test, id)
			}
		}
	}
	if len(named) < 66 {
		bad("only %d requirements", len(named))
	}
	return wrong, fmt.Sprintf("%d requirements: %d proofs by tests, %d reasons", len(named), proven, reasons)
}
