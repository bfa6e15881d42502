package vrrp

import (
	"slices"
	"strings"
	"sync"
	"testing"
)

// covered remembers which tests ran to their end for which requirement of
// testdata/rfc.tsv; see ledger_test.go.
var covered struct {
	sync.Mutex
	tests map[string][]string // requirement -> names of top-level tests
}

// requirement says that the test proves something about the requirements. Only
// a test that passed and was not skipped counts.
func requirement(t *testing.T, ids ...string) {
	t.Helper()
	t.Cleanup(func() {
		if t.Failed() || t.Skipped() {
			return
		}
		name, _, _ := strings.Cut(t.Name(), "/")
		covered.Lock()
		defer covered.Unlock()
		if covered.tests == nil {
			covered.tests = map[string][]string{}
		}
		for _, id := range ids {
			if !slices.Contains(covered.tests[id], name) {
				covered.tests[id] = append(covered.tests[id], name)
			}
		}
	})
}
