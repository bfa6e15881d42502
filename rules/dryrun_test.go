package rules

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

func TestDryRun(t *testing.T) {
	const daemon = "--start-daemon backup --mcast-interface lo --syncid 3\n"
	for _, tt := range []struct {
		name, args, stdin string
		code              int
		stdout, stderr    string
	}{
		{name: "add a service", args: "-A -t 10.0.0.3:80 -s rr -p", code: 3,
			stdout: "-A -t 10.0.0.3:80 -s rr -p 360  # add\n"},
		{name: "one that is there", args: "-A -t 10.0.0.1:80", code: 255, stderr: "Service already exists\n"},
		{name: "edit a service", args: "-E -t 10.0.0.2:80 -s sh -b sh-port", code: 3,
			stdout: "-E -t 10.0.0.2:80 -s sh -b sh-port  # change: -s rr -p 300 -> -s sh -b sh-port\n"},
		{name: "to what it is", args: "-E -t 10.0.0.2:80 -s rr -p 300"},
		{name: "one that is not there", args: "-E -t 10.0.0.3:80", code: 255, stderr: "No such service\n"},
		{name: "delete a service", args: "-D -t 10.0.0.1:80", code: 3,
			stdout: "-D -t 10.0.0.1:80  # delete: was -s wlc, with 2 servers\n"},
		{name: "delete everything", args: "-C", code: 3,
			stdout: "-C  # delete: 2 services, 3 servers\n"},
		{name: "add a server", args: "-a -t 10.0.0.2:80 -r 192.168.0.9 -m -w 3 -x 5", code: 3,
			stdout: "-a -t 10.0.0.2:80 -r 192.168.0.9:80 -m -w 3 -x 5  # add\n"},
		{name: "one that is there as well", args: "-a -t 10.0.0.2:80 -r 192.168.0.1", code: 255, stderr: "Destination already exists\n"},
		{name: "edit a server", args: "-e -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 7", code: 3,
			stdout: "-e -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 7  # change: -w 2 -> -w 7\n"},
		{name: "give it a threshold", args: "-e -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 2 -x 9", code: 3,
			stdout: "-e -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 2 -x 9  # change: now -x 9\n"},
		{name: "change nothing", args: "-e -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 2"},
		{name: "with a range the kernel refuses", args: "-e -t 10.0.0.1:80 -r 192.168.0.2:80 -y 2", code: 255, stderr: "Numerical result out of range\n"},
		{name: "delete a server", args: "-d -t 10.0.0.1:80 -r 192.168.0.2:80", code: 3,
			stdout: "-d -t 10.0.0.1:80 -r 192.168.0.2:80  # delete: was -m -w 2\n"},
		{name: "of no service", args: "-d -t 10.0.0.9:80 -r 192.168.0.2:80", code: 255, stderr: "Service not defined\n"},
		{name: "zero all", args: "-Z", code: 3, stdout: "-Z  # change: all counters to 0\n"},
		{name: "zero one that counted nothing", args: "-Z -t 10.0.0.2:80"},
		{name: "zero one", args: "-Z -t 10.0.0.1:80", code: 3, stdout: "-Z -t 10.0.0.1:80  # change: its counters to 0\n"},
		{name: "timeouts", args: "--set 0 0 7", code: 3, stdout: "--set 0 0 7  # change: was 900 120 300\n"},
		{name: "the same timeouts", args: "--set 900 0 300"},
		{name: "start a daemon", args: "--start-daemon master --mcast-interface lo --syncid 4", code: 3,
			stdout: "--start-daemon master --mcast-interface lo --syncid 4  # add\n"},
		{name: "one that runs", args: "--start-daemon backup --mcast-interface lo", code: 255, stderr: "Daemon has already run\n"},
		{name: "stop a daemon", args: "--stop-daemon backup", code: 3,
			stdout: "--stop-daemon backup  # delete: was backup --mcast-interface lo --syncid 3 --sync-maxlen 65507 --mcast-group 224.0.0.81 --mcast-port 8848 --mcast-ttl 1\n"},
		{name: "one that does not run", args: "--stop-daemon master", code: 255, stderr: "No daemon is running\n"},
		{name: "drain and delete", args: "-d -t 10.0.0.1:80 -r 192.168.0.2:80 --drain", code: 3, stdout: "" +
			"-e -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 0  # change: -w 2 -> -w 0\n" +
			"-d -t 10.0.0.1:80 -r 192.168.0.2:80          # delete: was -m -w 0\n"},
		{name: "drain nothing", args: "-e -t 10.0.0.1:80 -r 192.168.0.9:80 --drain", code: 255, stderr: "No such destination\n"},
		{name: "a stream", args: "-R", stdin: "-A -f 1 -s rr\n-L -n\n-a -f 1 -r 192.168.0.1\n-A -f 1\n-D -f 1\n-C\n", code: 3, stderr: "Service already exists\n", stdout: "" +
			"-A -f 1 -s rr                     # add\n" +
			"-a -f 1 -r 192.168.0.1:0 -g -w 1  # add\n" +
			"-D -f 1                           # delete: was -s rr, with 1 server\n" +
			"-C                                # delete: 2 services, 3 servers\n"},
		{name: "a stream that ends badly", args: "-R", stdin: "-A -f 1 -s rr\n-A -f 0\n", code: 2, stderr: "invalid fwmark value `0' specified\n", stdout: "" +
			"-A -f 1 -s rr  # add\n"},
		{name: "replace", args: "-R --replace", stdin: strings.Replace(webTable, "-w 2", "-w 7", 1)[:strings.Index(webTable, "-A -t 10.0.0.2")] + "-A -f 1 -s rr\n", code: 3, stdout: "" +
			"-A -f 1 -s rr                                # add\n" +
			"-e -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 7  # change: -w 2 -> -w 7\n" +
			"-D -t 10.0.0.2:80                            # delete: was -s rr -p 300, with 1 server\n"},
		{name: "replace by the same", args: "-R --replace", stdin: webTable},
		{name: "replace badly", args: "-R --replace", stdin: "-A -f 0\n", code: 2, stderr: "line 1: invalid fwmark value `0' specified\nNothing was changed\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := filled(t, webTable+daemon)
			k.SetStats(key(ipvs.TCP, "10.0.0.1:80"), ipvs.Stats{Conns: 5})
			args := append([]string{"ipvsadm"}, strings.Fields(tt.args+" --dry-run")...)
			code, stdout, stderr := ipvsadm(k, tt.stdin, args...)
			if code != tt.code || stdout != tt.stdout || stderr != tt.stderr {
				t.Errorf("exit code %d, stdout\n%s\nstderr %q\nwant %d,\n%s\n%q", code, stdout, stderr, tt.code, tt.stdout, tt.stderr)
			}
			if len(k.ops) > 0 {
				t.Errorf("the kernel heard %q", k.heard())
			}
		})
	}
}

