package linux_test

import (
	"bytes"
	"fmt"
	"net/netip"
	"os"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// roundsVar is how often each hand-over is repeated, 1 if unset.
const roundsVar = "VRRP_ROUNDS"

// variant is a way to run VRRP that both sides must agree on.
type variant struct {
	name     string
	version  vrrp.Version
	interval time.Duration
	// instance and unicast are lines of the vrrp_instance; unicast makes one of
	// the address of the other host.
	instance string
	unicast  bool
	ipv6     bool
	// second adds an instance of the same sync group.
	second bool
	// noPreempt keeps the first host from taking back what it lost.
	noPreempt bool
}

func variants() []variant {
	const second, tenth = time.Second, 100 * time.Millisecond
	return []variant{
		{name: "v2 PASS", version: vrrp.V2, interval: second, instance: "authentication { auth_type PASS ; auth_pass secret12 }"},
		{name: "v2 AH", version: vrrp.V2, interval: second, instance: "authentication { auth_type AH ; auth_pass secret12 }"},
		{name: "v2 unicast", version: vrrp.V2, interval: second, unicast: true},
		{name: "v3", version: vrrp.V3, interval: tenth},
		{name: "v3 nopreempt", version: vrrp.V3, interval: tenth, noPreempt: true},
		{name: "v3 IPv6", version: vrrp.V3, interval: tenth, ipv6: true},
		{name: "v3 unicast", version: vrrp.V3, interval: tenth, unicast: true},
		{name: "v3 IPv6 unicast", version: vrrp.V3, interval: tenth, unicast: true, ipv6: true},
		{name: "v3 VMAC", version: vrrp.V3, interval: tenth, instance: "use_vmac"},
		{name: "v3 VMAC transmits on base", version: vrrp.V3, interval: tenth, instance: "use_vmac ; vmac_xmit_base"},
		{name: "v3 IPv6 VMAC", version: vrrp.V3, interval: tenth, ipv6: true, instance: "use_vmac"},
		{name: "v3 IPv6 nopreempt", version: vrrp.V3, interval: tenth, ipv6: true, noPreempt: true},
		{name: "v3 sync group", version: vrrp.V3, interval: tenth, second: true},
		{name: "v3 sync group VMAC", version: vrrp.V3, interval: tenth, second: true, instance: "use_vmac"},
		{name: "v3 10 ms", version: vrrp.V3, interval: 10 * time.Millisecond},
		{name: "v3 10 ms unicast", version: vrrp.V3, interval: 10 * time.Millisecond, unicast: true},
	}
}

const firstVRID = 51

// addresses are the virtual addresses of the n-th instance, from 0.
func (v variant) addresses(n int) []string {
	if v.ipv6 {
		return []string{fmt.Sprintf("fe80::10%d", n), fmt.Sprintf("fd77::10%d", n)}
	}
	return []string{fmt.Sprintf("10.77.0.10%d", n)}
}

// conf is the configuration of a host, from 0: the first has the higher priority.
func (v variant) conf(host int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "global_defs {\n vrrp_version %d\n}\n", v.version)
	instances := 1
	if v.second {
		instances = 2
		b.WriteString("vrrp_sync_group G1 {\n group {\n  VI_1\n  VI_2\n }\n}\n")
	}
	for n := range instances {
		fmt.Fprintf(&b, "vrrp_instance VI_%d {\n state BACKUP\n interface eth0\n virtual_router_id %d\n priority %d\n advert_int %v\n",
			n+1, firstVRID+n, 150-50*host, v.interval.Seconds())
		for line := range strings.SplitSeq(v.instance, " ; ") {
			// A block has a line for each word of it.
			line = strings.NewReplacer("{ ", "{\n  ", " }", "\n }").Replace(line)
			fmt.Fprintf(&b, " %s\n", line)
		}
		if v.noPreempt {
			b.WriteString(" nopreempt\n")
		}
		if v.unicast {
			us, them := fmt.Sprintf("10.77.0.%d", host+1), fmt.Sprintf("10.77.0.%d", 2-host)
			if v.ipv6 {
				us, them = fmt.Sprintf("fd77::%d", host+1), fmt.Sprintf("fd77::%d", 2-host)
			}
			fmt.Fprintf(&b, " unicast_src_ip %s\n unicast_peer {\n  %s\n }\n", us, them)
		}
		b.WriteString(" virtual_ipaddress {\n")
		for _, a := range v.addresses(n) {
			fmt.Fprintf(&b, "  %s\n", a)
		}
		b.WriteString(" }\n}\n")
	}
	return b.String()
}

// down is how long the second host waits for the first one.
func (v variant) down() time.Duration { return vrrp.ActiveDownInterval(v.version, 100, v.interval, 3) }

