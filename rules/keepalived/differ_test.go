package keepalived

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"ipvsadm/check"
	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
	"ipvsadm/vrrp"
)

// interfaces makes eth0 to eth5, with 10.99.N.1/24 on each.
const interfaces = `
	for i in 0 2 4; do ip link add eth$i type veth peer name eth$((i+1)); done
	for i in 0 1 2 3 4 5; do ip addr add 10.99.$i.1/24 dev eth$i; ip link set eth$i up; done
`

// whatKeepalivedMakes runs keepalived on a file until it has said the last words,
// and returns what it says of its configuration (-d), without the time.
func whatKeepalivedMakes(t *testing.T, flag, file, last string) []string {
	t.Helper()
	program := keepalivedProgram(t)
	if out, err := exec.Command("sh", "-ec", interfaces).CombinedOutput(); err != nil {
		t.Fatalf("no interfaces: %v\n%s", err, out)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, "-n", "-l", "-d", flag, "-f", file)
	out := &watched{last: []byte(last), cancel: cancel}
	cmd.Stdout, cmd.Stderr = out, out
	cmd.WaitDelay = time.Second
	_ = cmd.Run() // it is killed once it has said all
	if out.last != nil {
		t.Fatalf("keepalived does not say %q:\n%s", last, out.buf.String())
	}
	var lines []string
	for line := range strings.Lines(out.buf.String()) {
		const stamp = len("Sun Nov 22 17:18:40 2026: ")
		if len(line) > stamp {
			lines = append(lines, strings.TrimRight(line[stamp:], "\n"))
		}
	}
	return lines
}

// watched collects output and ends the program soon after the last words.
type watched struct {
	mu     sync.Mutex
	buf    bytes.Buffer
	last   []byte
	cancel func()
}

func (w *watched) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.buf.Write(p)
	if w.last != nil && bytes.Contains(w.buf.Bytes(), w.last) {
		w.last = nil
		time.AfterFunc(time.Second, w.cancel) // it has a little more to say
	}
	return len(p), nil
}

// says is what keepalived says of an instance that is as ours.
func says(v *vrrp.InstanceConfig) []string {
	onOff := func(on bool) string {
		if on {
			return "enabled"
		}
		return "disabled"
	}
	yes := func(on bool) string {
		if on {
			return "yes"
		}
		return "no"
	}
	interval := fmt.Sprintf("%d sec", v.AdvertisementInterval/time.Second)
	if v.Version == vrrp.V3 {
		interval = fmt.Sprintf("%d milli-sec", v.AdvertisementInterval/time.Millisecond)
	}
	a := v.Announce
	lines := []string{
		fmt.Sprintf("VRRP Version = %d", v.Version),
		"Interface = " + v.Device,
		fmt.Sprintf("Gratuitous ARP delay = %d", a.MasterDelay/time.Second),
		fmt.Sprintf("Gratuitous ARP repeat = %d", a.MasterRepeat),
		fmt.Sprintf("Gratuitous ARP refresh = %d", a.MasterRefresh/time.Second),
		fmt.Sprintf("Gratuitous ARP refresh repeat = %d", a.MasterRefreshRepeat),
		fmt.Sprintf("Gratuitous ARP lower priority delay = %d", a.LowerPriorityDelay/time.Second),
		fmt.Sprintf("Gratuitous ARP lower priority repeat = %d", a.LowerPriorityRepeat),
		fmt.Sprintf("Down timer adverts = %d", v.DownAdverts),
		fmt.Sprintf("Send advert after receive lower priority advert = %v", !v.LowerPriorityNoAdvert),
		fmt.Sprintf("Send advert after receive higher priority advert = %v", v.HigherPrioritySendAdvert),
		fmt.Sprintf("Virtual Router ID = %d", v.VRID),
		fmt.Sprintf("Priority = %d", v.Priority),
		"Advert interval = " + interval,
		"Accept = " + onOff(v.Accept),
		"Preempt = " + onOff(!v.NoPreempt),
		"Promote_secondaries = " + onOff(v.PromoteSecondaries),
		fmt.Sprintf("Virtual IP (%d):", len(v.Virtual)),
		"Using smtp notification = " + yes(v.Notify.Mail),
		fmt.Sprintf("Notify priority changes = %v", v.Notify.Priorities),
	}
	if v.PreemptDelay > 0 {
		lines = append(lines, "Preempt delay = "+formatSeconds(v.PreemptDelay)+" secs")
	}
	if v.Version == vrrp.V2 {
		lines = append(lines, "Authentication type = "+map[vrrp.AuthType]string{vrrp.AuthNone: "none", vrrp.AuthPass: "SIMPLE_PASSWORD", vrrp.AuthAH: "IPSEC_AH"}[v.Auth])
	}
	if len(v.Peers) > 0 {
		lines = append(lines, fmt.Sprintf("Unicast TTL = %d", v.UnicastTTL))
	}
	return lines
}

