package rules

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

const tryLine = "Try `ipvsadm -h' or 'ipvsadm --help' for more information.\n"

// ipvsadm runs the program on a kernel.
func ipvsadm(k Kernel, stdin string, args ...string) (code int, stdout, stderr string) {
	s, out, errs := newSession(k)
	s.env.Stdin = strings.NewReader(stdin)
	code = Main(s.env, args)
	return code, out.String(), errs.String()
}

func TestRestore(t *testing.T) {
	one := "-A -t 10.0.0.1:80 -s rr\n"
	two := one + "-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m\n"
	oneTable, twoTable := one, one+"-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m -w 1\n"
	three := "-A -t 10.0.0.3:80 -s rr\n"

	tests := []struct {
		name, stream string
		code         int
		stderr       string
		stdout       string
		table        string
	}{
		{name: "two lines", stream: two, table: twoTable},
		{name: "with the command's name", stream: "ipvsadm " + strings.ReplaceAll(two, "-a", "ipvsadm -a"), table: twoTable},
		{name: "the name anywhere", stream: "-A -t 10.0.0.1:80 ipvsadm -s ipvsadm rr ipvsadm\n", table: oneTable},
		{name: "its path is a word like others", stream: "/sbin/ipvsadm " + one, code: 2, stderr: "unexpected argument /sbin/ipvsadm\n"},
		{name: "empty lines", stream: "\n\n   \n\t\n" + one + "\n", table: oneTable},
		{name: "no line feed at the end", stream: strings.TrimSpace(one), table: oneTable},
		{name: "nor after a blank", stream: strings.TrimSpace(one) + " ", table: oneTable},
		{name: "CRLF", stream: strings.ReplaceAll(two, "\n", "\r\n"), table: twoTable},
		{name: "nothing", stream: ""},
		{name: "only an empty line", stream: "\n"},
		{name: "quotes mean nothing", stream: `-A -t "10.0.0.1:80" -s rr` + "\n", code: 2, stderr: "illegal virtual server address[:port] specified\n"},

		// Here we are better than 1.31.
		{name: "blanks after the last line", stream: strings.TrimSpace(one) + " \t  ", table: oneTable},
		{name: "a comment", stream: "# comment\n" + one, table: oneTable},
		{name: "a comment without a blank", stream: "#comment\n" + one, table: oneTable},
		{name: "an indented comment", stream: "  # comment -q\n" + one, table: oneTable},
		{name: "a comment after a command", stream: "-A -t 10.0.0.1:80 -s rr # -q comment\n", table: oneTable},
		{name: "a comment alone", stream: "#"},
		{name: "a comment does not hide an error before it", stream: "-A -t bad # comment\n", code: 2, stderr: "illegal virtual server address[:port] specified\n"},
		{name: "what an option takes is no comment", stream: "-A -t 10.0.0.1:80 -s #rr\n", code: 255, stderr: "Scheduler or persistence engine not found\n"},
		{name: "a comment leaves the exit code alone", stream: one + one + "# twice\n", code: 255, stderr: "Service already exists\n", table: oneTable},

		// What stops a stream, and what does not.
		{name: "the kernel refuses a line", stream: one + one + three, stderr: "Service already exists\n", table: one + three},
		{name: "the kernel refuses the last line", stream: one + one, code: 255, stderr: "Service already exists\n", table: one},
		{name: "each refusal is reported in its place",
			stream: "-A -t 10.0.0.1:80 -s nosuch\n-a -t 10.0.0.1:80 -r 192.168.0.1:80 -m\n-a -t 10.0.0.1:80 -r 192.168.0.2:80 -m\n" + three,
			stderr: "Scheduler or persistence engine not found\nService not defined\nService not defined\n", table: three},
		{name: "a mistake", stream: one + "-A -t bad -s rr\n" + three, code: 2, stderr: "illegal virtual server address[:port] specified\n", table: one},
		{name: "an unknown option", stream: one + "-A -t 10.0.0.2:80 --bogus\n" + three, stderr: "--bogus: unknown option\n", table: one + three},
		{name: "an unknown option at the end", stream: one + "-A -t\n", code: 255, stderr: "-t: missing argument\n", table: one},
		{name: "no command", stream: one + "foo\n" + three, code: 255, stderr: tryLine, table: one},
		{name: "an unknown command", stream: one + "--bogus\n" + three, code: 255, stderr: tryLine, table: one},
		{name: "an option in place of a command", stream: "-n\n", code: 255, stderr: tryLine},
		{name: "a word too many", stream: "-A -t 10.0.0.1:80 -s rr foo\n" + three, code: 2, stderr: "unexpected argument foo\n"},
		{name: "a stream in a stream", stream: one + "-R\n" + three, code: 255, stderr: tryLine, table: one},
		{name: "an option of another command", stream: "-A -t 10.0.0.1:80 -s rr -n\n" + three, code: 2, stderr: "Illegal 'numeric' option with the 'add-service' command\n"},
		{name: "a failing listing", stream: one + "-L -n -t 10.0.0.9:80\n" + three, code: 1, stderr: "No such service\n", table: one},
		{name: "the version", stream: one + "-v\n" + three, stdout: versionLine, table: one},
		{name: "a refusal before the end by -v", stream: one + one + "-v\n", stderr: "Service already exists\n", stdout: versionLine, table: one},

		{name: "every command", stream: one + "-L -n\n-S -n\n--set 5 6 7\n-L --timeout\n" + three,
			stdout: "IP Virtual Server version 1.2.1 (size=4096)\n" +
				"Prot LocalAddress:Port Scheduler Flags\n" +
				"  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn\n" +
				"TCP  10.0.0.1:80 rr\n" + one +
				"Timeout (tcp tcpfin udp): 5 6 7\n",
			table: one + three},
		{name: "flushing", stream: one + "-C\n" + three, table: three},
		{name: "a good last line", stream: one + one + "-C\n", stderr: "Service already exists\n"},
		{name: "nothing there", stream: "-E -t 10.0.0.1:80 -s rr\n-D -t 10.0.0.1:80\n-e -t 10.0.0.1:80 -r 10.0.0.2\n-d -t 10.0.0.1:80 -r 10.0.0.2\n-Z -t 10.0.0.1:80\n",
			code: 255, stderr: "No such service\nNo such service\nService not defined\nService not defined\nNo such service\n"},
		{name: "a very long word", stream: "-A -t 10.0.0.1:80 -s " + strings.Repeat("x", 5000) + "\n",
			code: 2, stderr: "unexpected argument " + strings.Repeat("x", 904) + "\n"},
		{name: "very many words", stream: "-A -t 10.0.0.1:80 -s rr" + strings.Repeat(" --sort", 3000) + "\n", table: one},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			k := ipvstest.New(ipvstest.Options{})
			code, stdout, stderr := ipvsadm(k, tt.stream, "ipvsadm", "-R")
			if code != tt.code || stderr != tt.stderr || stdout != tt.stdout {
				t.Errorf("exit code %d, stderr %q, stdout %q\nwant      %d,        %q,        %q", code, stderr, stdout, tt.code, tt.stderr, tt.stdout)
			}
			if _, table, _ := ipvsadm(k, "", "ipvsadm", "-S", "-n"); table != tt.table {
				t.Errorf("table\n%s\nwant\n%s", table, tt.table)
			}
		})
	}
}

