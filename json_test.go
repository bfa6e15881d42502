package main

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

// TestJSONOnRealKernel lists random tables of a real kernel as JSON and restores
// them, on an empty table and in place of another.
func TestJSONOnRealKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for seed := range uint64(8) {
			r := rand.New(rand.NewPCG(seed, 1))
			rules := randomRules(r)
			runOurs(t, "-C\n"+rules, "-R")
			want := runOurs(t, "", "-L", "--json")
			if n := strings.Count(want, `"sched_name"`); n != strings.Count(rules, "-A ") {
				t.Fatalf("seed %d: %d services are listed of\n%s\n%s", seed, n, rules, want)
			}
			runOurs(t, "", "-C")
			runOurs(t, want, "-R", "--json")
			if got := runOurs(t, "", "-L", "--json"); !sameLines(got, want) {
				t.Errorf("seed %d: restored is\n%s\nwant\n%s", seed, got, want)
			}
			other := "-C\n" + randomRules(r)
			runOurs(t, other, "-R")
			runOurs(t, want, "-R", "--json", "--replace")
			if got := runOurs(t, "", "-L", "--json"); !sameLines(got, want) {
				t.Errorf("seed %d: in place of\n%s\nis\n%s\nwant\n%s", seed, other, got, want)
			}
			if plan := runOurs(t, want, "-R", "--json", "--replace", "--dry-run"); plan != "" {
				t.Errorf("seed %d: still to do:\n%s", seed, plan)
			}
		}
		for _, args := range []string{"-L --timeout --json", "-L --daemon --json", "-L --stats --json", "-L --rate --json"} {
			if out := runOurs(t, "", strings.Fields(args)...); !json.Valid([]byte(out)) {
				t.Errorf("%s prints no JSON:\n%s", args, out)
			}
		}
	})
}

// sameLines compares without regard to order: that of a listing may depend on
// the kernel's. Commas follow from it.
func sameLines(a, b string) bool {
	lines := func(text string) []string {
		list := strings.Split(text, "\n")
		for i := range list {
			list[i] = strings.TrimSuffix(list[i], ",")
		}
		slices.Sort(list)
		return list
	}
	return slices.Equal(lines(a), lines(b))
}

// randomRules are the commands of a table with everything that can be set.
func randomRules(r *rand.Rand) string {
	pick := func(list ...string) string { return list[r.IntN(len(list))] }
	var b strings.Builder
	for i := range 2 + r.IntN(10) {
		v6 := r.IntN(2) == 0
		family, addr := "", fmt.Sprintf("10.0.%d.1:80", i)
		if v6 {
			family, addr = " -6", fmt.Sprintf("[2001:db8::%d:1]:80", i)
		}
		service := pick("-t ", "-u ", "--sctp-service ") + addr
		if r.IntN(3) == 0 {
			service = fmt.Sprintf("-f %d%s", 1+r.Uint32N(1<<32-1), family)
		}
		fmt.Fprintf(&b, "-A %s -s %s", service, pick("rr", "wrr", "wlc", "sh -b sh-port", "mh -b mh-fallback,mh-port", "sed -b flag-3"))
		if r.IntN(2) == 0 {
			mask := pick("255.255.255.0", "255.255.255.255", "0.255.0.255")
			if v6 {
				mask = pick("64", "128", "1")
			}
			fmt.Fprintf(&b, " -p %d -M %s", 1+r.IntN(9999), mask)
		}
		if strings.HasPrefix(service, "-u") {
			b.WriteString(pick("", " -o"))
		}
		b.WriteByte('\n')
		for j := range r.IntN(6) {
			server := fmt.Sprintf("192.168.%d.%d", i, j+1)
			if v6 {
				server = fmt.Sprintf("[2001:db8:1::%d:%d]", i, j+1)
			}
			method := pick("-m", "-g", "-i", "-i --tun-type gue --tun-port 6080 --tun-csum", "-i --tun-type gue --tun-port 1 --tun-remcsum",
				"-i --tun-type gre --tun-csum")
			upper := r.IntN(1000)
			fmt.Fprintf(&b, "-a %s -r %s:%d %s -w %d -x %d -y %d\n", service, server, 1+r.IntN(65535), method, r.IntN(3)*r.IntN(1<<30), upper, r.IntN(upper+1))
		}
	}
	return b.String()
}
