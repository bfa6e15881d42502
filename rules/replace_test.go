package rules

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"syscall"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// scribe is a kernel in memory that writes down what it was told.
type scribe struct {
	*ipvstest.Kernel
	ops []ipvs.Op
	// after is called with every change that was carried out.
	after   func(ipvs.Op)
	failing int // so many readings of the table to come
}

func (s *scribe) Do(ops ...ipvs.Op) []error {
	errs := make([]error, len(ops))
	failed := false
	for i, op := range ops {
		s.ops = append(s.ops, op)
		if e := s.Kernel.Do(op); e != nil {
			errs[i], failed = e[0], true
		}
		if s.after != nil {
			s.after(op)
		}
	}
	if !failed {
		return nil
	}
	return errs
}

func (s *scribe) Table(q ipvs.Query) ([]ipvs.Entry, error) {
	if s.failing > 0 {
		s.failing--
		return nil, &ipvs.OpError{Request: ipvs.ReqGetService, Err: syscall.ENOMEM}
	}
	return s.Kernel.Table(q)
}

// heard returns the kinds of what was told.
func (s *scribe) heard() string {
	var words []string
	for _, op := range s.ops {
		words = append(words, strings.TrimPrefix(fmt.Sprintf("%T", op), "ipvs."))
	}
	return strings.Join(words, " ")
}

// filled returns a kernel with a table.
func filled(t testing.TB, stream string) *scribe {
	t.Helper()
	k := &scribe{Kernel: ipvstest.New(ipvstest.Options{})}
	if code, _, stderr := ipvsadm(k, stream, "ipvsadm", "-R"); code != 0 || stderr != "" {
		t.Fatalf("exit code %d, stderr %s", code, stderr)
	}
	k.ops = nil
	return k
}

const webTable = `-A -t 10.0.0.1:80 -s wlc
-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1
-a -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 2
-A -t 10.0.0.2:80 -s rr -p 300
-a -t 10.0.0.2:80 -r 192.168.0.1:80 -m -w 1
`