// recorder is a Kernel that keeps the sizes of what it was sent.
type recorder struct {
	*ipvstest.Kernel
	batches []int
}

func (r *recorder) Do(ops ...ipvs.Op) []error {
	r.batches = append(r.batches, len(ops))
	return r.Kernel.Do(ops...)
}

func TestChangesAreSentTogether(t *testing.T) {
	var stream strings.Builder
	for i := range batchOps + 100 {
		fmt.Fprintf(&stream, "-A -f %d -s rr\n", i+1)
	}
	tests := []struct {
		name, stream string
		want         []int
	}{
		{"all of a short stream", "-A -f 1\n-A -f 2\n-D -f 2\n", []int{3}},
		{"up to a listing", "-A -f 1\n-A -f 2\n-L -n\n-D -f 2\n", []int{2, 1}},
		{"up to a message", "-A -f 1\n-A -f 2 -q\n-D -f 2\n", []int{1, 1}},
		{"up to the end by a mistake", "-A -f 1\n-A -f 0\n-D -f 2\n", []int{1}},
		{"not more than memory should hold", stream.String(), []int{batchOps, 100}},
	}
	for _, tt := range tests {
		k := &recorder{Kernel: ipvstest.New(ipvstest.Options{})}
		if ipvsadm(k, tt.stream, "ipvsadm", "-R"); fmt.Sprint(k.batches) != fmt.Sprint(tt.want) {
			t.Errorf("%s: sent %v at a time, want %v", tt.name, k.batches, tt.want)
		}
	}
}

