package main

import (
	"strings"
	"testing"
)

// The events of a run with a test of each kind, as go test -json wrote them.
const events = `{"Action":"build-output","ImportPath":"broken","Output":"broken.go:3:1: undefined: x\n"}
{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestGood"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"=== RUN   TestGood\n"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"    p_test.go:5: chatter\n"}
{"Action":"output","Package":"p","Test":"TestGood","Output":"--- PASS: TestGood (0.00s)\n"}
{"Action":"pass","Package":"p","Test":"TestGood","Elapsed":0}
{"Action":"output","Package":"p","Test":"TestBad","Output":"=== RUN   TestBad\n"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"    p_test.go:9: wrong\n"}
{"Action":"output","Package":"p","Test":"TestBad","Output":"--- FAIL: TestBad (0.00s)\n"}
{"Action":"fail","Package":"p","Test":"TestBad","Elapsed":0}
{"Action":"output","Package":"p","Test":"FuzzX/seed#1","Output":"--- SKIP: FuzzX/seed#1 (0.00s)\n"}
{"Action":"skip","Package":"p","Test":"FuzzX/seed#1","Elapsed":0}
{"Action":"output","Package":"p","Output":"FAIL\n"}
{"Action":"output","Package":"p","Output":"FAIL\tp\t0.01s\n"}
{"Action":"fail","Package":"p","Elapsed":0.01}
{"Action":"output","Package":"q","Output":"PASS\n"}
{"Action":"output","Package":"q","Output":"ok  \tq\t0.02s\n"}
{"Action":"pass","Package":"q","Elapsed":0.02}
{"Action":"output","Package":"r","Output":"?   \tr\t[no test files]\n"}
{"Action":"skip","Package":"r","Elapsed":0}
`

const skip = `{"Action":"output","Package":"p","Test":"TestLazy","Output":"    p_test.go:7: no kernel\n"}
{"Action":"skip","Package":"p","Test":"TestLazy","Elapsed":0}
`

const rootSkip = `{"Action":"output","Package":"p","Test":"TestMount","Output":"    p_test.go:7: only root can mount\n"}
{"Action":"skip","Package":"p","Test":"TestMount","Elapsed":0}
`

func TestShow(t *testing.T) {
	const plain = "broken.go:3:1: undefined: x\n" +
		"--- FAIL: TestBad (0.00s)\n    p_test.go:9: wrong\nFAIL\nFAIL\tp\t0.01s\nok  \tq\t0.02s\n?   \tr\t[no test files]\n"
	for _, c := range []struct {
		name, events string
		short, root  bool
		fails        bool
		want         string
	}{
		{"as go test does", events, false, true, false, plain},
		{"a skip is a failure", skip, false, false, true, "--- SKIP: TestLazy: no test may skip here\n    p_test.go:7: no kernel\n"},
		{"unless -short asked for it", skip, true, true, false, ""},
		{"or only root could", rootSkip, false, false, false, "--- SKIP: TestMount: not for an ordinary user\n    p_test.go:7: only root can mount\n"},
		{"who is root must not", rootSkip, false, true, true, "--- SKIP: TestMount: no test may skip here\n    p_test.go:7: only root can mount\n"},
		{"other lines are shown", "panic\n", false, true, false, "panic\n"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got strings.Builder
			s := show{w: &got, allowSkips: c.short, root: c.root, output: map[test]string{}}
			if err := s.all(strings.NewReader(c.events)); err != nil {
				t.Fatal(err)
			}
			if got.String() != c.want || s.failed != c.fails {
				t.Errorf("failed %v, shown:\n%s\nwant %v:\n%s", s.failed, got.String(), c.fails, c.want)
			}
		})
	}
}
