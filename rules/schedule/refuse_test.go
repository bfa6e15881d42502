package schedule

import (
	"errors"
	"strings"
	"syscall"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
)

// TestBadInputIsRefused has exit code 2, nothing on standard output, and a
// sentence that says what is wrong.
func TestBadInputIsRefused(t *testing.T) {
	const predict, simulate = "predict -t 10.9.0.1:80 ", "simulate -t 10.9.0.1:80 "
	tests := []struct{ line, want string }{
		{"wlcc", `no kernel has a scheduler "wlcc"; the nearest name is wlc`},
		{"WRR", `no kernel has a scheduler "WRR"`},
		{"lblcrr", "the nearest name is lblcr"},
		{"wlc mh", "unexpected argument mh"},
		{"predikt", `no kernel has a scheduler "predikt"`},
		{"--frob", "unknown option --frob"},

		{predict, "which client? Give --client"},
		{"predict --client 192.0.2.7", "which service?"},
		{predict + "-u 10.9.0.1:53 --client 192.0.2.7", "more than one service"},
		{predict + "-6 --client 192.0.2.7", "-6 goes with -f only"},
		{predict + "--client nobody", `--client "nobody" is not an address`},
		{predict + "--client 192.0.2.7:0", "is not an address, or an address and a port"},
		{predict + "--client 192.0.2.7:70000", "is not an address, or an address and a port"},
		{predict + "--client fe80::1%eth0", "is not an address"},
		{predict + "--client 2001:db8::7", "client 2001:db8::7: -t 10.9.0.1:80 is a service of IPv4"},
		{predict + "--client ::ffff:192.0.2.7", "is a service of IPv4"},
		{"predict -f 8 -6 --client 192.0.2.7 --dst 2001:db8::1", "-f 8 -6 is a service of IPv6"},
		{predict + "--client 192.0.2.7 --next 0", "want a whole number from 1 to 10000"},
		{predict + "--client 192.0.2.7 --next -1", "want a whole number from 1 to 10000"},
		{predict + "--client 192.0.2.7 --next 99999999999999999999", "want a whole number from 1 to 10000"},
		{predict + "--client 192.0.2.7 --next x", "want a whole number"},
		{predict + "--client 192.0.2.7 more", "unexpected argument more"},
		{predict + "--client 192.0.2.7 --frob", "unknown flag: --frob"},
		{predict + "--client", "flag needs an argument"},
		{predict + "--client 192.0.2.7 --dst 10.9.0.2", "--dst 10.9.0.2 is not the address of -t 10.9.0.1:80"},
		{predict + "--client 192.0.2.7 --dst x", `--dst "x" is not an address`},
		{"predict -f 7 --client 192.0.2.7", "dh goes by the destination address: give --dst"},
		{"predict -f 7 --client 192.0.2.7 --dst 2001:db8::1", "--dst 2001:db8::1: -f 7 is a service of IPv4"},
		{"predict -f 0 --client 192.0.2.7", "invalid fwmark value"},
		{"predict -u 10.9.0.1:53 --client 192.0.2.7", "sh-port counts the client's port: give --client 192.0.2.7:40000"},
		{"predict -t 10.9.0.1 --client 192.0.2.7", "no service -t 10.9.0.1:0 in the table, which has"},
		{"predict -t 10.9.0.9:80 --client 192.0.2.7", "no service -t 10.9.0.9:80 in the table, which has"},
		{"predict -t 10.9.0.9:80 --client 192.0.2.7 --rules saved", "-t 10.9.0.1:80, -t 10.9.0.1:81, -u 10.9.0.1:53, -t 10.9.0.1:82, -f 7, and 5 more"},
		{"predict -t x:80 --client 192.0.2.7", "-t x:80: illegal virtual server address"},
		{"predict -t 10.9.0.1:84 --client 192.0.2.7", "has no scheduler: nobody gets its connections"},
		{predict + "--client 192.0.2.7 --rules nosuch", "open nosuch: file does not exist"},
		{predict + "--client 192.0.2.7 --rules broken", "broken: line 2: "},
		{predict + "--client 192.0.2.7 --rules strange", `no kernel has a scheduler "wlcx"; the nearest name is wlc`},
		{predict + "--client 192.0.2.7 --rules empty", "no service -t 10.9.0.1:80 in the table, which has nothing"},
		{predict + "--client 192.0.2.7 --rules emptied", "which has nothing"},
		{predict + "--client 192.0.2.7 --rules removed", "no service -t 10.9.0.1:80"},
		{predict + "--client 192.0.2.7 --rules twice", "server 10.0.0.1:80: server is there already"},
		{predict + "--client 192.0.2.7 --kernel six", `--kernel "six" is not a version`},

		{simulate + "--connections 5", "how many clients? Give --clients N"},
		{simulate + "--clients 5", "how many connections? Give --connections N"},
		{simulate + "--clients 0 --connections 5", "want a whole number from 1 to 10000000"},
		{simulate + "--clients -3 --connections 5", "want a whole number from 1 to 10000000"},
		{simulate + "--clients 3 --connections 5000000000", "want a whole number from 1 to 20000000"},
		{simulate + "--clients 3 --connections 5 --rate 0", "want a whole number from 1 to 1000000000"},
		{simulate + "--clients 3 --connections 5 --seed -1", "invalid argument \"-1\" for \"--seed\""},
		{simulate + "--clients 3 --connections 5 --duration soon", `duration "soon": want TIME, exp:TIME`},
		{simulate + "--clients 3 --connections 5 --sched wl", `no kernel has a scheduler "wl"; the nearest name is wlc`},
		{simulate + "--clients 3 --connections 5 --sched rr,sh-port", `flag "sh-port": flag of another scheduler; rr takes flag-1, flag-2, flag-3`},
		{simulate + "--clients 3 --connections 5 --sched mh,frob", `flag "frob": no such scheduler flag; mh takes mh-fallback, mh-port, flag-3`},
		{simulate + "--clients 3 --connections 5 --sched mh,wlc", "--sched mh,wlc: wlc is a scheduler, not a flag of mh: to compare them give --sched mh --sched wlc"},
		{simulate + "--clients 3 --connections 5 --remove 10.0.0.9:80", "--remove: server 10.0.0.9:80: no such server"},
		{simulate + "--clients 3 --connections 5 --remove x", "--remove x: illegal real server address"},
		{simulate + "--clients 3 --connections 5 --add 10.0.0.1:80", "--add: server 10.0.0.1:80: server is there already"},
		{simulate + "--clients 3 --connections 5 --add 10.0.0.9:80,-1", "--add 10.0.0.9:80: illegal weight"},
		{simulate + "--clients 3 --connections 5 --add 10.0.0.9:80,", "illegal weight"},
		{simulate + "--clients 3 --connections 5 --destinations 4", "--destinations is for services by firewall mark"},
		{simulate + "--clients 3 --connections 5 more", "unexpected argument more"},
		{"simulate -t 10.9.0.1:83 --clients 3 --connections 5", "-t 10.9.0.1:83 has no real server"},
		{"simulate -t 10.9.0.1:84 --clients 3 --connections 5", "has no scheduler"},
		{"simulate --clients 3 --connections 5", "which service?"},
	}
	for _, tt := range tests {
		w := newWorld(t, shop)
		w.files["broken"] = "-A -t 10.9.0.1:80\n-a -t 10.9.0.1:80 -w 1\n"
		w.files["strange"] = "-A -t 10.9.0.1:80 -s wlcx\n"
		w.files["empty"] = "\n# nothing\n"
		w.files["emptied"] = shop + "-C\n"
		w.files["removed"] = shop + "-D -t 10.9.0.1:80\n"
		w.files["twice"] = shop + "-a -t 10.9.0.1:80 -r 10.0.0.1:80 -m\n"
		out, complaint, code := w.run(strings.Fields(tt.line)...)
		if code != 2 || out != "" || !strings.Contains(complaint, tt.want) || !strings.HasPrefix(complaint, "ipvsadm sched") {
			t.Errorf("%s: exit code %d, printed %q, said %q; want %q", tt.line, code, out, complaint, tt.want)
		}
	}
}

