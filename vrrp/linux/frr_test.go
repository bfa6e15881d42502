package linux_test

import (
	"bytes"
	"fmt"
	"net"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"ipvsadm/testdata/lab/uml"
	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// frrPrograms is where Debian puts FRR's daemons.
const frrPrograms = "/usr/lib/frr/"

// frr is FRR's vrrpd on a host, and the zebra that it tells of interfaces. It
// speaks for IPv4 and IPv6 with the same VRID. Its addresses are on two macvlan
// interfaces, for good: it takes their carriers away while it is Backup.
type frr struct {
	lab      *lab
	host     int
	priority int
	dir      string
	vrrpd    *exec.Cmd
	log      logBuffer
}

const frrInterval = 100 * time.Millisecond

// frrAddresses are the virtual addresses, of IPv4 and of IPv6.
var frrAddresses = [2][]string{{"10.77.0.100"}, {"fe80::100", "fd77::100"}}

// frr makes what it needs, and starts zebra.
func (l *lab) frr(host, priority int) *frr {
	l.t.Helper()
	// FRR gives up being root, so it needs a directory that anybody can enter.
	f := &frr{lab: l, host: host, priority: priority, dir: "/run/frr-" + l.prefix}
	err := os.Mkdir(f.dir, 0o777)
	if err == nil {
		err = os.Chmod(f.dir, 0o777)
	}
	conf := fmt.Sprintf("interface eth0\n vrrp %[1]d version 3\n vrrp %[1]d priority %[2]d\n vrrp %[1]d advertisement-interval %[3]d\n",
		firstVRID, priority, frrInterval.Milliseconds())
	for family, word := range []string{"ip", "ipv6"} {
		name, mac := "vrrp-"+word, vrrp.VirtualMAC(firstVRID, family == 1)
		l.shell(host, "ip", "link", "add", "name", name, "link", "eth0", "type", "macvlan", "mode", "bridge")
		l.shell(host, "ip", "link", "set", "dev", name, "address", mac.String())
		for _, a := range frrAddresses[family] {
			l.hosts[host].AddAddr(l.t, name, netip.PrefixFrom(netip.MustParseAddr(a), 24+40*family).String())
			conf += fmt.Sprintf(" vrrp %d %s %s\n", firstVRID, word, a)
		}
		l.shell(host, "ip", "link", "set", "dev", name, "up")
	}
	for name, text := range map[string]string{"zebra.conf": "", "vrrpd.conf": conf} {
		if err == nil {
			err = os.WriteFile(filepath.Join(f.dir, name), []byte(text), 0o644)
		}
	}
	if err != nil {
		l.t.Fatal(err)
	}
	zebra := f.run("zebra")
	l.t.Cleanup(func() {
		if f.vrrpd != nil {
			f.end(unix.SIGKILL)
		}
		zebra.Process.Kill()
		zebra.Wait()
		if l.t.Failed() {
			l.t.Logf("FRR on host %d:\n%s\n%s", host+1, conf, f.log.String())
		}
	})
	// Who does not find zebra tries again after 10 seconds only.
	l.await("zebra listens", func() bool {
		c, err := net.Dial("unix", filepath.Join(f.dir, "zserv.api"))
		if err == nil {
			c.Close()
		}
		return err == nil
	})
	return f
}

// run starts a daemon of FRR.
func (f *frr) run(name string) *exec.Cmd {
	f.lab.t.Helper()
	in := func(file string) string { return filepath.Join(f.dir, file) }
	cmd := exec.Command(frrPrograms+name, "-u", "frr", "-g", "frr", "-f", in(name+".conf"), "-i", in(name+".pid"),
		"-z", in("zserv.api"), "--vty_socket", f.dir, "-A", "127.0.0.1", "-P", "0", "--log", "stdout")
	cmd.Stdout, cmd.Stderr = &f.log, &f.log
	var err error
	f.lab.hosts[f.host].Do(func() { err = cmd.Start() })
	if err != nil {
		f.lab.t.Fatal(err)
	}
	return cmd
}

func (f *frr) start() { f.vrrpd = f.run("vrrpd") }

// end sends a signal that ends vrrpd.
func (f *frr) end(s unix.Signal) {
	f.vrrpd.Process.Signal(s)
	f.vrrpd.Wait()
	f.vrrpd = nil
}

// reachable tells whether the addresses of a family can be reached on FRR's host.
func (f *frr) reachable(family int) (yes bool) {
	f.lab.hosts[f.host].Do(func() {
		link, err := net.InterfaceByName([]string{"vrrp-ip", "vrrp-ipv6"}[family])
		yes = err == nil && link.Flags&net.FlagRunning != 0
	})
	return yes
}

// frrPair is FRR's router and one of ours on a switch.
type frrPair struct {
	*lab
	f    *frr
	us   *router
	host int // ours
}

// TestFRR hands addresses of both families over between FRR's vrrpd and us, in
// both roles: a crash, the return after it, a stop in good order, and the return
// after that.
func TestFRR(t *testing.T) {
	t.Parallel() // it waits, mostly
	lab := inLab
	if os.Getuid() != 0 { // FRR wants groups, which a user namespace does not give it
		lab = uml.Run
	}
	lab(t, func(t *testing.T) {
		if _, err := exec.LookPath(frrPrograms + "vrrpd"); err != nil {
			t.Skip("needs Debian package frr")
		}
		for ours, name := range []string{"we are master", "FRR is master"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				l := newLab(t)
				p := &frrPair{lab: l, host: ours, f: l.frr(1-ours, 100+50*ours)}
				conf := "global_defs {\n vrrp_version 3\n}\n"
				for family, addrs := range frrAddresses {
					conf += fmt.Sprintf("vrrp_instance VI_%d {\n interface eth0\n virtual_router_id %d\n priority %d\n advert_int %v\n virtual_ipaddress {\n",
						family, firstVRID, 150-50*ours, frrInterval.Seconds())
					for _, a := range addrs {
						conf += "  " + a + "\n"
					}
					conf += " }\n}\n"
				}
				p.us = l.router(ours, true, conf)
				p.handOvers()
			})
		}
	})
}

