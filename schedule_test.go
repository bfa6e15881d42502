package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"ipvsadm/testdata/lab/uml"
)

// TestSchedulersOfTheRunningKernel asks the program itself about a kernel.
func TestSchedulersOfTheRunningKernel(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		ipvsadm := func(line string) string {
			t.Helper()
			out, err := exec.Command(filepath.Join(os.Getenv(programsVar), "ipvsadm"), strings.Fields(line)...).CombinedOutput()
			if err != nil {
				t.Fatalf("ipvsadm %s: %v: %s", line, err, out)
			}
			return string(out)
		}
		ipvsadm("-A -t 10.9.0.1:80 -s fo")
		ipvsadm("-a -t 10.9.0.1:80 -r 10.0.0.1:80 -m -w 3")
		ipvsadm("-a -t 10.9.0.1:80 -r 10.0.0.2:80 -m -w 2")
		if list := ipvsadm("sched"); !strings.Contains(list, "\nmh     ip_vs_mh     loaded ") {
			t.Errorf("mh is loaded here, but not shown so:\n%s", list)
		}
		want := `{"service":"-t 10.9.0.1:80","scheduler":"fo","client":"192.0.2.7","server":"10.0.0.1:80","certain":true,` +
			`"why":["10.0.0.2:80: weight 2","10.0.0.1:80: weight 3"]}` + "\n"
		if got := ipvsadm("sched predict -t 10.9.0.1:80 --client 192.0.2.7 --json"); got != want {
			t.Errorf("predicted is %s, want %s", got, want)
		}
		if got := ipvsadm("sched simulate -t 10.9.0.1:80 --clients 10 --connections 100"); !strings.Contains(got, "100.0 %") {
			t.Errorf("simulated is:\n%s", got)
		}
		before := ipvsadm("-S -n")
		ipvsadm("sched wlc")
		if after := ipvsadm("-S -n"); after != before {
			t.Errorf("the table was\n%s, is\n%s", before, after)
		}
	})
}
