package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/rules/keepalived"
	"ipvsadm/testdata/lab/uml"
)

// times is how often a test does something: as an environment variable says, else
// a number that keeps the suite short.
func times(variable string, otherwise int) int {
	if n, err := strconv.Atoi(os.Getenv(variable)); err == nil {
		return n
	}
	return otherwise
}

// manyServices is a configuration of n virtual servers with two real servers each,
// of which one depends on the variant.
func manyServices(n, variant int, more string) string {
	var b strings.Builder
	b.WriteString(more)
	for i := range n {
		fmt.Fprintf(&b, "virtual_server 10.%d.%d.1 80 {\nlvs_sched rr\nlvs_method DR\nprotocol TCP\n"+
			"real_server 10.9.0.1 80 {\nweight %d\n}\nreal_server 10.9.1.%d 80 {\n}\n}\n", 20+i/250, i%250, 1+variant, 1+variant)
	}
	return b.String()
}

func openKernel(t *testing.T) *ipvs.Client {
	t.Helper()
	c, err := ipvs.Open(ipvs.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// rows are the services and real servers of the kernel's table, without weights.
func rows(t *testing.T, c *ipvs.Client) map[string]bool {
	t.Helper()
	have, err := c.Table(ipvs.Query{})
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]bool{}
	for _, e := range have {
		all[e.Addr.String()] = true
		for _, d := range e.Destinations {
			all[e.Addr.String()+" "+d.Addr.String()] = true
		}
	}
	return all
}

// TestCheckMends has others change the table, and nobody tell the daemon.
func TestCheckMends(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		newBackend(t, "127.0.0.2:8080")
		newBackend(t, "127.0.0.3:8080")
		p := launch(t, "check", twoServers, "--reconcile", "300ms")
		for _, args := range []string{"-C", "-d -t 10.1.1.1:80 -r 127.0.0.2:8080", "-e -t 10.1.1.1:80 -r 127.0.0.2:8080 -m -w 9"} {
			program(t, strings.Fields(args)...)
			awaitTable(t, "after ipvsadm "+args, twoServersTable)
		}
		p.await("Somebody else has changed the kernel's table", 3)
		p.stop()
	})
}

// TestCheckKilled kills the daemon at random moments, most of them during a start
// or a reload to another configuration: what both have is never lost, and nothing
// is there that neither has. CHECK_KILLS is how often, 100 for the promise.
func TestCheckKilled(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		const n = 60
		kernel := openKernel(t)
		p := launch(t, "check", manyServices(n, 0, ""))
		sets := [2]map[string]bool{rows(t, kernel)}
		p.configure(manyServices(n, 1, ""))
		p.reload()
		sets[1] = rows(t, kernel)
		if len(sets[0]) != 3*n || len(sets[1]) != 3*n {
			t.Fatalf("%d and %d rows", len(sets[0]), len(sets[1]))
		}
		r := rand.New(rand.NewPCG(uint64(time.Now().UnixNano()), 0))
		for i := range times("CHECK_KILLS", 8) {
			p.configure(manyServices(n, i%2, ""))
			if i%3 != 0 {
				p.signal(syscall.SIGHUP)
			}
			time.Sleep(time.Duration(r.IntN(120)) * time.Millisecond)
			p.kill()
			have := rows(t, kernel)
			for row := range sets[0] {
				if sets[1][row] && !have[row] {
					t.Errorf("kill %d: lost %s", i, row)
				}
			}
			for row := range have {
				if !sets[0][row] && !sets[1][row] {
					t.Errorf("kill %d: invented %s", i, row)
				}
			}
			if t.Failed() {
				return
			}
			started := strings.Count(p.logged(), "Startup complete")
			p.start()
			if i%2 == 0 { // else it is killed while it starts
				p.await("Startup complete", started+1)
			}
		}
		started := strings.Count(p.logged(), "Startup complete")
		p.kill()
		p.start()
		p.await("Startup complete", started+1)
		p.stop()
	})
}

