package rules

import (
	"errors"
	"net/netip"
	"strings"
	"syscall"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

func TestKernelThatCannotBeReached(t *testing.T) {
	const missing = "Can't initialize ipvs: Protocol not available\n" +
		"Are you sure that IP Virtual Server is built in the kernel or as module?\n" +
		"Load it with `modprobe ip_vs'; without it, testdata/lab/demo of the sources shows ipvsadm at work.\n"
	const denied = "Can't initialize ipvs: Permission denied (you must be root)\n" +
		"Are you sure that IP Virtual Server is built in the kernel or as module?\n"
	for _, why := range []struct {
		errno  syscall.Errno
		stderr string
	}{{syscall.ENOPROTOOPT, missing}, {syscall.EPERM, denied}} {
		for _, line := range []string{"ipvsadm", "ipvsadm -L", "ipvsadm --bogus", "ipvsadm -A -t bad", "ipvsadm -R",
			"ipvsadm-save -n", "ipvsadm-restore"} {
			s, stdout, stderr := newSession(nil)
			s.env.Open = func() (Kernel, error) {
				return nil, &ipvs.OpError{Request: ipvs.ReqGetInfo, Err: why.errno}
			}
			code := Main(s.env, strings.Fields(line))
			if code != exitInvalid || stdout.Len() > 0 || stderr.String() != why.stderr {
				t.Errorf("%s: exit code %d, stdout %q, stderr\n%s\nwant\n%s", line, code, stdout, stderr, why.stderr)
			}
		}
	}
}

func TestNoNameIsLookedUpBeforeTheKernelIsReached(t *testing.T) {
	s, _, _ := newSession(nil)
	s.env.Open = func() (Kernel, error) { return nil, syscall.EPERM }
	book := &deafBook{phoneBook: newPhoneBook()}
	s.env.Names = book
	if code := Main(s.env, []string{"ipvsadm", "-A", "-t", "vip.example.org:http"}); code != exitInvalid || book.called {
		t.Errorf("exit code %d, names asked for: %t", code, book.called)
	}
}

// deafBook notices that it is asked.
type deafBook struct {
	*phoneBook
	called bool
}

func (d *deafBook) LookupHost(name string) (netip.Addr, error) {
	d.called = true
	return d.phoneBook.LookupHost(name)
}

// Both outputs of the program may be one; what stands where is part of it.
func TestOrderOfMessagesAndListings(t *testing.T) {
	const stream = "-L -n\n-A -t 10.0.0.1:80\n-A -t 10.0.0.1:80\n-S -n\n"
	const banner = "IP Virtual Server version 1.2.1 (size=4096)\n" +
		"Prot LocalAddress:Port Scheduler Flags\n" +
		"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n"
	const exists, saved = "Service already exists\n", "-A -t 10.0.0.1:80 -s wlc\n"
	for interactive, want := range map[bool]string{false: exists + banner + saved, true: banner + exists + saved} {
		s, stdout, _ := newSession(ipvstest.New(ipvstest.Options{}))
		s.env.Stderr = stdout
		s.env.Stdin = strings.NewReader(stream)
		s.env.Interactive = interactive
		if code := Main(s.env, []string{"ipvsadm", "-R"}); code != exitOK || stdout.String() != want {
			t.Errorf("on a terminal: %t: exit code %d, got\n%s\nwant\n%s", interactive, code, stdout, want)
		}
	}
}

func TestHelpAndVersionNeedNoKernel(t *testing.T) {
	for line, want := range map[string]string{
		"ipvsadm -v":               versionLine,
		"ipvsadm --version -L foo": versionLine,
		"/opt/foo -v":              versionLine,
		"ipvsadm -h":               versionLine + helpText(),
		"ipvsadm --help --bogus":   versionLine + helpText(),
		"/opt/x/ipvsadm -hq":       versionLine + helpText(),
	} {
		s, stdout, stderr := newSession(nil)
		s.env.Open = func() (Kernel, error) { return nil, errors.New("the kernel was asked for") }
		if code := Main(s.env, strings.Fields(line)); code != exitOK || stdout.String() != want || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, stdout\n%s\nstderr %q", line, code, stdout, stderr)
		}
	}
}

func TestExitCodes(t *testing.T) {
	tests := []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"ipvsadm -A -t 10.0.0.1:81 -s rr", 0, "", ""},
		{"ipvsadm -A -t 10.0.0.1:80", 255, "", "Service already exists\n"},
		{"ipvsadm -A -t 10.0.0.1:80 -w 1", 2, "", "Illegal 'weight' option with the 'add-service' command\n"},
		{"ipvsadm -A -q", 255, "", "-q: unknown option\n"},
		{"/sbin/ipvsadm -q", 255, "", "Try `/sbin/ipvsadm -h' or '/sbin/ipvsadm --help' for more information.\n"},
		{"ipvsadm -L -t 10.0.0.9:80", 1, "", "No such service\n"},
		{"ipvsadm -L --timeout", 0, "Timeout (tcp tcpfin udp): 900 120 300\n", ""},
		{"ipvsadm -L --daemon", 0, "", ""},
		{"ipvsadm -Sn", 0, "-A -t 10.0.0.1:80 -s wlc\n", ""},
		{"ipvsadm -C", 0, "", ""},
		{"ipvsadm -Z -f 5", 255, "", "No such service\n"},
		{"ipvsadm -R", 0, "", ""},
	}
	for _, tt := range tests {
		k := ipvstest.New(ipvstest.Options{})
		ipvsadm(k, "", "ipvsadm", "-A", "-t", "10.0.0.1:80")
		code, stdout, stderr := ipvsadm(k, "", strings.Fields(tt.args)...)
		if code != tt.code || stdout != tt.stdout || stderr != tt.stderr {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q, want %d, %q, %q", tt.args, code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
		}
	}
}

func TestNoArgumentsListTheTableByName(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{})
	ipvsadm(k, "", "ipvsadm", "-A", "-t", "10.0.0.1:80")
	want := "IP Virtual Server version 1.2.1 (size=4096)\n" +
		"Prot LocalAddress:Port Scheduler Flags\n" +
		"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n" +
		"TCP  vip.example.org:http wlc\n"
	for _, args := range [][]string{{"ipvsadm"}, {}} {
		if code, stdout, stderr := ipvsadm(k, "", args...); code != exitOK || stdout != want || stderr != "" {
			t.Errorf("%q: exit code %d, stdout\n%s\nstderr %q", args, code, stdout, stderr)
		}
	}
}