// pair is the two routers of a variant.
type pair struct {
	*lab
	variant
	routers [2]*router
}

// TestInterop hands addresses over between keepalived and us, in both roles: a
// crash, the return after it, a stop in good order, and the return after that.
func TestInterop(t *testing.T) {
	inLab(t, func(t *testing.T) {
		if _, err := exec.LookPath("keepalived"); err != nil {
			t.Skip("needs Debian package keepalived")
		}
		rounds, _ := strconv.Atoi(os.Getenv(roundsVar))
		all := variants()
		if inGuest() {
			all = all[:1] // several at once would not run in time
		}
		for _, v := range all {
			for _, ours := range []int{0, 1} {
				t.Run(fmt.Sprintf("%s/we are host %d", v.name, ours+1), func(t *testing.T) {
					if v.interval > 10*time.Millisecond {
						t.Parallel() // it is waiting, mostly
					}
					p := &pair{lab: newLab(t), variant: v}
					for host := range p.routers {
						p.routers[host] = p.router(host, host == ours, v.conf(host))
					}
					for range max(rounds, 1) {
						p.round()
					}
				})
			}
		}
	})
}

// round is four hand-overs.
func (p *pair) round() {
	p.t.Helper()
	first, second := p.routers[0], p.routers[1]
	first.start()
	if p.noPreempt { // who starts first wins
		p.settle("alone", 0)
	}
	second.start()
	p.settle("at the start", 0)
	began := time.Now()

	killed := time.Now()
	first.kill()
	p.settle("after a crash", 1, 0) // whose addresses stay where they were
	p.checkTakeover(killed, p.down())

	first.start()
	p.back("after the crash")

	stopped := time.Now()
	took := p.routers[0].stop()
	p.settle("after a stop", 1)
	if first.ours {
		if took > 500*time.Millisecond {
			p.t.Errorf("our router took %v to stop", took)
		}
	}
	p.checkTakeover(stopped, vrrp.SkewTime(p.version, 100, p.interval))

	first.start()
	p.back("after the stop")
	if p.interval > 10*time.Millisecond { // less than a busy machine lets a process wait
		p.checkFlaps(began)
	}
	for _, r := range p.routers {
		r.stop()
	}
	p.settle("at the end")
	p.checkCleanUp()
}

// back waits for the first host to take back the addresses, or with nopreempt
// makes sure that it does not, and gives them to it.
func (p *pair) back(when string) {
	p.t.Helper()
	if p.noPreempt {
		time.Sleep(2 * p.down())
		p.settle("nopreempt "+when, 1)
		p.routers[1].stop()
		p.settle("the other is alone "+when, 0)
		p.routers[1].start()
		time.Sleep(2 * p.down())
	}
	p.settle("preemption "+when, 0)
}

// settle waits until the first of the hosts given is the only one that has all
// addresses and advertises. The others may have some left.
func (p *pair) settle(when string, hosts ...int) {
	p.t.Helper()
	instances := 1
	if p.second {
		instances = 2
	}
	state := ""
	for end := time.Now().Add(3*p.down() + 20*time.Second); ; time.Sleep(20 * time.Millisecond) {
		wrong := false
		state = ""
		for host := range p.hosts {
			for n := range instances {
				for _, a := range p.addresses(n) {
					has := p.has(host, a)
					state += fmt.Sprintf(" host %d has %s: %v", host+1, a, has)
					should, may := len(hosts) > 0 && host == hosts[0], len(hosts) > 1 && host == hosts[1]
					wrong = wrong || has != should && !may
				}
			}
		}
		if !wrong {
			break
		}
		if time.Now().After(end) {
			p.t.Fatalf("%s: %s", when, state)
		}
	}
	if len(hosts) > 0 {
		p.alone(when, hosts[0])
	}
}

// alone checks that only the one host advertises, with TTL 255, and from the
// virtual MAC address if it has one. Right after a change the other one may not
// know of it yet.
func (p *pair) alone(when string, host int) {
	p.t.Helper()
	var heard []heard
	for range 20 {
		since := time.Now()
		time.Sleep(p.interval*4 + 100*time.Millisecond)
		heard = p.heard.since(since)
		if len(heard) >= 2 && !slices.ContainsFunc(heard, p.sentByOther(host)) {
			break
		}
	}
	if len(heard) < 2 {
		p.t.Fatalf("%s: host %d does not advertise", when, host+1)
	}
	for _, h := range heard {
		if p.sentByOther(host)(h) {
			p.t.Fatalf("%s: %v advertises beside host %d", when, h.source, host+1)
		}
		// keepalived 2.2.7 sends IPv6 unicast with hop limit 64.
		if ours := p.routers[host].ours; h.ttl != vrrp.TTL && (ours || !p.unicast) {
			p.t.Errorf("%s: TTL %d from %v", when, h.ttl, h.source)
		}
		virtual := vrrp.VirtualMAC(h.vrid, p.ipv6).String()
		if wants := strings.Contains(p.instance, "use_vmac") && !strings.Contains(p.instance, "xmit_base"); wants != (h.mac.String() == virtual) {
			p.t.Errorf("%s: an advertisement from %v", when, h.mac)
		}
	}
}

