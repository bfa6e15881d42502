package main

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
)

// kernelStep is a configuration, or with nothing in it the end of the checker, and
// what is done before, if anything.
type kernelStep struct {
	globals, servers, before string
	// differ is a declared difference, and ours what we leave besides the timeouts.
	differ, ours string
}

func (s kernelStep) end() bool { return s.servers == "" }

// syncDaemonStays is the declared difference of TestCheckGlobals.
const syncDaemonStays = "sync-daemon"

// TestCheckGlobals compares what keepalived's checker and ipvsadm check do to the
// rest of the kernel: timeouts, the daemons that synchronise connections, and what
// is not of the configuration, at the start, after reloads and at the end.
func TestCheckGlobals(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		const foreign = "-A -t 10.9.9.9:9 -s wlc;-a -t 10.9.9.9:9 -r 10.5.0.9:9 -m -w 7"
		one := bareServer(1)
		for i, s := range []struct {
			name  string
			steps []kernelStep
		}{
			{"timeouts", []kernelStep{
				{globals: "lvs_timeouts tcp 600 tcpfin 60 udp 100", servers: one}, {globals: "lvs_timeouts tcp 700 tcpfin 60 udp 100", servers: one},
				{globals: "lvs_timeouts udp 50", servers: one}, {servers: one}, {globals: "lvs_timeouts tcpfin 33", servers: one, before: "--set 1 2 3"}, {},
			}},
			{"one timeout", []kernelStep{{globals: "lvs_timeouts udp 77", servers: one}, {globals: "lvs_timeouts udp 77", servers: one, before: "--set 5 6 7"}, {}}},
			{"nothing", []kernelStep{{servers: one, before: foreign}, {servers: one + bareServer(2)}, {servers: bareServer(2)}, {}}},
			{"flush", []kernelStep{{globals: "lvs_flush", servers: one, before: foreign}, {globals: "lvs_flush", servers: one + bareServer(2), before: foreign}, {}}},
			{"flush on stop", []kernelStep{{globals: "lvs_flush_on_stop", servers: one, before: foreign}, {}}},
			{"flush on stop, learnt late", []kernelStep{{servers: one, before: foreign}, {globals: "lvs_flush_on_stop", servers: one}, {}}},
			{"flush on stop VS", []kernelStep{{globals: "lvs_flush_on_stop VS", servers: one, before: foreign}, {globals: "lvs_flush_on_stop VS", servers: one, before: "-a -t 10.1.1.1:80 -r 10.5.0.7:80 -m"}, {}}},
			{"sync daemon", []kernelStep{{globals: "lvs_sync_daemon va id 7", servers: one}, {globals: "lvs_sync_daemon va id 8 maxlen 1000 ttl 3 port 9000 group 224.0.0.99", servers: one}, {}}},
			{"sync daemon, no more", []kernelStep{
				{globals: "lvs_sync_daemon va id 7", servers: one},
				{servers: one, differ: syncDaemonStays, ours: "{2 6 0 10.1.1.1:80} 10.5.0.1:80 0 1\n{2 6 0 10.1.1.1:80}rr\n"},
				{differ: syncDaemonStays},
			}},
			{"sync daemon by itself", []kernelStep{{globals: "lvs_sync_daemon va", servers: one}, {}}},
			{"sync daemon of an instance", []kernelStep{{globals: "lvs_sync_daemon va inst VI_1", servers: one + vrrpInstance}, {}}},
			{"sync daemon of no instance", []kernelStep{{globals: "lvs_sync_daemon va inst nobody", servers: one}, {}}},
			{"someone's sync daemon", []kernelStep{{servers: one, before: "--start-daemon master --mcast-interface va --syncid 9"}, {}}},
		} {
			t.Run(s.name, func(t *testing.T) { compareKernels(t, i, s.steps) })
		}
	})
}

const vrrpInstance = "vrrp_instance VI_1 {\ninterface va\nvirtual_router_id 7\npriority 100\nvirtual_ipaddress {\n192.168.9.7\n}\n}\n"

func bareServer(n int) string {
	return fmt.Sprintf("virtual_server 10.1.1.%[1]d 80 {\nlvs_sched rr\nlvs_method NAT\nprotocol TCP\nreal_server 10.5.0.%[1]d 80 {\nweight %[1]d\n}\n}\n", n)
}

func compareKernels(t *testing.T, number int, steps []kernelStep) {
	var both [2]*twin
	text := func(s kernelStep) string {
		return "global_defs {\nmax_auto_priority -1\n" + s.globals + "\n}\n" + s.servers
	}
	for n, step := range steps {
		if n == 0 {
			both = newTwins(t, fmt.Sprint(number), func(w *twin) {
				run(t, w.NS, "ip link add va type dummy")
				run(t, w.NS, "ip addr add 192.168.9.1/24 dev va")
				run(t, w.NS, "ip link set va up")
				w.admin(step.before)
			}, text(step))
		} else {
			for _, w := range both {
				w.admin(step.before)
				if step.end() {
					w.Stop()
					continue
				}
				w.configure(text(step))
				w.Reload()
			}
		}
		var states [2]string
		// Until they are the same for a while, or will not be.
		for begun, same := time.Now(), (time.Time{}); time.Since(begun) < 12*time.Second; time.Sleep(100 * time.Millisecond) {
			states = [2]string{both[0].kernelState(), both[1].kernelState()}
			done := both[0].obeyed(n) && both[1].obeyed(n) || step.end()
			if step.differ == "" && states[0] != states[1] || !done {
				same = time.Time{}
			} else if same.IsZero() {
				same = time.Now()
			} else if time.Since(same) > 500*time.Millisecond {
				break
			}
		}
		timeouts := strings.LastIndexByte(states[1], '{')
		switch {
		case step.differ != "" && (states[0] == states[1] || states[1][:timeouts] != step.ours):
			t.Errorf("step %d, %+v: %s is no difference: keepalived leaves\n%s\nwe leave\n%s", n, step, step.differ, states[0], states[1])
		case step.differ == "" && states[0] != states[1]:
			t.Errorf("step %d, %+v: keepalived leaves\n%s\nwe leave\n%s", n, step, states[0], states[1])
		}
	}
}

// obeyed says whether the checker has started, and read its configuration again so
// many times.
func (w *twin) obeyed(reloads int) bool {
	log := w.Log()
	return strings.Contains(log, "Startup complete") && strings.Count(log, "Reload complete")+strings.Count(log, "Reload finished") >= reloads
}

// admin runs ipvsadm, with options separated by semicolons.
func (w *twin) admin(lines string) {
	for line := range strings.SplitSeq(lines, ";") {
		if line != "" {
			run(w.t, w.NS, "ipvsadm "+line)
		}
	}
}

// kernelState is all of IPVS that can be configured.
func (w *twin) kernelState() string {
	w.t.Helper()
	entries, err := w.Kernel.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		w.t.Fatal(err)
	}
	timeouts, err := w.Kernel.Timeouts()
	if err != nil {
		w.t.Fatal(err)
	}
	daemons, err := w.Kernel.Daemons()
	if err != nil {
		w.t.Fatal(err)
	}
	var lines []string
	for _, e := range entries {
		lines = append(lines, fmt.Sprint(e.ServiceKey, e.Scheduler))
		for _, d := range e.Destinations {
			lines = append(lines, fmt.Sprint(e.ServiceKey, d.Addr, d.Forward, d.Weight))
		}
	}
	slices.Sort(lines)
	for _, d := range daemons {
		lines = append(lines, fmt.Sprintf("%+v", d))
	}
	return strings.Join(append(lines, fmt.Sprintf("%+v", timeouts)), "\n")
}
