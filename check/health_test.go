package check

import (
	"math/rand/v2"
	"strings"
	"testing"
	"time"
)

// letters are verdicts as the tests write them.
var letters = map[byte]Verdict{'F': Fail, 'P': Pass, 'M': Partial, 'S': Skip}

// TestHealth writes after each result whether the server is up (+) or down (-)
// and whether the next check is due after the delay of a retry (r) or the
// interval (i).
func TestHealth(t *testing.T) {
	for _, c := range []struct {
		name    string
		retries int
		alpha   bool
		results string
		want    string
	}{
		{"up from the start, and success keeps it so", 1, false, "PP", "+i +i"},
		{"without retries the first failure is the end", 0, false, "F", "-i"},
		{"the very first check is not repeated", 3, false, "FF", "-i -i"},
		{"one retry, and it fails too", 1, false, "PFF", "+i +r -i"},
		{"a retry that succeeds starts the count anew", 1, false, "PFPFF", "+i +r +i +r -i"},
		{"three retries as DNS_CHECK has them", 3, false, "PFFFF", "+i +r +r +r -i"},
		{"a server that is down is not retried", 2, false, "PFFFFF", "+i +r +r -i -i -i"},
		{"one success brings it up", 2, false, "PFFFP", "+i +r +r -i +i"},
		{"up again it has all its retries", 2, false, "FPFFF", "-i +i +r +r -i"},
		{"alpha is down until the first success", 1, true, "FFP", "-i -i +i"},
		{"alpha and a success at once", 1, true, "P", "+i"},
		{"a part of several is no success for a server that is down", 0, false, "FMMP", "-i -i -i +i"},
		{"a check that could not be done changes nothing", 1, false, "PSFSF", "+i +i +r +i -i"},
		{"and it is no first check", 1, false, "SFF", "+i -i -i"},
		{"nor of a server that is down", 0, false, "FSSP", "-i -i -i +i"},
		{"a part of several is one in a row of failures", 1, false, "MFMFF", "+i +r +i +r -i"},
	} {
		t.Run(c.name, func(t *testing.T) {
			config := checker(c.retries)
			config.Alpha = c.alpha
			h := NewHealth(&config)
			var got []string
			for i := range c.results {
				var next time.Duration
				h, next = h.Next(&config, Result{Verdict: letters[c.results[i]]})
				word := "-"
				if h.Up {
					word = "+"
				}
				switch next {
				case interval:
					word += "i"
				case retryDelay:
					word += "r"
				default:
					word += next.String()
				}
				got = append(got, word)
			}
			if s := strings.Join(got, " "); s != c.want {
				t.Errorf("after %s: %s, want %s", c.results, s, c.want)
			}
		})
	}
}

// oracle says of a whole sequence whether a server is up at its end, looking
// back from there: it is if it has not failed too often since it passed. Before it
// ever did, any failure is too much.
func oracle(results string, retries int, alpha bool) bool {
	since := results[strings.LastIndexByte(results, 'P')+1:]
	if len(since) < len(results) {
		return len(since) <= retries
	}
	return !alpha && results == ""
}

// TestHealthSequences compares 100 000 sequences with the oracle, at every
// result of them, with the delays.
func TestHealthSequences(t *testing.T) {
	r := rand.New(rand.NewPCG(41, 1))
	ends := map[bool]int{}
	for range 100_000 {
		config := checker(r.IntN(4))
		config.Alpha = r.IntN(2) == 0
		good := r.IntN(100)
		h, results := NewHealth(&config), ""
		for range 1 + r.IntN(12) {
			v := Fail
			if r.IntN(100) < good {
				v = Pass
			}
			was := h.Up
			var next time.Duration
			h, next = h.Next(&config, Result{Verdict: v})
			results += string("FP"[v])
			if up := oracle(results, config.Retries, config.Alpha); h.Up != up {
				t.Fatalf("%s with %d retries, alpha %t: up %t, want %t", results, config.Retries, config.Alpha, h.Up, up)
			}
			if retry := was && h.Up && v == Fail; (next == retryDelay) != retry || h.Failures > config.Retries {
				t.Fatalf("%s with %d retries: %+v, next after %s", results, config.Retries, h, next)
			}
			ends[h.Up]++
		}
	}
	if ends[true] < 100_000 || ends[false] < 100_000 {
		t.Errorf("the sequences are not worth much: %v", ends)
	}
}