// TestCheckBadConfigurations has a running daemon read broken configurations: not
// a byte of the table changes. CHECK_MUTANTS is how many, 500 for the promise.
func TestCheckBadConfigurations(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		newBackend(t, "127.0.0.2:8080")
		newBackend(t, "127.0.0.3:8080")
		p := launch(t, "check", twoServers)
		awaitTable(t, "at the start", twoServersTable)
		before := table(t)
		r := rand.New(rand.NewPCG(14, 1))
		seen := map[string]bool{}
		for n := times("CHECK_MUTANTS", 25); n > 0; {
			text := broken(r, twoServers)
			if seen[text] {
				continue
			}
			p.configure(text)
			if c, _ := keepalived.Load(context.Background(), p.at("k.conf"), keepalived.Options{}); c != nil {
				continue // it means something else, and is fine
			}
			seen[text] = true
			n--
			refused := strings.Count(p.logged(), "The configuration is not used")
			p.reload()
			if strings.Count(p.logged(), "The configuration is not used") != refused+1 {
				t.Errorf("it was not refused:\n%s", text)
			}
			if now := table(t); now != before {
				t.Fatalf("the table changed to\n%s\nwith\n%s", now, text)
			}
		}
		p.configure(twoServers)
		p.reload()
		p.stop()
	})
}

// broken changes a configuration as a slip of the hand would.
func broken(r *rand.Rand, text string) string {
	lines := strings.Split(text, "\n")
	n := r.IntN(len(lines))
	words := strings.Fields(lines[n])
	at := r.IntN(len(text))
	switch r.IntN(7) {
	case 0:
		lines[n] = ""
	case 1:
		lines[n] += "\n" + lines[n]
	case 2:
		return text[:at]
	case 3:
		return text[:at] + []string{"{", "}", `"`, "\x00", "include nothing.conf\n", "~SEQ(A,1,5) "}[r.IntN(6)] + text[at:]
	case 4:
		if len(words) > 0 {
			lines[n] = words[0]
		}
	case 5:
		if len(words) > 1 {
			lines[n] = strings.Join(append(words[:1:1], "nonsense"), " ")
		}
	default:
		return text[:at] + text[min(len(text), at+1+r.IntN(30)):]
	}
	return strings.Join(lines, "\n")
}

// TestCheckRestartUnderRequests restarts the daemon, by SIGKILL and by SIGTERM with
// -I, while a client asks without pause: not one request fails. CHECK_RESTARTS is
// how often, 20 for the promise, and CHECK_REQUESTS how many requests each time, 500
// for the promise.
func TestCheckRestartUnderRequests(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		client, director, server := throughDirector(t)
		l, err := server.Listen("tcp", "192.168.2.2:80")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
		go func() {
			for {
				c, err := l.Accept()
				if err != nil {
					return
				}
				c.Close()
			}
		}()
		const config = "virtual_server 192.168.1.1 80 {\ndelay_loop 0.2\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\n" +
			"real_server 192.168.2.2 80 {\nTCP_CHECK {\nconnect_timeout 5\n}\n}\n}\n"
		director.Do(func() {
			p := launch(t, "check", config, "-I")
			var asked, failed atomic.Int64
			ctx, cancel := context.WithCancel(context.Background())
			ended := make(chan struct{})
			go func() {
				defer close(ended)
				for ctx.Err() == nil {
					if err := connect(client, "192.168.1.1:80"); err != nil {
						failed.Add(1)
						t.Log(err)
					}
					asked.Add(1)
				}
			}()
			for i := range times("CHECK_RESTARTS", 4) {
				started := strings.Count(p.logged(), "Startup complete")
				before := asked.Load()
				if i%2 == 0 {
					p.kill()
				} else {
					p.stop()
				}
				p.start()
				p.await("Startup complete", started+1)
				enough := before + int64(times("CHECK_REQUESTS", 20))
				eventually(t, "requests", func() bool { return asked.Load() > enough })
			}
			cancel()
			<-ended
			if failed.Load() > 0 {
				t.Errorf("%d of %d requests failed", failed.Load(), asked.Load())
			}
			t.Logf("%d requests", asked.Load())
		})
	})
}

func connect(from *uml.NetNS, address string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	c, err := from.DialContext(ctx, "tcp", address)
	if err != nil {
		return err
	}
	c.(*net.TCPConn).SetLinger(0) // no port stays in TIME_WAIT
	return c.Close()
}

// TestCheckPolicies ends the daemon on 1 000 services with every policy.
func TestCheckPolicies(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		const n = 1_000
		kernel := openKernel(t)
		for _, test := range []struct {
			name, globals string
			args          []string
			left          int
		}{
			{"as keepalived", "", nil, 1},
			{"by service", "global_defs {\nlvs_flush_on_stop VS\n}\n", nil, 1},
			{"flush", "global_defs {\nlvs_flush_on_stop\n}\n", nil, 0},
			{"nothing", "", []string{"--dont-release-ipvs"}, 3*n + 1},
		} {
			program(t, "-A", "-t", "10.99.0.1:80")
			p := launch(t, "check", manyServices(n, 0, test.globals), test.args...)
			if got := len(rows(t, kernel)); got != 3*n+1 {
				t.Fatalf("%s: %d rows at the start, want %d", test.name, got, 3*n+1)
			}
			took := p.stop()
			if got := len(rows(t, kernel)); got != test.left {
				t.Errorf("%s: %d rows at the end, want %d", test.name, got, test.left)
			}
			t.Logf("%s: %v to end", test.name, took)
			program(t, "-C")
		}
	})
}