func TestReplace(t *testing.T) {
	for _, tt := range []struct {
		name, stream string
		args         string
		heard        string
		table        string // sorted as -S does; "" for webTable
	}{
		{name: "the same", stream: webTable},
		{name: "the same, otherwise said", stream: "# saved\n-C\n-A -t 10.0.0.2:80 -s wrr\n-E -t 10.0.0.2:80 -s rr -p 300\n" +
			"-a -t 10.0.0.2:80 -r 192.168.0.1:80 -m\n-a -t 10.0.0.2:80 -r 192.168.0.9:80 -m\n-d -t 10.0.0.2:80 -r 192.168.0.9:80\n" +
			"-A -t 10.0.0.9:80\n-D -t 10.0.0.9:80\n" + webTable[:strings.Index(webTable, "-A -t 10.0.0.2")]},
		{name: "a weight", stream: strings.Replace(webTable, "-w 2", "-w 7", 1), heard: "EditDestination",
			table: strings.Replace(webTable, "-w 2", "-w 7", 1)},
		{name: "a threshold", stream: strings.Replace(webTable, "-w 2", "-w 2 -x 9 -y 3", 1), heard: "EditDestination", table: webTable},
		{name: "a scheduler and a persistence", stream: strings.Replace(webTable, "-s rr -p 300", "-s sh -b sh-port", 1), heard: "EditService",
			table: strings.Replace(webTable, "-s rr -p 300", "-s sh -b sh-port", 1)},
		{name: "a method", stream: strings.Replace(webTable, "-m -w 2", "-i -w 2", 1), heard: "EditDestination",
			table: strings.Replace(webTable, "-m -w 2", "-i -w 2 --tun-type ipip", 1)},
		{name: "add, edit, delete in this order",
			stream: "-A -f 5 -s rr\n-a -f 5 -r 192.168.0.5:0 -g -w 1\n-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 4\n",
			heard:  "AddService AddDestination EditService EditDestination DeleteDestination DeleteService",
			table:  "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 4\n-A -f 5 -s rr\n-a -f 5 -r 192.168.0.5:0 -g -w 1\n"},
		{name: "nothing, on purpose", stream: "-C\n", heard: "DeleteService DeleteService", table: "-"},
		{name: "named services only", args: "--replace=services",
			stream: "-A -t 10.0.0.1:80 -s wlc\n-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1\n",
			heard:  "DeleteDestination", table: strings.Replace(webTable, "-a -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 2\n", "", 1)},
		{name: "a named service that is to go", args: "--replace=services", stream: "-A -t 10.0.0.1:80\n-D -t 10.0.0.1:80\n",
			heard: "DeleteService", table: webTable[strings.Index(webTable, "-A -t 10.0.0.2"):]},
		{name: "nothing of named services", args: "--replace=services", stream: ""},
		{name: "timeouts and a daemon as well", stream: webTable + "--set 0 0 7\n--start-daemon backup --mcast-interface lo\n",
			heard: "SetTimeouts StartDaemon"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, program := range []string{"ipvsadm -R", "/sbin/ipvsadm-restore"} {
				k := filled(t, webTable)
				if tt.args == "" {
					tt.args = "--replace"
				}
				code, stdout, stderr := ipvsadm(k, tt.stream, strings.Fields(program+" "+tt.args)...)
				if code != exitOK || stdout+stderr != "" {
					t.Errorf("exit code %d, stdout %q, stderr %q", code, stdout, stderr)
				}
				if k.heard() != tt.heard {
					t.Errorf("the kernel heard %q, want %q", k.heard(), tt.heard)
				}
				want := strings.TrimPrefix(tt.table, "-\n")
				switch tt.table {
				case "":
					want = webTable
				case "-":
					want = ""
				}
				if _, table, _ := ipvsadm(k, "", "ipvsadm", "-S", "-n"); table != want {
					t.Errorf("table\n%s\nwant\n%s", table, want)
				}
				k.ops = nil
				if ipvsadm(k, tt.stream, strings.Fields(program+" "+tt.args)...); len(k.ops) > 0 {
					t.Errorf("the second time the kernel heard %q", k.heard())
				}
			}
		})
	}
}

func TestReplaceReportsEveryBadLineAndChangesNothing(t *testing.T) {
	const nothing = "Nothing was changed\n"
	for _, tt := range []struct{ name, stream, stderr string }{
		{"what the parser refuses", "-A -t 10.0.0.1:99999 -s rr\n\n# x\n-A -t 10.0.0.2:80 --bogus\n-A -f 1 -6 -6 -w 3\nfoo\n-A -6\n",
			"line 1: illegal virtual server address[:port] specified\n" +
				"line 4: --bogus: unknown option\n" +
				"line 5: Illegal 'weight' option with the 'add-service' command\n" +
				"line 6: no command at its beginning: foo\n" +
				"line 7: -6 used before -f\n"},
		{"what a kernel would refuse", "-A -f 1\n-A -f 1\n-E -f 2\n-D -f 3\n-a -f 4 -r 10.0.0.2\n-a -f 1 -r 10.0.0.2\n-a -f 1 -r 10.0.0.2\n" +
			"-e -f 1 -r 10.0.0.3\n-d -f 1 -r 10.0.0.3\n-e -f 1 -r 10.0.0.2 -x 5 -y 10\n-a -f 1 -r 10.0.0.4 -y 3\n",
			"line 2: Service already exists: line 1 adds it\n" +
				"line 3: No such service\n" +
				"line 4: No such service\n" +
				"line 5: Service not defined\n" +
				"line 7: Destination already exists: line 6 adds it\n" +
				"line 8: No such destination\n" +
				"line 9: No such destination\n" +
				"line 10: the lower threshold must not exceed the upper: -y 10 is more than -x 5; raise -x or lower -y\n" +
				"line 11: the lower threshold must not exceed the upper: -y 3 is more than -x 0; raise -x or lower -y\n"},
		{"servers of a bad service are not bad", "-A -t 10.0.0.1:80 -w 1\n-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m\n",
			"line 1: Illegal 'weight' option with the 'add-service' command\n"},
		{"what does not say how the table is to be", "-A -f 1\n-L\n-S -n\n-Z\n-h\n",
			"line 2: The 'list' command has no place in a stream that replaces the table\n" +
				"line 3: The 'save' command has no place in a stream that replaces the table\n" +
				"line 4: The 'zero' command has no place in a stream that replaces the table\n" +
				"line 5: The 'help' command has no place in a stream that replaces the table\n"},
		{"JSON", "# saved\n{\"version\":\"1.2.1\",\"services\":[\n]}\n", "line 2: this is JSON: --json reads it\n"},
		{"a daemon twice", "--start-daemon master --mcast-interface lo\n--start-daemon master --mcast-interface lo\n",
			"line 2: Daemon has already run\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := filled(t, webTable)
			code, stdout, stderr := ipvsadm(k, tt.stream, "ipvsadm", "-R", "--replace")
			if code != exitInvalid || stdout != "" || stderr != tt.stderr+nothing {
				t.Errorf("exit code %d, stdout %q, stderr\n%swant\n%s", code, stdout, stderr, tt.stderr+nothing)
			}
			if len(k.ops) > 0 {
				t.Errorf("the kernel heard %q", k.heard())
			}
		})
	}
}

