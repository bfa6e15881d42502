package keepalived

import (
	"bytes"
	"context"
	goflag "flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

var (
	update = goflag.Bool("update", false, "write golden files anew; accept.tsv from the keepalived that is installed")
	all    = goflag.Bool("all", false, "ask keepalived about every case and not only about some")
)

// acceptCase is a row of testdata/accept.tsv: some words of the language in the
// block they belong into, what keepalived 2.2.7 -t exits with, how severe we find
// it, and where that is not the same, why.
type acceptCase struct {
	block, text string
	status      int
	ours        string
	why         string
}

const acceptFile = "testdata/accept.tsv"

func acceptCases(t testing.TB) []acceptCase {
	raw, err := os.ReadFile(acceptFile)
	if err != nil {
		t.Fatal(err)
	}
	var cases []acceptCase
	for n, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		f := strings.Split(line, "\t")
		if strings.HasPrefix(line, "#") {
			continue
		}
		if len(f) < 4 {
			t.Fatalf("%s:%d: %d columns, want at least 4", acceptFile, n+1, len(f))
		}
		c := acceptCase{block: f[0], ours: f[2], text: f[3]}
		c.status, _ = strconv.Atoi(f[1])
		if len(f) > 4 {
			c.why = f[4]
		}
		cases = append(cases, c)
	}
	return cases
}

// security keeps keepalived from complaining of every script.
const security = "enable_script_security\nscript_user root\n"

// file makes a configuration of a case: the words in their block, and around it
// what they need to mean something.
func (c acceptCase) file() string {
	text := strings.ReplaceAll(c.text, `\n`, "\n") + "\n"
	globals := "global_defs {\n" + security + "}\n"
	// What the case gives itself is not given twice.
	unless := func(words ...string) string {
		for _, w := range strings.Split(words[0], "|") {
			if strings.HasPrefix(text, w+" ") || strings.Contains(text, "\n"+w+" ") {
				return ""
			}
		}
		return words[1] + "\n"
	}
	instance := func(inside string) string {
		return "vrrp_instance V {\n" + unless("interface", "interface eth0") + unless("virtual_router_id", "virtual_router_id 5") + inside + "}\n"
	}
	const vip = "virtual_ipaddress {\n10.0.0.1\n}\n"
	server := func(inside string) string {
		return "virtual_server 10.0.0.1 80 {\n" + unless("protocol", "protocol TCP") + unless("lb_algo|lvs_sched", "lb_algo rr") +
			unless("lb_kind|lvs_method", "lb_kind DR") + inside + "}\n"
	}
	real := func(inside string) string { return server("real_server 10.0.0.9 80 {\n" + inside + "}\n") }
	tracked := func(block, track string) string {
		return globals + block + " s {\n" + text + "}\n" + instance(vip+track+" {\ns\n}\n")
	}
	switch c.block {
	case "file":
		return text
	case "top":
		return globals + text + "vrrp_instance V {\ninterface eth0\nvirtual_router_id 5\n" + vip + "}\n"
	case "global_defs":
		return "global_defs {\n" + text + "}\n"
	case "vrrp_instance":
		return globals + "vrrp_script s {\nscript /bin/true\n}\n" + instance(vip+text)
	case "virtual_ipaddress", "virtual_routes", "virtual_rules":
		if c.block == "virtual_ipaddress" {
			return globals + instance("virtual_ipaddress {\n"+text+"}\n")
		}
		return globals + instance(vip+c.block+" {\n"+text+"}\n")
	case "vrrp_script":
		return tracked("vrrp_script", "track_script")
	case "track_file":
		return tracked("track_file", "track_file")
	case "vrrp_track_process":
		return tracked("vrrp_track_process", "track_process")
	case "vrrp_sync_group":
		two := ""
		for i := 1; i <= 2; i++ {
			two += fmt.Sprintf("vrrp_instance V%d {\ninterface eth0\nvirtual_router_id %d\nvirtual_ipaddress {\n10.0.0.%d\n}\n}\n", i, i, i)
		}
		return globals + "vrrp_sync_group Y {\n" + text + "}\n" + two
	case "virtual_server":
		return globals + server(text+"real_server 10.0.0.9 80 {\n}\n")
	case "real_server":
		return globals + real(text)
	case "virtual_server_group":
		return "virtual_server_group G {\n" + text + "}\nvirtual_server group G {\nprotocol TCP\nlb_algo rr\nlb_kind DR\nreal_server 10.0.0.8 80 {\n}\n}\n"
	case "HTTP_GET":
		return globals + real("HTTP_GET {\nurl {\npath /\n}\n"+text+"}\n")
	case "url":
		return globals + real("HTTP_GET {\nurl {\n"+unless("path", "path /")+text+"}\n}\n")
	default: // a checker
		return globals + real(c.block+" {\n"+text+"}\n")
	}
}