// sentByOther tells whether an advertisement is not the host's: each of them has
// its own priority.
func (p *pair) sentByOther(host int) func(heard) bool {
	return func(h heard) bool { return h.priority != uint8(150-50*host) }
}

// slack is what a takeover may take longer than the protocol's time, on a busy
// machine or in a guest with one CPU: this is no measurement.
const slack = time.Second

// checkTakeover checks the time between the last advertisement of one host and
// the first of the other.
func (p *pair) checkTakeover(since time.Time, want time.Duration) {
	p.t.Helper()
	last, first, ok := p.heard.change(since, firstVRID)
	if !ok {
		p.t.Fatalf("no change of the sender was heard")
	}
	p.checkAnnounced(since, first.at)
	took := first.at.Sub(last.at)
	p.t.Logf("takeover after %v, %v more than the protocol's time", took, took-want)
	if took < want-5*time.Millisecond || took > want+slack {
		p.t.Errorf("%v after the last advertisement, want %v", took, want)
	}
}

// checkAnnounced checks that a new Active Router announces its addresses, not
// before it has advertised, and with the virtual MAC address if it has one.
func (p *pair) checkAnnounced(since, advertised time.Time) {
	p.t.Helper()
	virtual := vrrp.VirtualMAC(firstVRID, p.ipv6)
	for _, a := range p.addresses(0) {
		addr := netip.MustParseAddr(a)
		p.await("an announcement of "+a, func() bool { return len(p.heard.announcements(addr, advertised)) > 0 })
		for _, x := range p.heard.announcements(addr, since) {
			if x.at.Before(advertised) {
				p.t.Errorf("%s was announced %v before the first advertisement", a, advertised.Sub(x.at))
			}
			if wants := strings.Contains(p.instance, "use_vmac"); wants != bytes.Equal(x.mac, virtual) {
				p.t.Errorf("%s was announced for %v", a, x.mac)
			}
		}
	}
}

// checkFlaps checks that the addresses, which the first host had, went from host to
// host no more often than they had to in a round. Right after a change the other host may send once more,
// because it does not know yet.
func (p *pair) checkFlaps(since time.Time) {
	p.t.Helper()
	history := []int{0}
	var changed time.Time
	for _, h := range p.heard.since(since) {
		host := 0
		if h.priority == 100 || h.priority == 0 && history[len(history)-1] == 1 {
			host = 1
		}
		switch {
		case h.vrid != firstVRID || history[len(history)-1] == host:
		case h.at.Sub(changed) > p.interval:
			history, changed = append(history, host), h.at
		}
	}
	if want := []int{0, 1, 0, 1, 0}; !slices.Equal(history, want) {
		p.t.Errorf("the hosts that advertised were %v, want %v", history, want)
	}
}

// checkCleanUp checks that we left nothing behind.
func (p *pair) checkCleanUp() {
	p.t.Helper()
	for host, r := range p.routers {
		if links := p.shell(host, "ip", "-br", "link"); r.ours && strings.Contains(links, "vrrp") {
			p.t.Errorf("left behind:\n%s", links)
		}
	}
}

// TestPause stops the Active Router for longer than the other waits. When it
// goes on it must not take anything back that it lost, but give it up; being the
// better one it takes it back in its time.
func TestPause(t *testing.T) {
	inLab(t, func(t *testing.T) {
		v := variant{version: vrrp.V3, interval: 100 * time.Millisecond, noPreempt: true}
		p := &pair{lab: newLab(t), variant: v}
		for host := range p.routers {
			p.routers[host] = p.router(host, true, v.conf(host))
			p.routers[host].start()
			p.settle("at the start", 0) // who starts first wins
		}
		p.routers[0].signal(unix.SIGSTOP)
		p.settle("during the pause", 1, 0)
		paused := time.Now()
		p.routers[0].signal(unix.SIGCONT)
		p.settle("after the pause", 1)
		for _, h := range p.heard.since(paused) {
			if h.source.String() == "10.77.0.1" {
				t.Errorf("host 1 sent an advertisement of priority %d when it went on", h.priority)
			}
		}
	})
}