// brokenPipe is a standard input that ends in the middle.
type brokenPipe struct{ text io.Reader }

func (b brokenPipe) Read(p []byte) (int, error) {
	if n, err := b.text.Read(p); err == nil {
		return n, nil
	}
	return 0, errors.New("broken")
}

func TestReplaceDoesNotTakeTheEndOfAStreamForItsWhole(t *testing.T) {
	for _, program := range []string{"ipvsadm -R", "ipvsadm-restore"} {
		k := filled(t, webTable)
		s, _, stderr := newSession(k)
		s.env.Stdin = brokenPipe{strings.NewReader("-A -f 1\n")}
		if code := Main(s.env, strings.Fields(program+" --replace")); code != exitInvalid || len(k.ops) > 0 {
			t.Errorf("%s: exit code %d, the kernel heard %q", program, code, k.heard())
		}
		if want := "cannot read on: broken\nNothing was changed\n"; !strings.HasSuffix(stderr.String(), want) {
			t.Errorf("%s: stderr %q", program, stderr)
		}
	}
	for _, stream := range []string{"", "# nothing\n\n"} {
		k := filled(t, webTable)
		code, _, stderr := ipvsadm(k, stream, "ipvsadm", "-R", "--replace")
		if code != exitInvalid || len(k.ops) > 0 || !strings.HasPrefix(stderr, "The stream is empty, the table is not") {
			t.Errorf("%q: exit code %d, stderr %q, the kernel heard %q", stream, code, stderr, k.heard())
		}
		k = filled(t, "")
		if code, _, stderr := ipvsadm(k, stream, "ipvsadm", "-R", "--replace"); code != exitOK || stderr != "" {
			t.Errorf("%q on an empty table: exit code %d, stderr %q", stream, code, stderr)
		}
	}
}

func TestReplaceSaysWhichLineTheKernelRefused(t *testing.T) {
	for _, tt := range []struct{ name, stream, stderr string }{
		{"a scheduler, but not its servers", "# a\n-A -f 1 -s nosuch\n-a -f 1 -r 192.168.0.1\n", "line 2: Scheduler or persistence engine not found: -s nosuch\n"},
		{"a server", "-A -f 1 -s rr\n-a -f 1 -r 192.168.0.1\n-a -f 1 -r 224.0.0.1\n",
			"line 3: Invalid operation.  Possibly wrong module version, address not unicast, ...\n"},
		{"an edit", "-A -t 10.0.0.2:80 -s rr\n-E -t 10.0.0.2:80 -s nosuch\n", "line 2: Scheduler or persistence engine not found: -s nosuch\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			k := filled(t, webTable)
			code, _, stderr := ipvsadm(k, tt.stream, "ipvsadm", "-R", "--replace")
			if want := tt.stderr + "Nothing was deleted\n"; code != exitRejected || stderr != want {
				t.Errorf("exit code %d, stderr\n%swant\n%s", code, stderr, want)
			}
			if strings.Contains(k.heard(), "Delete") {
				t.Errorf("the kernel heard %q", k.heard())
			}
		})
	}
}

