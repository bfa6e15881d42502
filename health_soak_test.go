package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
)

// soaked is a configuration of 100 real servers with checkers and of instances with
// all that an instance can track. The odd variant has other weights, another
// priority, another half of the servers of each second pool, and a few things less.
func soaked(variant int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\nscript_user root\nenable_script_security\nnotify_fifo DIR/fifo\n}\n"+
		"vrrp_script ok {\nscript \"/bin/sh -c 'exit %d'\"\ninterval 1\nweight 2\n}\n"+
		"track_file number {\nfile DIR/number\ninit_file 1\n}\nvrrp_track_process p {\nprocess no-such\nweight 1\n}\n", variant)
	for i := range 4 - variant {
		more := ""
		if i == 3 {
			more = "use_vmac\nvmac_xmit_base\n"
		}
		fmt.Fprintf(&b, "vrrp_instance VI_%[1]d {\ninterface va\nvirtual_router_id %[1]d\npriority %[2]d\nversion 3\nadvert_int 0.5\n%[3]s"+
			"virtual_ipaddress {\n192.168.9.%[1]d/24\n}\ntrack_script {\nok\n}\ntrack_file {\nnumber\n}\ntrack_process {\np\n}\n"+
			"track_virtual_server {\n10.1.1.1 80 tcp weight -10\n}\nnotify \"/bin/true\"\n}\n", i+1, 150+variant, more)
	}
	for i := range 20 {
		fmt.Fprintf(&b, "virtual_server 10.1.1.%d 80 {\ndelay_loop 2\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\nquorum 2\nsorry_server 127.0.0.1 81\n", i+1)
		for j := range 5 {
			fmt.Fprintf(&b, "real_server 127.1.%d.%d 80 {\nweight %d\nTCP_CHECK {\nconnect_timeout 2\nretry 1\ndelay_before_retry 1\n}\n}\n",
				i+100*(i%2)*variant, j+1, 1+j*variant)
		}
		b.WriteString("}\n")
	}
	b.WriteString(programServer(30+variant, "MISC_CHECK {\nmisc_path /bin/true\n}"))
	return b.String()
}

// holdings are what a process holds of the machine.
type holdings struct{ files, threads, kilobytes int }

// holds looks at a process for a while, and returns the least of all it held: what
// is at work now and then is not in it.
func holds(t *testing.T, pid int) (least holdings) {
	t.Helper()
	least = holdings{1 << 30, 1 << 30, 1 << 30}
	for range 30 {
		dir := filepath.Join("/proc", strconv.Itoa(pid))
		files, err1 := os.ReadDir(filepath.Join(dir, "fd"))
		threads, err2 := os.ReadDir(filepath.Join(dir, "task"))
		statm, err3 := os.ReadFile(filepath.Join(dir, "statm"))
		var size, resident int
		if _, err := fmt.Sscan(string(statm), &size, &resident); err1 != nil || err2 != nil || err3 != nil || err != nil {
			t.Fatal(err1, err2, err3, err)
		}
		least.files = min(least.files, len(files))
		least.threads = min(least.threads, len(threads))
		least.kilobytes = min(least.kilobytes, resident*os.Getpagesize()/1024)
		time.Sleep(50 * time.Millisecond)
	}
	return least
}

// goroutines ends a daemon with a trace of its goroutines, and counts them.
func (p *process) goroutines() int {
	p.t.Helper()
	p.signal(syscall.SIGQUIT)
	p.cmd.Wait()
	return strings.Count(p.logged(), "\ngoroutine ")
}

// TestSoak has a whole daemon run while real servers die and come back, and reload
// one configuration or another again and again: what it holds does not grow with the
// reloads. SOAK_RELOADS is how many.
func TestSoak(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for _, line := range []string{"ip link add va type dummy", "ip addr add 192.168.9.250/24 dev va", "ip link set va up"} {
			if out, err := exec.Command("/bin/sh", "-c", line).CombinedOutput(); err != nil {
				t.Fatal(string(out))
			}
		}
		var flapping []*backend
		for i := range 20 {
			for j := range 5 {
				flapping = append(flapping, newBackend(t, fmt.Sprintf("127.1.%d.%d:80", i, j+1)))
			}
		}
		p := launch(t, "vrrp", soaked(0))
		p.await("Entering MASTER STATE", 4)
		down := map[*backend]bool{}
		reloads := func(n int) {
			for i := range n {
				for range 10 {
					b := flapping[rand.IntN(len(flapping))]
					if down[b] {
						b.up()
					} else {
						b.down()
					}
					down[b] = !down[b]
				}
				p.configure(soaked((i + 1) % 2))
				p.reload()
				time.Sleep(300 * time.Millisecond)
			}
		}
		n := times("SOAK_RELOADS", 40)
		n += n % 2 // so that it ends with the configuration it began with
		reloads(n / 2)
		before := holds(t, p.cmd.Process.Pid)
		reloads(n)
		after := holds(t, p.cmd.Process.Pid)
		if refused := strings.Count(p.logged(), "not used"); refused > 0 {
			t.Errorf("%d reloads were refused", refused)
		}
		grown := p.goroutines()
		p.start()
		p.await("Startup complete", 2)
		fresh := p.goroutines() - grown
		t.Logf("after %d reloads %+v, after %d %+v; %d goroutines, %d after a start", n/2, before, n+n/2, after, grown, fresh)
		if few := n / 5; after.files > before.files+few || after.threads > before.threads+few || grown > fresh+few {
			t.Errorf("it holds more files, threads or goroutines after %d reloads", n)
		}
		if after.kilobytes > before.kilobytes+before.kilobytes/4 {
			t.Errorf("it holds %d kB after %d reloads more than the %d it held", after.kilobytes, n, before.kilobytes)
		}
	})
}
