package status

import (
	"encoding/json"
	"net/netip"
	"strings"
	"testing"
	"time"

	"ipvsadm/check"
)

func sample() check.Status {
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	weight := func(n uint32) *uint32 { return &n }
	return check.Status{
		At: at, Running: 1, Waiting: 2,
		Counters: check.Counters{Checks: 9, Passed: 5, Failed: 4, Panics: 1, Operations: 3, Refused: 2, Mended: 7, Slowest: 3500 * time.Microsecond},
		Servers: []check.ServerStatus{{
			Name: "[10.0.0.1]:tcp:80", Services: 2, InKernel: 1, Scheduler: "rr", Since: at.Add(-90 * time.Second), Sum: 1, Quorum: 2, Hysteresis: 1, Suspended: true,
			Sorry: &check.SorryStatus{Addr: netip.MustParseAddrPort("10.0.2.1:80"), InUse: true, Kernel: weight(1)},
			Reals: []check.RealReport{
				{Name: "[10.0.1.0]:tcp:80", Addr: netip.MustParseAddrPort("10.0.1.0:80"), Up: true, Since: at, Wanted: weight(1), Kernel: weight(5), Checkers: []check.CheckerReport{{Kind: "TCP_CHECK", Up: true}}},
				{Name: "[10.0.1.1]:tcp:80", Addr: netip.MustParseAddrPort("10.0.1.1:80"), Since: at.Add(-1500 * time.Millisecond), Change: 250 * time.Microsecond, Kernel: weight(0), Checkers: []check.CheckerReport{{
					Kind: "HTTP_GET", Last: check.Result{Reason: "status\x1b 503"}, At: at.Add(-2 * time.Second), Took: 12 * time.Millisecond,
				}}},
				{Name: "[10.0.1.2]:tcp:80", Addr: netip.MustParseAddrPort("10.0.1.2:80"), Since: at},
			},
		}, {Name: "FWM 1", Services: 1, InKernel: 1, HasQuorum: true, Since: at, Sum: 4, Quorum: 1}},
	}
}

func TestText(t *testing.T) {
	const want = `virtual server [10.0.0.1]:tcp:80: no quorum for 1m30s, weight 1 of 2±1, not checked: its address is not on this machine, 1 of 2 services in the kernel
  [10.0.1.0]:tcp:80: up for 0s, weight 5 in the kernel, should be 1
    TCP_CHECK: up, not checked yet
  [10.0.1.1]:tcp:80: down for 2s, weight 0 in the kernel, should not be
    HTTP_GET: down, fail 2s ago in 0.012s: status? 503
  [10.0.1.2]:tcp:80: down for 0s, not in the kernel
  sorry server 10.0.2.1:80: in use, weight 1 in the kernel
virtual server FWM 1: quorum for 0s, weight 4 of 1
checks 9, failed 4; changes of the kernel's table 3, refused 2, slowest 0.0035s; mended after others 7
`
	var b strings.Builder
	if err := WriteText(&b, sample()); err != nil || b.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, b.String(), want)
	}
}

// TestJSON has no null for lists that are empty, and one for what is not known.
func TestJSON(t *testing.T) {
	var b strings.Builder
	if err := WriteJSON(&b, sample()); err != nil {
		t.Fatal(err)
	}
	var got struct {
		Counters map[string]uint64
		Slowest  float64 `json:"slowest_change_seconds"`
		Servers  []struct {
			HasQuorum bool `json:"has_quorum"`
			Sorry     *struct {
				KernelWeight *uint32 `json:"kernel_weight"`
			} `json:"sorry_server"`
			Reals []struct {
				State                      string
				Change                     *float64 `json:"change_seconds"`
				WantedWeight, KernelWeight *uint32
				Checkers                   []struct{ Result, At *string }
			} `json:"real_servers"`
		} `json:"virtual_servers"`
	}
	if err := json.Unmarshal([]byte(b.String()), &got); err != nil {
		t.Fatal(err)
	}
	first := got.Servers[0]
	if len(got.Counters) != 7 || len(got.Servers) != 2 || first.HasQuorum || *first.Sorry.KernelWeight != 1 || len(first.Reals) != 3 {
		t.Errorf("%+v", got)
	}
	if r := first.Reals; r[0].State != "up" || r[0].Checkers[0].Result != nil || r[0].Checkers[0].At != nil || *r[1].Checkers[0].Result != "fail" || r[2].Checkers == nil {
		t.Errorf("%+v", first.Reals)
	}
	if r := first.Reals; r[0].Change != nil || *r[1].Change != 0.00025 || got.Slowest != 0.0035 {
		t.Errorf("%v %v %v", r[0].Change, *r[1].Change, got.Slowest)
	}
	if got.Servers[1].Reals == nil || got.Servers[1].Sorry != nil {
		t.Errorf("%+v", got.Servers[1])
	}
}

func TestOnce(t *testing.T) {
	results := []check.OnceResult{
		{Server: "[10.0.0.1]:tcp:80", Real: "[10.0.1.0]:tcp:80", Kind: "TCP_CHECK", Result: check.Result{Verdict: check.Pass}, Took: time.Millisecond},
		{Server: "FWM 1", Real: "[10.0.1.1]:none:0", Kind: "PING_CHECK", Result: check.Result{Reason: "no\nanswer"}, Took: time.Second},
	}
	const want = `VIRTUAL SERVER     REAL SERVER        CHECKER     RESULT  TIME    REASON
[10.0.0.1]:tcp:80  [10.0.1.0]:tcp:80  TCP_CHECK   pass    0.001s  
FWM 1              [10.0.1.1]:none:0  PING_CHECK  fail    1.000s  no?answer
`
	var b strings.Builder
	if err := WriteOnce(&b, results); err != nil || b.String() != want {
		t.Errorf("%v\n%s\nwant\n%s", err, b.String(), want)
	}
	b.Reset()
	var list []map[string]any
	if err := WriteOnceJSON(&b, results); err != nil || json.Unmarshal([]byte(b.String()), &list) != nil || len(list) != 2 || list[1]["reason"] != "no\nanswer" || list[0]["result"] != "pass" {
		t.Errorf("%v\n%s", err, b.String())
	}
	b.Reset()
	if err := WriteOnceJSON(&b, nil); err != nil || b.String() != "[]\n" {
		t.Errorf("nothing is %q", b.String())
	}
}
