package rules

import (
	"strings"
	"testing"

	"ipvsadm/ipvs/ipvstest"
)

func TestSaveScript(t *testing.T) {
	const usage = ": Script to save the IPVS table to stdout.\n   With the -n option, prints out the table in numeric format.\n"
	named := "-A -t vip.example.org:http -s rr\n-a -t vip.example.org:http -r rs1:http -m -w 1\n"
	numbers := "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 192.168.0.21:80 -m -w 1\n"
	tests := []struct {
		args   string
		code   int
		stdout string
		stderr string
	}{
		{"ipvsadm-save", 0, named, ""},
		{"ipvsadm-save -n", 0, numbers, ""},
		{"/sbin/ipvsadm-save -n -n", 0, numbers, ""},
		{"ipvsadm-save foo", 0, named, ""},
		{"ipvsadm-save foo -n", 0, numbers, ""},
		{"ipvsadm-save -x", 1, "", "ipvsadm-save" + usage},
		{"/usr/sbin/ipvsadm-save -n --numeric", 1, "", "ipvsadm-save" + usage},
		{"ipvsadm-save -h", 1, "", "ipvsadm-save" + usage},
		{"ipvsadm-save -", 1, "", "ipvsadm-save" + usage},
	}
	for _, tt := range tests {
		k := ipvstest.New(ipvstest.Options{})
		ipvsadm(k, numbers, "ipvsadm", "-R")
		code, stdout, stderr := ipvsadm(k, "", strings.Fields(tt.args)...)
		if code != tt.code || stdout != tt.stdout || stderr != tt.stderr {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", tt.args, code, stdout, stderr)
		}
	}
}

func TestRestoreScript(t *testing.T) {
	tests := []struct {
		name, stream string
		code         int
		stderr       string
		table        string
	}{
		{name: "replaces the table", stream: "-A -f 1 -s rr\n", table: "-A -f 1 -s rr\n"},
		{name: "comments", stream: "# c1\n-A -f 1 -s rr\n#c2\n-a -f 1 -r 10.0.0.2 -m\n", table: "-A -f 1 -s rr\n-a -f 1 -r 10.0.0.2:0 -m -w 1\n"},
		{name: "nothing", stream: ""},
		{name: "empty lines", stream: "\n\n"},
		{name: "a mistake comes after the flush", stream: "-A -f 0\n-A -f 1\n", code: 2, stderr: "invalid fwmark value `0' specified\n"},
		{name: "the last line decides", stream: "-A -f 1 -s rr\n-A -f 1\n", code: 255, stderr: "Service already exists\n", table: "-A -f 1 -s rr\n"},
		{name: "messages name ipvsadm", stream: "foo", code: 255, stderr: tryLine},
		{name: "what the shell's echo swallows", stream: "-n"},
		{name: "all of its options", stream: "-neE\n"},
		{name: "but nothing else", stream: "-nx", code: 255, stderr: tryLine},
		{name: "a lone dash", stream: "-", code: 255, stderr: tryLine},
	}
	for _, tt := range tests {
		k := ipvstest.New(ipvstest.Options{})
		ipvsadm(k, "-A -f 9\n-A -f 8\n", "ipvsadm", "-R")
		code, stdout, stderr := ipvsadm(k, tt.stream, "/sbin/ipvsadm-restore", "-x", "ignored")
		if code != tt.code || stdout != "" || stderr != tt.stderr {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", tt.name, code, stdout, stderr)
		}
		if _, table, _ := ipvsadm(k, "", "ipvsadm", "-S", "-n"); table != tt.table {
			t.Errorf("%s: table\n%s\nwant\n%s", tt.name, table, tt.table)
		}
	}
}

func TestRestoreScriptReadsEverythingBeforeItFlushes(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{})
	ipvsadm(k, "-A -f 9 -s rr\n", "ipvsadm", "-R")
	s, _, _ := newSession(k)
	s.env.Stdin = &conversation{lines: []string{"-A -f 1\n", "-A -f 2\n"}, look: func(sent int) {
		if got := k.String(); got != "-A -f 9 -s rr\n" {
			t.Errorf("after line %d the table is\n%s", sent, got)
		}
	}}
	if code := Main(s.env, []string{"ipvsadm-restore"}); code != exitOK || strings.Contains(k.String(), "-f 9") {
		t.Errorf("exit code %d, table\n%s", code, k)
	}
}

func TestRestoreScriptFlushesAndFillsInOneBatch(t *testing.T) {
	k := &recorder{Kernel: ipvstest.New(ipvstest.Options{})}
	ipvsadm(k, "-A -f 1\n-A -f 2\n", "ipvsadm-restore")
	if len(k.batches) != 1 || k.batches[0] != 3 {
		t.Errorf("sent %v at a time, want all 3 at once", k.batches)
	}
}