// What keepalived 2.2.7 makes of an instance we make of it too.
func TestInstancesAreAsKeepalivedMakesThem(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		const file = "testdata/differ/vrrp.conf"
		ours, ds := Load(t.Context(), file, Options{})
		if ours == nil {
			t.Fatal(ds)
		}
		theirs := make(map[string][]string)
		name := ""
		for _, line := range whatKeepalivedMakes(t, "-P", file, "< Interfaces >") {
			if n, ok := strings.CutPrefix(line, " VRRP Instance = "); ok {
				name = n
			}
			theirs[name] = append(theirs[name], strings.TrimSpace(line))
		}
		if len(ours.VRRP.Instances) < 30 {
			t.Errorf("only %d instances", len(ours.VRRP.Instances))
		}
		for _, v := range ours.VRRP.Instances {
			compare(t, v.Name, says(&v), theirs[v.Name])
		}
	})
}

// compare wants all lines of ours among theirs.
func compare(t *testing.T, name string, ours, theirs []string) {
	t.Helper()
	for _, line := range ours {
		if slices.Contains(theirs, line) {
			continue
		}
		key, _, _ := strings.Cut(line, " = ")
		i := slices.IndexFunc(theirs, func(s string) bool { return strings.HasPrefix(s, key) })
		if i < 0 {
			t.Errorf("%s: keepalived does not say %q:\n%s", name, line, strings.Join(theirs, "\n"))
			continue
		}
		t.Errorf("%s: keepalived says %q, we %q", name, theirs[i], line)
	}
}

// What keepalived 2.2.7 makes of virtual servers and checkers we make of them
// too.
func TestServersAreAsKeepalivedMakesThem(t *testing.T) {
	uml.Run(t, func(t *testing.T) {
		const file = "testdata/differ/check.conf"
		ours, ds := Load(t.Context(), file, Options{})
		if ours == nil {
			t.Fatal(ds)
		}
		servers, checkers := splitServers(whatKeepalivedMakes(t, "-C", file, "[10.0.9.1]:tcp:80 -> [10.1.0.3]:tcp:80"))
		n := 0
		for i := range ours.Check.Servers {
			s := &ours.Check.Servers[i]
			if i >= len(servers) || len(servers[i]) != len(s.Reals)+1 {
				t.Fatalf("keepalived has another number of servers at %s", s.Name())
			}
			theirs := servers[i]
			compare(t, s.Name(), saysOfServer(s), theirs[0])
			for j := range s.Reals {
				r := &s.Reals[j]
				name := s.Name() + " " + r.Addr.String()
				compare(t, name, saysOfReal(r), theirs[j+1])
				for k := range r.Checkers {
					if n >= len(checkers) {
						t.Fatalf("keepalived has only %d checkers", n)
					}
					compare(t, name+" "+r.Checkers[k].Probe.Kind(), saysOfChecker(&r.Checkers[k]), checkers[n])
					n++
				}
			}
		}
		if n != len(checkers) || n < 15 {
			t.Errorf("%d checkers, keepalived has %d", n, len(checkers))
		}
	})
}

// splitServers cuts what keepalived says into servers, each with its own lines
// and those of its real servers, and checkers.
func splitServers(lines []string) (servers [][][]string, checkers [][]string) {
	const none, inServers, inCheckers = 0, 1, 2
	part := none
	for _, line := range lines {
		line = strings.TrimSpace(line)
		switch {
		case strings.Contains(line, "< LVS Topology >"):
			part = inServers
		case strings.Contains(line, "< Health checkers >"):
			part = inCheckers
		case part == inServers && strings.Contains(line, "< Virtual server >"):
			servers = append(servers, [][]string{nil})
		case part == inServers && strings.Contains(line, "< Real server >"):
			servers[len(servers)-1] = append(servers[len(servers)-1], nil)
		case part == inServers && len(servers) > 0:
			last := servers[len(servers)-1]
			last[len(last)-1] = append(last[len(last)-1], line)
		case part == inCheckers && strings.Contains(line, " -> ["):
			checkers = append(checkers, nil)
		case part == inCheckers && len(checkers) > 0:
			checkers[len(checkers)-1] = append(checkers[len(checkers)-1], line)
		}
	}
	return servers, checkers
}

func upper(on bool) string {
	if on {
		return "ON"
	}
	return "OFF"
}

func lower(on bool) string {
	if on {
		return "yes"
	}
	return "no"
}