// TestWhereHelpIsAdvised: the help explains the command line, not why the table
// lacks a service.
func TestWhereHelpIsAdvised(t *testing.T) {
	const predict = "predict -t 10.9.0.1:80 --client 192.0.2.7 "
	for line, advised := range map[string]bool{
		"predikt":                                   true,
		"wlc mh":                                    true,
		"--frob":                                    true,
		predict + "more":                            true,
		predict + "--next x":                        true,
		predict + "--frob":                          true,
		"predict --client 192.0.2.7":                true,
		"simulate -t 10.9.0.1:80 --clients 5":       true,
		predict + "--rules nosuch":                  false,
		predict + "--rules broken":                  false,
		"predict -t 10.9.0.9:80 --client 192.0.2.7": false,
		"simulate -t 10.9.0.1:83 --clients 3 --connections 5":                false,
		"simulate -t 10.9.0.1:80 --clients 3 --connections 5 --sched mh,wlc": false,
	} {
		w := newWorld(t, shop)
		w.files["broken"] = "-A -t 10.9.0.1:80\n-a -t 10.9.0.1:80 -w 1\n"
		_, complaint, code := w.run(strings.Fields(line)...)
		if code != exitUsage || strings.Contains(complaint, "--help' for more information") != advised {
			t.Errorf("%s: exit code %d, help advised should be %t: %q", line, code, advised, complaint)
		}
	}
}

