package linux_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// TestChanges is what happens to a router that runs: somebody deletes its
// addresses, its interface goes down, goes away and comes back, and its
// configuration is read again.
func TestChanges(t *testing.T) {
	inLab(t, func(t *testing.T) {
		v := variant{version: vrrp.V3, interval: 100 * time.Millisecond}
		l := newLab(t)
		r := l.router(0, true, "global_defs {\n dynamic_interfaces\n}\n"+v.conf(0))
		r.start()
		vip := v.addresses(0)[0]
		await := func(what string, holds func() bool) {
			t.Helper()
			for end := time.Now().Add(10 * time.Second); !holds(); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("never: %s", what)
				}
			}
		}
		master := func() bool {
			i, j := strings.LastIndex(r.log.String(), "MASTER STATE"), strings.LastIndex(r.log.String(), "FAULT STATE")
			return i > j && l.has(0, vip)
		}
		await("it has the address", master)

		l.shell(0, "ip", "addr", "flush", "dev", "eth0", "to", vip)
		await("the address is back, with a word of its removal", func() bool { // the log comes a little later
			return master() && strings.Contains(r.log.String(), "VIPs or routes were removed by somebody else")
		})

		l.shell(0, "ip", "link", "set", "eth0", "down")
		await("it is in Fault", func() bool { return !master() && !l.has(0, vip) })
		l.shell(0, "ip", "link", "set", "eth0", "up")
		await("it is back after the interface was down", master)

		l.shell(0, "ip", "addr", "del", "10.77.0.1/24", "dev", "eth0")
		await("it is in Fault without an address", func() bool { return !master() })
		l.shell(0, "ip", "addr", "add", "10.77.0.1/24", "dev", "eth0")
		await("it is back with its address", master)

		l.shell(0, "ip", "link", "del", "eth0")
		await("it is in Fault without its interface", func() bool { return !master() })
		l.sw.Plug(t, l.hosts[0], "eth0", "10.77.0.1/24")
		await("it is back on another interface of the name", master)
		since := time.Now()
		await("it advertises there", func() bool { return len(l.heard.since(since)) > 0 })

		reloads(t, l, r, v)
	})
}

// TestRestore has somebody delete routes and rules, virtual and static ones: they
// come back, unless no_track says that they need not.
func TestRestore(t *testing.T) {
	inLab(t, func(t *testing.T) {
		l := newLab(t)
		const static = `
static_routes {
 10.90.7.0/24 via 10.77.0.2 dev eth0
}
static_rules {
 from 10.90.7.0/24 table 107 preference 107
}
`
		v := variant{version: vrrp.V3, interval: 100 * time.Millisecond, instance: `virtual_routes {
  10.90.1.0/24 via 10.77.0.2 dev eth0
  10.90.2.0/24 via 10.77.0.2 dev eth0 table 102 metric 5
  fd90::/64 via fd77::2 dev eth0
  10.90.3.0/24 via 10.77.0.2 dev eth0 no_track
 }
 virtual_rules {
  from 10.90.1.0/24 table 101 preference 101
  from fd90::/64 blackhole preference 102
  to 10.90.3.0/24 table 103 preference 103 no_track
 }`}
		r := l.router(0, true, v.conf(0)+static)
		r.start()
		show := func(what string) string { return l.shell(0, append([]string{"ip"}, strings.Fields(what)...)...) }
		shown := func(what, want string, there bool) bool { return strings.Contains(show(what), want) == there }
		await := func(when, what, want string, there bool) {
			t.Helper()
			for end := time.Now().Add(10 * time.Second); !shown(what, want, there); time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%s: ip %s: %q: %v, want %v\n%s", when, what, want, !there, there, show(what))
				}
			}
		}
		for _, x := range []struct{ show, want, del string }{
			{"route", "10.90.1.0/24", "route del 10.90.1.0/24"},
			{"route show table 102", "10.90.2.0/24", "route flush table 102"},
			{"-6 route", "fd90::/64", "-6 route del fd90::/64"},
			{"rule", "101:", "rule del pref 101"},
			{"-6 rule", "102:", "-6 rule del pref 102"},
			{"route", "10.90.7.0/24", "route del 10.90.7.0/24"},
			{"rule", "107:", "rule del pref 107"},
		} {
			await("at the start", x.show, x.want, true)
			show(x.del)
			await("after "+x.del, x.show, x.want, true)
		}
		for _, x := range []struct{ show, want, del string }{
			{"route", "10.90.3.0/24", "route del 10.90.3.0/24"},
			{"rule", "103:", "rule del pref 103"},
		} {
			await("at the start", x.show, x.want, true)
			show(x.del)
			time.Sleep(500 * time.Millisecond)
			await("after "+x.del, x.show, x.want, false)
		}
		if log := r.log.String(); strings.Count(log, "STATE") != 2 || strings.Count(log, "restoring them") != 5 {
			t.Errorf("the log says\n%s", log)
		}
		r.stop()
		for _, x := range []string{"route show table all", "rule", "-6 rule"} {
			if left := show(x); strings.Contains(left, "10.90.") || strings.Contains(left, "fd90:") {
				t.Errorf("left behind:\n%s", left)
			}
		}
	})
}