func forwarding(f ipvs.Forward) string {
	return map[ipvs.Forward]string{ipvs.Masq: "NAT", ipvs.Route: "DR", ipvs.Tunnel: "TUN, type = IPIP"}[f]
}

// saysOfServer is what keepalived says of a virtual server that is as ours.
func saysOfServer(s *check.ServerConfig) []string {
	k := s.Service
	enabled := func(f ipvs.ServiceFlags) string {
		if k.Flags&f != 0 {
			return "enabled"
		}
		return "disabled"
	}
	lines := []string{
		"lvs_sched = " + k.Scheduler,
		"One packet scheduling = " + enabled(ipvs.OnePacket),
		"omega is " + upper(s.Omega),
		fmt.Sprintf("quorum = %d, hysteresis = %d", s.Quorum, s.Hysteresis),
		"Using smtp notification = " + lower(s.Mail),
	}
	if k.FWMark == 0 {
		lines = append(lines, fmt.Sprintf("VS VIP = %s, VPORT = %d", k.Addr.Addr(), k.Addr.Port()), "protocol = "+strings.ToUpper(protocolWord(k.Protocol)))
	}
	if k.Flags&ipvs.Persistent != 0 {
		lines = append(lines, fmt.Sprintf("persistence timeout = %d", k.Timeout/time.Second))
		if k.Netmask != ipvs.HostMask(k.Family) {
			lines = append(lines, "persistence granularity = "+formatMask(k.Family, k.Netmask))
		}
	}
	return lines
}

func saysOfReal(r *check.RealConfig) []string {
	return []string{
		fmt.Sprintf("RIP = %s, RPORT = %d, WEIGHT = %d EFF WEIGHT = %d", r.Addr.Addr(), r.Addr.Port(), r.Weight, r.Weight),
		"forwarding method = " + forwarding(r.Forward),
		fmt.Sprintf("connection limit range = %d -> %d", r.Lower, r.Upper),
		"Inhibit on failure is " + upper(r.Inhibit),
		"Using smtp notification = " + lower(r.Mail),
	}
}

func saysOfChecker(c *check.CheckerConfig) []string {
	lines := []string{
		"Alpha = " + lower(c.Alpha),
		fmt.Sprintf("Delay loop = %d us", c.Interval/time.Microsecond),
		fmt.Sprintf("Warmup = %d us", c.Warmup/time.Microsecond),
		fmt.Sprintf("Retries = %d", c.Retries),
		"Log all failures = " + lower(c.LogFailures),
	}
	if c.Retries > 0 {
		lines = append(lines, fmt.Sprintf("Delay before retry = %d us", c.RetryDelay/time.Microsecond))
	}
	endpoint := func(e check.Endpoint) {
		lines = append(lines, fmt.Sprintf("Dest = [%s]:%d", e.Addr.Addr(), e.Addr.Port()), fmt.Sprintf("Timeout = %.6f", e.Timeout.Seconds()))
		if e.Bind.IsValid() {
			lines = append(lines, fmt.Sprintf("Bind to = [%s]:%d", e.Bind, e.Port))
		}
		if e.Mark != 0 {
			lines = append(lines, fmt.Sprintf("Mark = %d", e.Mark))
		}
	}
	method := c.Probe.Kind()
	switch p := c.Probe.(type) {
	case check.TCPConfig:
		endpoint(p.Endpoint)
	case check.PingConfig:
		endpoint(p.Endpoint)
	case check.SMTPConfig:
		endpoint(p.Endpoint)
		lines = append(lines, "helo = "+p.Helo)
	case check.DNSConfig:
		endpoint(p.Endpoint)
		lines = append(lines, "Type = "+p.Type.String(), strings.TrimSpace("Name = "+strings.TrimPrefix(p.Name, ".")))
	case check.UDPConfig:
		endpoint(p.Endpoint)
		lines = append(lines, "Require reply = "+lower(p.Reply), fmt.Sprintf("Min reply length = %d", p.MinReply), fmt.Sprintf("Max reply length = %d", p.MaxReply))
	case check.MiscConfig:
		lines = append(lines, "dynamic = "+strings.ToUpper(lower(p.Dynamic)))
		if p.Timeout != c.Interval { // keepalived shows 0 for delay_loop
			lines = append(lines, fmt.Sprintf("timeout = %d", p.Timeout/time.Second))
		}
	case check.HTTPConfig:
		endpoint(p.Endpoint)
		method += ", http protocol " + p.Version.String()
		for _, u := range p.URLs {
			lines = append(lines, "Checked url = "+u.Path)
			for _, s := range u.Status {
				lines = append(lines, formatStatus(s))
			}
			if u.HasDigest {
				lines = append(lines, fmt.Sprintf("digest = %x", u.Digest))
			}
		}
	}
	return append(lines, "Keepalive method = "+method)
}