// What there is to zero is what a listing shows: services that counted something.
func TestDryRunOfZero(t *testing.T) {
	counted := ipvs.Stats{Conns: 5}
	for _, tt := range []struct {
		name, table string
		stats       ipvs.Stats
		code        int
	}{
		{"an empty table", "", ipvs.Stats{}, exitOK},
		{"nothing was counted", webTable, ipvs.Stats{}, exitOK},
		{"one service counted", webTable, counted, exitWouldChange},
	} {
		k := filled(t, tt.table)
		if tt.table != "" {
			k.SetStats(key(ipvs.TCP, "10.0.0.1:80"), tt.stats)
		}
		code, stdout, stderr := ipvsadm(k, "", "ipvsadm", "-Z", "--dry-run")
		if code != tt.code || (stdout != "") != (tt.code == exitWouldChange) || stderr != "" {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", tt.name, code, stdout, stderr)
		}
	}
	k := filled(t, webTable)
	k.SetStats(key(ipvs.TCP, "10.0.0.1:80"), counted)
	if code, stdout, _ := ipvsadm(k, "-D -t 10.0.0.1:80\n-Z\n", "ipvsadm", "-R", "--dry-run"); code != exitWouldChange || strings.Contains(stdout, "-Z") {
		t.Errorf("the one that counted is gone: exit code %d, stdout %q", code, stdout)
	}
}

