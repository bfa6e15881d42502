package vrrp

import (
	"flag"
	"os"
	"slices"
	"strings"
	"testing"
)

// TestLedger compares testdata/rfc.tsv with the tests: each test that it names
// for a requirement must have run to its end, passed, and said so itself with
// requirement; and no test may claim a requirement that the ledger does not give
// it. The file's name makes it the last test of the package, which is what "have
// run" needs; when only some tests run, or in another order, it cannot ask that.
func TestLedger(t *testing.T) {
	text, err := os.ReadFile("testdata/rfc.tsv")
	if err != nil {
		t.Fatal(err)
	}
	all := flag.Lookup("test.run").Value.String() == "" && flag.Lookup("test.skip").Value.String() == "" &&
		flag.Lookup("test.shuffle").Value.String() == "off"
	named := map[string][]string{}
	proven, reasons := 0, 0
	for _, line := range strings.Split(strings.TrimSpace(string(text)), "\n") {
		if strings.HasPrefix(line, "#") || strings.HasPrefix(line, "requirement\t") {
			continue
		}
		columns := strings.Split(line, "\t")
		if len(columns) != 4 || slices.Contains(columns, "") {
			t.Errorf("not four columns: %q", line)
			continue
		}
		id := columns[0]
		if named[id] != nil {
			t.Errorf("%s is there twice", id)
		}
		named[id] = []string{}
		for _, test := range columns[2:] {
			if reason, ok := strings.CutPrefix(test, "reason: "); ok {
				reasons++
				if len(reason) < 5 {
					t.Errorf("%s: %q is no reason", id, reason)
				}
				continue
			}
			proven++
			named[id] = append(named[id], test)
			if all && !slices.Contains(covered.tests[id], test) {
				t.Errorf("%s: %s is not there, did not run, failed, or does not claim it", id, test)
			}
		}
		if len(columns[2]) > 0 && columns[2] == columns[3] {
			t.Errorf("%s: one test both ways", id)
		}
	}
	for id, tests := range covered.tests {
		for _, test := range tests {
			if !slices.Contains(named[id], test) {
				t.Errorf("%s claims %s, and the ledger does not know", test, id)
			}
		}
	}
	t.Logf("%d requirements: %d proofs by tests, %d reasons", len(named), proven, reasons)
	if len(named) < 66 {
		t.Errorf("only %d requirements", len(named))
	}
}