// TestCheckBesideFailover runs failover and virtual servers in one process. An
// instance tracks a virtual server: with a weight its priority drops while there is
// no quorum, without one it is in FAULT.
func TestCheckBesideFailover(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		other := uml.NewNetNS(t, "other")
		here := uml.NewNetNS(t, "here")
		uml.Connect(t, here, "eth0", other, "eth0")
		here.AddAddr(t, "eth0", "192.168.9.1/24")
		run(t, here, "ip link set lo up")
		here.Do(func() {
			a := newBackendIn(t, here, "127.0.0.2:8080")
			b := newBackendIn(t, here, "127.0.0.3:8080")
			instance := func(name string, id int, weight string) string {
				return fmt.Sprintf("vrrp_instance %s {\ninterface eth0\nvirtual_router_id %d\npriority 150\nadvert_int 0.1\nversion 3\n"+
					"virtual_ipaddress {\n192.168.9.%d\n}\ntrack_virtual_server {\n10.1.1.1 80 tcp %s\n}\n}\n", name, id, 100+id, weight)
			}
			p := launch(t, "vrrp", instance("VI_1", 1, "weight -60")+instance("VI_2", 2, "")+twoServers)
			p.await("(VI_1) Entering MASTER STATE", 1)
			p.await("(VI_2) Entering MASTER STATE", 1)
			a.down()
			b.down()
			p.await("Lost quorum 1-0=1 > 0 for VS [10.1.1.1]:tcp:80", 1)
			p.await("(VI_1) Changing effective priority from 150 to 90", 1)
			p.await("(VI_2) Entering FAULT STATE", 1)
			out, _ := program(t, "vrrp", "status", "--socket", p.at("socket"))
			for _, want := range []string{"tracks pool [10.1.1.1]:tcp:80: down, weight -60", "virtual server [10.1.1.1]:tcp:80: no quorum", "VI_2: FAULT"} {
				if !strings.Contains(out, want) {
					t.Errorf("the status has no %q:\n%s", want, out)
				}
			}
			a.up()
			p.await("(VI_1) Changing effective priority from 90 to 150", 1)
			p.await("(VI_2) Entering MASTER STATE", 2)
			p.stop()
			awaitTable(t, "at the end", "")
		})
	})
}

// newBackendIn is newBackend for a namespace.
func newBackendIn(t *testing.T, ns *uml.NetNS, addr string) *backend {
	t.Helper()
	b := &backend{t: t, addr: addr, listen: ns.Listen}
	b.up()
	t.Cleanup(b.down)
	return b
}

// TestCheckSeeds runs the two files of the posts this project began with, closed
// where the posts forgot to: the address is taken, both real servers are balanced,
// one dies after three retries and comes back.
func TestCheckSeeds(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		for _, file := range []string{"keepalived-master.conf", "keepalived-backup.conf"} {
			seed(t, file)
		}
	})
}

func seed(t *testing.T, file string) {
	raw, err := os.ReadFile(filepath.Join("rules/keepalived/testdata/seed", file))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Replace(string(raw), " real_server 192.168.41.33", " }\n real_server 192.168.41.33", 1)
	text += strings.Repeat("}\n", strings.Count(text, "{")-strings.Count(text, "}"))
	// As the posts have it, but faster: their times are 6 and 3 seconds.
	text = strings.ReplaceAll(text, "delay_loop 6", "delay_loop 0.5")
	text = strings.ReplaceAll(text, "delay_before_retry 3", "delay_before_retry 0.2")
	name := strings.TrimSuffix(file, ".conf")
	servers, director := uml.NewNetNS(t, name[:12]+"-s"), uml.NewNetNS(t, name[:12]+"-d")
	uml.Connect(t, servers, "eth0", director, "eth0")
	servers.AddAddr(t, "eth0", "192.168.41.31/24")
	servers.AddAddr(t, "eth0", "192.168.41.33/24")
	director.AddAddr(t, "eth0", "192.168.41.2/24")
	a := newBackendIn(t, servers, "192.168.41.31:80")
	newBackendIn(t, servers, "192.168.41.33:80")
	const service = "-A -t 192.168.41.249:80 -s rr -p 50\n"
	const first, second = "-a -t 192.168.41.249:80 -r 192.168.41.31:80 -g -w 1\n", "-a -t 192.168.41.249:80 -r 192.168.41.33:80 -g -w 1\n"
	director.Do(func() {
		p := launch(t, "vrrp", text)
		awaitTable(t, file, service+first+second)
		p.await("(VI_1) Entering MASTER STATE", 1)
		a.down()
		awaitTable(t, file+": one is dead", service+second)
		p.await("TCP_CHECK on service [192.168.41.31]:tcp:80 failed after 3 retries.", 1)
		a.up()
		awaitTable(t, file+": it is back", service+first+second)
		p.stop()
		awaitTable(t, file+": at the end", "")
	})
}