func TestDryRunOfTheRestoreScript(t *testing.T) {
	k := filled(t, webTable)
	code, stdout, stderr := ipvsadm(k, "-A -t 10.0.0.1:80\n", "ipvsadm-restore", "--dry-run")
	want := "-C                        # delete: 2 services, 3 servers\n" +
		"-A -t 10.0.0.1:80 -s wlc  # add\n"
	if code != 3 || stdout != want || stderr != "" || len(k.ops) > 0 {
		t.Errorf("exit code %d, stderr %q, the kernel heard %q, stdout\n%s", code, stderr, k.heard(), stdout)
	}
}

func TestPlansAreColouredOnATerminal(t *testing.T) {
	for _, tt := range []struct {
		terminal bool
		env      map[string]string
		colored  bool
	}{
		{true, nil, true},
		{true, map[string]string{"NO_COLOR": ""}, true}, // as no-color.org has it
		{true, map[string]string{"NO_COLOR": "1"}, false},
		{true, map[string]string{"TERM": "dumb"}, false},
		{false, nil, false},
	} {
		k := filled(t, webTable)
		s, stdout, _ := newSession(k)
		s.env.Interactive = tt.terminal
		s.env.LookupEnv = func(name string) (string, bool) { v, ok := tt.env[name]; return v, ok }
		s.env.Stdin = strings.NewReader("-A -f 1 -s rr\n-A -t 10.0.0.1:80 -s rr\n")
		Main(s.env, []string{"ipvsadm", "-R", "--replace", "--dry-run"})
		text := stdout.String()
		for color, mark := range map[string]string{"\x1b[32m-A": "# add\x1b[0m", "\x1b[33m-E": "wlc -> -s rr\x1b[0m", "\x1b[31m-D": "1 server\x1b[0m"} {
			if strings.Contains(text, color) != tt.colored || strings.Contains(text, mark) != tt.colored {
				t.Errorf("%+v:\n%q", tt, text)
			}
		}
	}
}

// TestDryRunForeseesTheRealRun has random commands rehearsed on a random table:
// what they show must be what they do. The kernel's table is untouched before
// they run for real, and the lines they showed do the same as they.
func TestDryRunForeseesTheRealRun(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		old := genStream().Draw(t, "old")
		stream := genStream().Draw(t, "stream")
		command := rapid.SampledFrom([]string{"ipvsadm -R", "ipvsadm-restore", "ipvsadm -R --replace", "ipvsadm -R --replace=services"}).Draw(t, "command")

		k := &scribe{Kernel: ipvstest.New(ipvstest.Options{})}
		ipvsadm(k, old, "ipvsadm", "-R")
		before := k.String()
		k.ops = nil
		code, plan, told := ipvsadm(k, stream, strings.Fields(command+" --dry-run")...)
		if len(k.ops) > 0 || k.String() != before {
			t.Fatalf("a dry run changed something: %s", k.heard())
		}
		if (code == exitWouldChange) != (plan != "" && code != exitRejected && code != exitInvalid) {
			t.Fatalf("exit code %d, plan\n%s", code, plan)
		}

		really, _, said := ipvsadm(k, stream, strings.Fields(command)...)
		if told != said || code != really && !(code == exitWouldChange && really == exitOK) {
			t.Fatalf("rehearsed: exit code %d, %q\nreally: %d, %q", code, told, really, said)
		}
		other := &scribe{Kernel: ipvstest.New(ipvstest.Options{})}
		ipvsadm(other, old, "ipvsadm", "-R")
		if _, _, stderr := ipvsadm(other, plan, "ipvsadm", "-R"); stderr != "" || fmt.Sprint(tableOf(other)) != fmt.Sprint(tableOf(k)) {
			t.Fatalf("the plan as a stream says %q and makes\n%s\nwant\n%s\nplan\n%s", stderr, other, k, plan)
		}
	})
}

func tableOf(k Kernel) string {
	_, table, _ := ipvsadm(k, "", "ipvsadm", "-S", "-n")
	_, thresholds, _ := ipvsadm(k, "", "ipvsadm", "-L", "-n", "--thresholds")
	return table + thresholds
}
