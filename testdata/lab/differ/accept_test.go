package differ

import (
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/compat"
)

func TestAccept(t *testing.T) {
	flag3 := []ipvs.Entry{{ServiceState: ipvs.ServiceState{Service: ipvs.Service{Scheduler: "sh", Flags: ipvs.SchedFlag3}}}}
	long := "a-very-long-host-name-for-a-virtual-service.subdomain.example.org"
	for _, tt := range []struct {
		name         string
		table        []ipvs.Entry
		theirs, ours string
		want         bool
	}{
		{"the same", nil, "TCP  10.0.0.1:80 rr\n", "TCP  10.0.0.1:80 rr\n", true},
		{"another scheduler", nil, "TCP  10.0.0.1:80 rr\n", "TCP  10.0.0.1:80 wrr\n", false},
		{"a blank more", nil, "TCP  10.0.0.1:80 rr\n", "TCP  10.0.0.1:80 rr \n", false},
		{"a line more", nil, "a\n", "a\nb\n", false},

		{"a large mark", nil, "FWM  -1 rr\n", "FWM  4294967295 rr\n", true},
		{"a large mark of IPv6", nil, "FWM  -1412567295 IPv6 rr persistent 5\n", "FWM  2882400001 IPv6 rr persistent 5\n", true},
		{"a large mark and counters", nil, "FWM  -1                                  0        1\n", "FWM  4294967295                          0        1\n", true},
		{"a large mark in a column of its own width", nil, "FWM  -1                                  0        1\n", "FWM  4294967295                                  0        1\n", false},
		{"the mark beside it", nil, "FWM  -1 rr\n", "FWM  4294967294 rr\n", false},
		{"a saved mark", nil, "-A -f -2147483648 -6 -s rr\n", "-A -f 2147483648 -6 -s rr\n", true},

		{"the third flag", flag3, "-A -t 1.1.1.1:1 -s sh -b sh-port\n", "-A -t 1.1.1.1:1 -s sh -b sh-port,flag-3\n", true},
		{"the third flag alone", flag3, "-A -t 1.1.1.1:1 -s sh -b \n", "-A -t 1.1.1.1:1 -s sh -b flag-3\n", true},
		{"a third flag that nobody has", nil, "-A -t 1.1.1.1:1 -s sh -b sh-port\n", "-A -t 1.1.1.1:1 -s sh -b sh-port,flag-3\n", false},
		{"another flag", flag3, "-A -t 1.1.1.1:1 -s sh -b sh-port\n", "-A -t 1.1.1.1:1 -s sh -b sh-fallback\n", false},

		{"a name cut off", nil, "-A -t " + long[:59] + " -s rr\n", "-A -t " + long + ":http -s rr\n", true},
		{"a name cut elsewhere", nil, "-A -t " + long[:58] + " -s rr\n", "-A -t " + long + ":http -s rr\n", false},
		{"the name of an IPv6 host", nil, "-a -t [vip6.example.org]:http -r 1.1.1.1:1 -m -w 1\n", "-a -t [2001:db8::1]:http -r 1.1.1.1:1 -m -w 1\n", true},
		{"another IPv6 host", nil, "-A -t [vip6.example.org]:http -s rr\n", "-A -t [2001:db8::2]:http -s rr\n", false},
		{"a number for the name of an IPv4 host", nil, "-A -t vip.example.org:http -s rr\n", "-A -t 10.0.0.1:http -s rr\n", false},

		{"help", nil, "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\nUsage\n", "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\nother\nwords\n", true},
		{"no help", nil, "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\nUsage\n", "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n", false},
		{"help instead of a version", nil, "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\n", "ipvsadm v1.31 2019/12/24 (compiled with popt and IPVS v1.2.1)\nother\n", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := accepter{table: tt.table}
			if got := a.outcome(compat.Outcome{Stdout: tt.theirs}, compat.Outcome{Stdout: tt.ours}); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
	a := accepter{}
	for _, ours := range []compat.Outcome{{Exit: 1}, {Stderr: "x\n"}} {
		if a.outcome(compat.Outcome{}, ours) {
			t.Errorf("%+v is taken for nothing", ours)
		}
	}
}