// handOvers goes through all of them. The first host has the higher priority.
func (p *frrPair) handOvers() {
	p.t.Helper()
	down := vrrp.ActiveDownInterval(vrrp.V3, 100, frrInterval, 3)
	p.startHost(0)
	p.startHost(1)
	p.settle("at the start", 0, false)

	since := time.Now()
	p.endHost(0, unix.SIGKILL)
	p.settle("after a crash", 1, true)
	p.checkTakeover(since, down)
	p.startHost(0)
	p.settle("preemption after the crash", 0, false)

	since = time.Now()
	p.endHost(0, unix.SIGTERM)
	p.settle("after a stop", 1, false)
	p.checkTakeover(since, vrrp.SkewTime(vrrp.V3, 100, frrInterval))
	p.startHost(0)
	p.settle("preemption after the stop", 0, false)
}

func (p *frrPair) startHost(host int) {
	if host == p.host {
		p.us.start()
	} else {
		p.f.start()
	}
}

func (p *frrPair) endHost(host int, s unix.Signal) {
	switch {
	case host != p.host:
		p.f.end(s)
	case s == unix.SIGKILL:
		p.us.kill()
	default:
		p.us.stop()
	}
}

// settle waits until one host is the only one that advertises and has the
// addresses, of both families. After a crash they stay where they were.
func (p *frrPair) settle(when string, host int, crashed bool) {
	p.t.Helper()
	for family, addrs := range frrAddresses {
		p.await(fmt.Sprintf("%s: host %d is alone with %v", when, host+1, addrs), func() bool {
			for _, a := range addrs {
				if has := p.has(p.host, a); has != (host == p.host) && !(crashed && host != p.host) {
					return false
				}
			}
			if p.f.reachable(family) != (host != p.host) && !(crashed && host == p.host) {
				return false
			}
			recent := p.family(time.Now().Add(-5*frrInterval), family)
			return len(recent) >= 3 && !slices.ContainsFunc(recent, func(h heard) bool { return h.priority != uint8(150-50*host) })
		})
		recent := p.family(time.Now().Add(-5*frrInterval), family)
		for _, h := range recent {
			if h.ttl != vrrp.TTL || host != p.host && !bytes.Equal(h.mac, vrrp.VirtualMAC(firstVRID, family == 1)) {
				p.t.Errorf("%s: an advertisement with TTL %d from %v", when, h.ttl, h.mac)
			}
		}
	}
}

// family is what was heard of one family since a time.
func (p *frrPair) family(since time.Time, family int) []heard {
	return slices.DeleteFunc(p.heard.since(since), func(h heard) bool { return h.source.Is6() != (family == 1) })
}

// checkTakeover checks the time between the last advertisement of the first host
// and the first one of the second, of both families.
func (p *frrPair) checkTakeover(since time.Time, want time.Duration) {
	p.t.Helper()
	for family := range frrAddresses {
		all := p.family(since.Add(-5*frrInterval), family)
		i := slices.IndexFunc(all, func(h heard) bool { return h.priority == 100 })
		if i < 1 {
			p.t.Fatalf("no change of the sender was heard: %+v", all)
		}
		took := all[i].at.Sub(all[i-1].at)
		p.t.Logf("takeover after %v, %v more than the protocol's time", took, took-want)
		if took < want-5*time.Millisecond || took > want+slack {
			p.t.Errorf("%v after the last advertisement, want %v", took, want)
		}
	}
}