// TestReplaceRepairsWhatOthersDoMeanwhile has somebody undo or forestall a
// change at the moment it is made.
func TestReplaceRepairsWhatOthersDoMeanwhile(t *testing.T) {
	wanted := strings.Replace(webTable, "-w 2", "-w 7", 1) + "-A -f 5 -s rr\n-a -f 5 -r 192.168.0.5:0 -g -w 1\n"
	for name, meddle := range map[string]func(k *ipvstest.Kernel){
		"adds what is about to be added": func(k *ipvstest.Kernel) {
			k.Do(ipvs.AddService{Service: ipvs.Service{ServiceKey: fwmark(ipvs.IPv4, 5), Scheduler: "wlc", Netmask: 0xffffffff}})
		},
		"deletes what was kept": func(k *ipvstest.Kernel) { k.Do(ipvs.DeleteService{Service: key(ipvs.TCP, "10.0.0.2:80")}) },
		"empties the table":     func(k *ipvstest.Kernel) { k.Do(ipvs.Flush{}) },
		"adds what nobody wants": func(k *ipvstest.Kernel) {
			k.Do(ipvs.AddService{Service: ipvs.Service{ServiceKey: fwmark(ipvs.IPv4, 6), Scheduler: "rr", Netmask: 0xffffffff}})
		},
	} {
		for at := range 3 {
			k := filled(t, webTable)
			done := 0
			k.after = func(ipvs.Op) {
				if done++; done == at+1 {
					meddle(k.Kernel)
				}
			}
			code, _, stderr := ipvsadm(k, wanted, "ipvsadm", "-R", "--replace")
			if _, table, _ := ipvsadm(k, "", "ipvsadm", "-S", "-n"); code != exitOK || stderr != "" || table != wanted {
				t.Errorf("somebody %s after change %d: exit code %d, stderr %q, table\n%s", name, at, code, stderr, table)
			}
		}
	}
}

func TestReplaceGivesUpWhenOthersDoNot(t *testing.T) {
	k := filled(t, webTable)
	k.after = func(op ipvs.Op) {
		if _, ok := op.(ipvs.EditDestination); ok {
			ipvsadm(k.Kernel, "-e -t 10.0.0.1:80 -r 192.168.0.2:80 -m -w 3\n", "ipvsadm", "-R")
		}
	}
	code, _, stderr := ipvsadm(k, strings.Replace(webTable, "-w 2", "-w 7", 1), "ipvsadm", "-R", "--replace")
	if code != exitRejected || stderr != "Somebody else keeps changing the table: 1 change to go\n" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
	if n := len(slices.DeleteFunc(k.ops, func(op ipvs.Op) bool { _, ok := op.(ipvs.EditDestination); return !ok })); n != replaceRounds {
		t.Errorf("tried %d times", n)
	}
}

func TestReplaceNamesDeletionsThatTheKernelRefuses(t *testing.T) {
	refusing := ipvstest.New(ipvstest.Options{Before: func(r ipvs.Request) error {
		if r == ipvs.ReqDelService || r == ipvs.ReqDelDest {
			return syscall.EPERM
		}
		return nil
	}})
	ipvsadm(refusing, webTable, "ipvsadm", "-R")
	code, _, stderr := ipvsadm(refusing, "-A -t 10.0.0.1:80 -s wlc\n-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m\n", "ipvsadm", "-R", "--replace")
	want := "-d -t 10.0.0.1:80 -r 192.168.0.2:80: Permission denied (you must be root)\n" +
		"-D -t 10.0.0.2:80: Permission denied (you must be root)\n"
	if code != exitRejected || stderr != want {
		t.Errorf("exit code %d, stderr\n%swant\n%s", code, stderr, want)
	}
}