// verdict is how severe we find a configuration: clean, warning or error.
func (c acceptCase) verdict() (string, Diagnostics) {
	_, ds := Load(context.Background(), "/f.conf", Options{ConfigID: "main", FS: mapFS(map[string]string{"f.conf": c.file()})})
	switch ds.Worst() {
	case Note:
		return "clean", ds
	case Warning:
		return "warning", ds
	}
	return "error", ds
}

// expected is the verdict that follows from keepalived's exit status.
func (c acceptCase) expected() string {
	switch c.status {
	case 0:
		return "clean"
	case 5:
		return "warning"
	}
	return "error" // 2: a missing argument; 139: it crashes
}

func TestWeAcceptWhatKeepalivedAccepts(t *testing.T) {
	for _, c := range acceptCases(t) {
		got, ds := c.verdict()
		switch {
		case got != c.ours:
			t.Errorf("%s { %s }: %s, want %s\n%s", c.block, c.text, got, c.ours, c.lines(ds))
		case got != c.expected() && c.why == "":
			t.Errorf("%s { %s }: %s, but keepalived exits with %d, and no reason is given\n%s", c.block, c.text, got, c.status, c.lines(ds))
		case got == c.expected() && c.why != "":
			t.Errorf("%s { %s }: there is no difference to give a reason for", c.block, c.text)
		}
	}
}

func (c acceptCase) lines(ds Diagnostics) string {
	var b strings.Builder
	for _, d := range ds {
		fmt.Fprintf(&b, "\t%v: %v\n", d.Severity, d)
	}
	return b.String()
}

// What is written down of keepalived is true of the one that is installed. To
// ask about every case takes minutes, so that is done with -all or -update;
// otherwise about one in ten.
func TestKeepalivedAcceptsWhatIsWritten(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		cases := acceptCases(t)
		if !*all && !*update {
			some := cases[:0]
			for i, c := range cases {
				if i%10 == 0 {
					some = append(some, c)
				}
			}
			cases = some
		}
		statuses := askKeepalived(t, cases)
		if *update {
			updateAccept(t, cases, statuses)
			return
		}
		for i, status := range statuses {
			if c := cases[i]; status != c.status {
				t.Errorf("%s { %s }: keepalived -t exits with %d, written is %d", c.block, c.text, status, c.status)
			}
		}
	})
}

// keepalivedProgram is keepalived 2.2.7, which Debian 12 has.
func keepalivedProgram(t *testing.T) string {
	t.Helper()
	const program = "/usr/sbin/keepalived"
	version, err := exec.Command(program, "--version").CombinedOutput()
	if err != nil || !bytes.Contains(version, []byte("v2.2.7")) {
		t.Skip("keepalived 2.2.7 is not installed: Debian 12's package keepalived")
	}
	return program
}

// askKeepalived runs keepalived -t on all cases, on a machine with interfaces
// eth0 to eth5, and returns the exit statuses.
func askKeepalived(t *testing.T, cases []acceptCase) []int {
	program := keepalivedProgram(t)
	dir := t.TempDir()
	for i, c := range cases {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.conf", i)), []byte(c.file()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	const script = interfaces + `
		i=0
		while [ $i -lt $2 ]; do
			timeout 20 "$1" -t -i main -f $i.conf >/dev/null 2>&1; echo $?
			i=$((i+1))
		done`
	cmd := exec.Command("sh", "-c", script, "sh", program, strconv.Itoa(len(cases)))
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var statuses []int
	for _, line := range strings.Fields(string(out)) {
		n, _ := strconv.Atoi(line)
		statuses = append(statuses, n)
	}
	if len(statuses) != len(cases) {
		t.Fatalf("%d statuses for %d cases", len(statuses), len(cases))
	}
	return statuses
}

// updateAccept writes the columns of verdicts anew. Reasons stay.
func updateAccept(t *testing.T, cases []acceptCase, statuses []int) {
	raw, err := os.ReadFile(acceptFile)
	if err != nil {
		t.Fatal(err)
	}
	var b strings.Builder
	i := 0
	for _, line := range strings.Split(strings.TrimSpace(string(raw)), "\n") {
		if strings.HasPrefix(line, "#") {
			b.WriteString(line + "\n")
			continue
		}
		c := cases[i]
		ours, _ := c.verdict()
		row := []string{c.block, strconv.Itoa(statuses[i]), ours, c.text}
		if c.why != "" {
			row = append(row, c.why)
		}
		b.WriteString(strings.Join(row, "\t") + "\n")
		i++
	}
	if err := os.WriteFile(acceptFile, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}