func TestMemoryOfAStreamIsThatOfABatch(t *testing.T) {
	allocated := func(text string) uint64 {
		s, _, stderr := newSession(sink{})
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		s.restore(strings.NewReader(text))
		runtime.ReadMemStats(&after)
		if stderr.Len() > 0 {
			t.Fatal(stderr)
		}
		return after.TotalAlloc - before.TotalAlloc
	}
	const lines = 10000
	short, long := allocated(rulesText(1, batchOps)), allocated(rulesText(lines/10, 9))
	// Words that were not said lately are new, one or two of sixteen bytes a service.
	if perLine := float64(long-short) / lines; long > short && perLine > 16 {
		t.Errorf("%.0f bytes for each line more", perLine)
	}
}

// conversation is a standard input whose writer looks at the kernel before every
// line it sends.
type conversation struct {
	lines []string
	look  func(sent int)
	sent  int
}

func (c *conversation) Read(p []byte) (int, error) {
	c.look(c.sent)
	if c.sent == len(c.lines) {
		return 0, io.EOF
	}
	c.sent++
	return copy(p, c.lines[c.sent-1]), nil
}

func TestEveryLineOfAConversationTakesEffectAtOnce(t *testing.T) {
	for _, interactive := range []bool{false, true} {
		k := ipvstest.New(ipvstest.Options{})
		s, stdout, stderr := newSession(k)
		s.env.Interactive = interactive
		s.env.Stdin = &conversation{
			lines: []string{"-A -f 1\n", "-A -f 2\n", "-A -f 2\n", "-S -n\n"},
			look: func(sent int) {
				table, err := k.Table(ipvs.Query{})
				if want := min(sent, 2); err != nil || len(table) != want {
					t.Errorf("after line %d: %d services, want %d", sent, len(table), want)
				}
				if told := stderr.Len() > 0; told != (sent >= 3) {
					t.Errorf("after line %d: stderr %q", sent, stderr)
				}
				if shown := stdout.Len() > 0; shown != (interactive && sent == 4) {
					t.Errorf("after line %d: stdout %q", sent, stdout)
				}
			},
		}
		if code := Main(s.env, []string{"ipvsadm", "-R"}); code != exitOK || stdout.Len() == 0 {
			t.Errorf("exit code %d, stdout %q", code, stdout)
		}
	}
}

func TestRefusalsInsideABatchKeepTheirOrder(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{Before: ipvstest.FailNth(ipvs.ReqNewService, 2, syscall.ENOMEM)})
	code, _, stderr := ipvsadm(k, "-A -f 1\n-A -f 2\n-A -f 1\n-A -f 3 -s nosuch\n-A -f 2 --bogus\n-D -f 2\n-D -f 1\n", "ipvsadm", "-R")
	want := "Memory allocation problem\nService already exists\nScheduler or persistence engine not found\n" +
		"--bogus: unknown option\nNo such service\n"
	if code != exitOK || stderr != want {
		t.Errorf("exit code %d, stderr\n%s\nwant\n%s", code, stderr, want)
	}
}