func TestReplaceThatCannotReadTheTable(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{Before: ipvstest.FailNth(ipvs.ReqGetService, 1, syscall.ENOMEM)})
	if code, _, stderr := ipvsadm(k, webTable, "ipvsadm", "-R", "--replace"); code != exitListing || stderr != "Memory allocation problem\n" {
		t.Errorf("exit code %d, stderr %q", code, stderr)
	}
}

func TestReplaceByJSON(t *testing.T) {
	k := filled(t, webTable+"-e -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1 -x 9 -y 3\n")
	_, saved, _ := ipvsadm(k, "", "ipvsadm", "-L", "--json")
	for _, program := range []string{"ipvsadm -R", "ipvsadm-restore"} {
		args := strings.Fields(program + " --json --replace")
		if code, _, stderr := ipvsadm(k, saved, args...); code != exitOK || stderr != "" || len(k.ops) > 0 {
			t.Errorf("%s: exit code %d, stderr %q, the kernel heard %q", program, code, stderr, k.heard())
		}
		other := filled(t, "-A -f 1\n-A -t 10.0.0.1:80 -s rr\n")
		code, _, stderr := ipvsadm(other, saved, args...)
		if code != exitOK || stderr != "" || tableOf(other) != tableOf(k) {
			t.Errorf("%s: exit code %d, stderr %q, table\n%s", program, code, stderr, tableOf(other))
		}
		if want := "AddDestination AddDestination AddService AddDestination EditService DeleteService"; other.heard() != want {
			t.Errorf("%s: the kernel heard %q, want %q", program, other.heard(), want)
		}
	}
	twice := strings.Replace(saved, "10.0.0.2", "10.0.0.1", 1)
	code, _, stderr := ipvsadm(k, twice, "ipvsadm", "-R", "--json", "--replace")
	if code != exitInvalid || len(k.ops) > 0 || !strings.HasSuffix(stderr, "Nothing was changed\n") || !strings.Contains(stderr, "services[1]: is the same as services[0]") {
		t.Errorf("a service twice: exit code %d, stderr %q, the kernel heard %q", code, stderr, k.heard())
	}
	for stream, want := range map[string]string{
		"# saved\n" + webTable: "line 1, column 1: this is no JSON, but what is read without --json\n",
		webTable:               "line 1, column 1: this is no JSON, but what is read without --json\n",
		" \n":                  "line 2, column 1: the document is empty\n",
	} {
		if code, _, stderr := ipvsadm(k, stream, "ipvsadm", "-R", "--json", "--replace"); code != exitInvalid || stderr != want+"Nothing was changed\n" || len(k.ops) > 0 {
			t.Errorf("%q: exit code %d, stderr %q, the kernel heard %q", stream, code, stderr, k.heard())
		}
	}
	code, _, stderr = ipvsadm(k, strings.Replace(saved, `"u_thresh":9,"l_thresh":3`, `"u_thresh":3,"l_thresh":9`, 1), "ipvsadm", "-R", "--json", "--replace")
	if !strings.HasSuffix(stderr, "services[0].destinations[0].l_thresh: is above u_thresh, which is 3\nNothing was changed\n") || code != exitInvalid || len(k.ops) > 0 {
		t.Errorf("thresholds the wrong way round: exit code %d, stderr %q", code, stderr)
	}
	if code, _, stderr := ipvsadm(k, strings.Replace(saved, `"rr"`, `"nosuch"`, 1), "ipvsadm", "-R", "--json", "--replace"); code != exitRejected ||
		stderr != "services[1]: Scheduler or persistence engine not found: -s nosuch\nNothing was deleted\n" {
		t.Errorf("a scheduler that is not there: exit code %d, stderr %q", code, stderr)
	}
	fresh := filled(t, "-A -f 1\n")
	if code, _, stderr := ipvsadm(fresh, saved, "ipvsadm-restore", "--json"); code != exitOK || stderr != "" || tableOf(fresh) != tableOf(k) {
		t.Errorf("ipvsadm-restore --json: exit code %d, stderr %q, table\n%s", code, stderr, tableOf(fresh))
	}
}