// TestCheckSuspended has the address of a virtual server come and go (ha_suspend).
func TestCheckSuspended(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		newBackend(t, "127.0.0.3:8080") // the other one is dead
		config := strings.Replace(twoServers, "delay_loop 0.3", "delay_loop 0.3\nha_suspend", 1)
		p := launch(t, "check", config)
		time.Sleep(time.Second)
		awaitTable(t, "without the address", twoServersTable)
		out, _ := program(t, "check", "status", "--socket", p.at("socket"))
		if !strings.Contains(out, "not checked: its address is not on this machine") || !strings.Contains(out, "checks 0,") {
			t.Errorf("without the address: %s", out)
		}
		if out, err := exec.Command("ip", "addr", "add", "10.1.1.1/32", "dev", "lo").CombinedOutput(); err != nil {
			t.Fatal(string(out))
		}
		awaitTable(t, "with it", strings.Replace(twoServersTable, "-a -t 10.1.1.1:80 -r 127.0.0.2:8080 -m -w 3\n", "", 1))
		if out, err := exec.Command("ip", "addr", "del", "10.1.1.1/32", "dev", "lo").CombinedOutput(); err != nil {
			t.Fatal(string(out))
		}
		p.await("Suspending healthchecker for service [127.0.0.3]:tcp:8080 for VS [10.1.1.1]:tcp:80", 1)
		p.stop()
	})
}

// TestCheckModes has what is left out left alone: -P the virtual servers, -C the
// failover, by our name and by keepalived's.
func TestCheckModes(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		newBackend(t, "127.0.0.2:8080")
		newBackend(t, "127.0.0.3:8080")
		if out, err := exec.Command("ip", "link", "add", "va", "type", "dummy").CombinedOutput(); err != nil {
			t.Fatal(string(out))
		}
		for _, line := range []string{"addr add 192.168.9.1/24 dev va", "link set va up"} {
			if out, err := exec.Command("ip", strings.Fields(line)...).CombinedOutput(); err != nil {
				t.Fatal(string(out))
			}
		}
		const instance = "vrrp_instance VI_1 {\ninterface va\nvirtual_router_id 7\npriority 255\nversion 3\nadvert_int 0.1\n" +
			"virtual_ipaddress {\n192.168.9.7\n}\ntrack_virtual_server {\n10.1.1.1 80\n}\n}\n"
		link := filepath.Join(t.TempDir(), "keepalived")
		if err := os.Symlink(filepath.Join(os.Getenv(programsVar), "ipvsadm"), link); err != nil {
			t.Fatal(err)
		}
		for _, test := range []struct {
			name, program, command string
			args                   []string
			master                 bool
			table                  string
		}{
			{"vrrp", "", "vrrp", nil, true, twoServersTable},
			{"vrrp -P", "", "vrrp", []string{"-P"}, true, ""},
			{"check", "", "check", nil, false, twoServersTable},
			{"keepalived", link, "-n", nil, true, twoServersTable},
			{"keepalived -P", link, "-n", []string{"-P"}, true, ""},
			{"keepalived -C", link, "-n", []string{"-C"}, false, twoServersTable},
		} {
			p := launchAs(t, test.program, test.command, instance+twoServers, test.args...)
			awaitTable(t, test.name, test.table)
			if test.master {
				p.await("(VI_1) Entering MASTER STATE", 1)
			}
			p.stop()
			if strings.Contains(p.logged(), "VI_1") != test.master {
				t.Errorf("%s: an instance runs: %v, want %v", test.name, !test.master, test.master)
			}
		}
	})
}