func TestKernelsThatCannotBeRead(t *testing.T) {
	const line = "predict -t 10.9.0.1:82 --client 192.0.2.7"
	for _, tt := range []struct {
		spoil func(*world)
		code  int
		want  string
	}{
		{func(w *world) { w.openError = &ipvs.OpError{Request: ipvs.ReqGetInfo, Err: syscall.EPERM} }, 2, "is for root only; --rules FILE takes a saved one"},
		{func(w *world) { w.openError = &ipvs.OpError{Request: ipvs.ReqGetInfo, Err: syscall.ENOPROTOOPT} }, 2, "no IPVS in this kernel"},
		{func(w *world) { w.kernel = brokenKernel{} }, 1, "gone"},
		{func(w *world) { w.connections = "-" }, 1, "permission denied"},
		{func(w *world) { w.connections = "TCP x\n" }, 1, "connection table, line 2"},
	} {
		w := newWorld(t, shop)
		tt.spoil(w)
		out, complaint, code := w.run(strings.Fields(line)...)
		if code != tt.code || out != "" || !strings.Contains(complaint, tt.want) {
			t.Errorf("exit code %d, printed %q, said %q; want %d, %q", code, out, complaint, tt.code, tt.want)
		}
	}
}

// brokenKernel is one whose table cannot be read.
type brokenKernel struct{ rules.Kernel }

func (brokenKernel) Table(ipvs.Query) ([]ipvs.Entry, error) { return nil, errors.New("gone") }

// TestOutputThatCannotBeWritten ends with exit code 1.
func TestOutputThatCannotBeWritten(t *testing.T) {
	var complaints strings.Builder
	code := Main(Env{Stdout: fullDisk{}, Stderr: &complaints, Root: modules()}, nil)
	if code != 1 || !strings.Contains(complaints.String(), "disk full") {
		t.Errorf("exit code %d, %q", code, complaints.String())
	}
}

type fullDisk struct{}

func (fullDisk) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestNearest(t *testing.T) {
	for word, want := range map[string]string{"": "rr", "round": "rr", "wlcr": "wlc", "maglev": "mh", "ovff": "ovf", "tows": "twos", "never": "sed"} {
		if got := nearest(word); distance(word, got) > distance(word, want) {
			t.Errorf("nearest to %q is %s (%d), though %s has %d", word, got, distance(word, got), want, distance(word, want))
		}
	}
	for _, tt := range []struct {
		a, b string
		want int
	}{{"", "", 0}, {"abc", "", 3}, {"", "abc", 3}, {"abc", "abc", 0}, {"abc", "axc", 1}, {"abc", "ab", 1}, {"kitten", "sitting", 3}} {
		if got := distance(tt.a, tt.b); got != tt.want {
			t.Errorf("from %q to %q it is %d changes, want %d", tt.a, tt.b, got, tt.want)
		}
	}
}