// reloads reads the same configuration again and again, and then another.
func reloads(t *testing.T, l *lab, r *router, v variant) {
	since := time.Now()
	before := strings.Count(r.log.String(), "STATE")
	for i := range 10 {
		r.signal(unix.SIGHUP)
		for strings.Count(r.log.String(), "Reload: <nil>") <= i {
			if time.Since(since) > 20*time.Second {
				t.Fatal("no end of the reload")
			}
			time.Sleep(time.Millisecond)
		}
	}
	if strings.Count(r.log.String(), "STATE") != before {
		t.Error("a reload without a change changed the state")
	}
	checkGaps(t, l.heard.since(since), v.interval)

	conf := strings.Replace(v.conf(0), "10.77.0.100", "10.77.0.100\n  10.77.0.120", 1)
	r.write(strings.Replace(conf, "priority 150", "priority 151", 1))
	since = time.Now()
	r.signal(unix.SIGHUP)
	for !l.has(0, "10.77.0.120") {
		if time.Since(since) > 10*time.Second {
			t.Fatal("the new address is not there")
		}
		time.Sleep(time.Millisecond)
	}
	time.Sleep(3 * v.interval)
	heard := l.heard.since(since)
	checkGaps(t, heard, v.interval)
	if len(heard) == 0 || heard[len(heard)-1].priority != 151 {
		t.Errorf("it does not advertise the new priority: %+v", heard)
	}

	r.write("vrrp_instance VI_1 {\n")
	r.signal(unix.SIGHUP)
	time.Sleep(3 * v.interval)
	if !l.has(0, "10.77.0.120") || !l.has(0, "10.77.0.100") {
		t.Error("a file with an error changed something")
	}
}

// checkGaps checks that no advertisement was so late that a Backup Router would
// have taken over.
func checkGaps(t *testing.T, all []heard, interval time.Duration) {
	t.Helper()
	for i := 1; i < len(all); i++ {
		if gap := all[i].at.Sub(all[i-1].at); gap > 3*interval {
			t.Errorf("%v between two advertisements", gap)
		}
	}
}

// TestStop checks that a router takes away in good order, and quickly, what many
// instances with interfaces of their own put up.
func TestStop(t *testing.T) {
	inLab(t, func(t *testing.T) {
		l := newLab(t)
		var b strings.Builder
		const instances = 60
		for i := range instances {
			fmt.Fprintf(&b, "vrrp_instance VI_%d {\n version 3\n interface eth0\n use_vmac\n virtual_router_id %d\n priority 150\n advert_int 1\n"+
				" virtual_ipaddress {\n  10.78.0.%d/24\n }\n}\n", i, i+1, i+1)
		}
		r := l.router(0, true, b.String())
		r.start()
		for end := time.Now().Add(30 * time.Second); strings.Count(r.log.String(), "Entering MASTER") < instances; time.Sleep(20 * time.Millisecond) {
			if time.Now().After(end) {
				t.Fatal("they are not all Active")
			}
		}
		if took := r.stop(); took > 3*time.Second {
			t.Errorf("the stop took %v", took)
		}
		if links := l.shell(0, "ip", "-br", "addr"); strings.Contains(links, "vrrp") || strings.Contains(links, "10.78.") {
			t.Errorf("left behind:\n%s", links)
		}
		// The tap may be behind.
		zeros := map[uint8]bool{}
		for end := time.Now().Add(5 * time.Second); len(zeros) < instances && time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			for _, h := range l.heard.since(time.Time{}) {
				if h.priority == vrrp.PriorityStop {
					zeros[h.vrid] = true
				}
			}
		}
		if len(zeros) != instances {
			t.Errorf("%d instances gave up with priority 0, want %d", len(zeros), instances)
		}
	})
}
