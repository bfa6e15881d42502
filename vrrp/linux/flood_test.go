package linux_test

import (
	"encoding/binary"
	"encoding/json"
	"fmt"
	"net/netip"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"ipvsadm/vrrp"

	"golang.org/x/sys/unix"
)

// bogus is a packet that must be refused, and why.
type bogus struct {
	packet []byte
	reason vrrp.Reason // Accepted for those that no instance is found for
}

// bogusPackets are advertisements with one thing wrong each, and one of lower
// priority, with which nothing is wrong but its sender.
func bogusPackets(t *testing.T, interval time.Duration) (all []bogus, spoofed []byte) {
	t.Helper()
	good := vrrp.Advertisement{Version: vrrp.V3, VRID: firstVRID, Priority: 200, MaxAdvertiseInterval: interval,
		Addresses: []netip.Addr{netip.MustParseAddr("10.77.0.100")}}
	header := vrrp.IPv4{Source: netip.MustParseAddr("10.77.0.9"), Destination: vrrp.GroupIPv4(), TTL: vrrp.TTL}
	packet := func(h vrrp.IPv4, a vrrp.Advertisement, spoil func(message []byte)) []byte {
		p, err := vrrp.AppendIPv4(nil, h, a)
		if err != nil {
			t.Fatal(err)
		}
		spoil(p[20:])
		return p
	}
	// resum makes the checksum right again, in the form without pseudo-header.
	resum := func(m []byte) {
		m[6], m[7] = 0, 0
		sum := uint32(0)
		for i := 0; i+1 < len(m); i += 2 {
			sum += uint32(binary.BigEndian.Uint16(m[i:]))
		}
		for sum > 0xffff {
			sum = sum>>16 + sum&0xffff
		}
		binary.BigEndian.PutUint16(m[6:], ^uint16(sum))
	}
	as := func(spoil func(m []byte)) func([]byte) {
		return func(m []byte) { spoil(m); resum(m) }
	}
	asIs := func([]byte) {}
	far, elsewhere, alien := header, header, good
	far.TTL = 64
	elsewhere.Destination = netip.MustParseAddr("10.77.0.1")
	alien.VRID = 99
	all = []bogus{
		{packet(header, good, as(func(m []byte) { m[0] = 0x21 })), vrrp.ReasonVersion},
		{packet(header, good, as(func(m []byte) { m[0] = 0x32 })), vrrp.ReasonType},
		{packet(far, good, asIs), vrrp.ReasonTTL},
		{packet(header, good, func(m []byte) { m[6] ^= 0x55 }), vrrp.ReasonChecksum},
		{packet(header, good, func(m []byte) { m[3] = 0; resum(m[:8]) }), vrrp.ReasonAddressCount},
		{packet(header, good, as(func(m []byte) { m[4], m[5] = 0, 0 })), vrrp.ReasonIntervalZero},
		{packet(header, good, as(func(m []byte) { m[3] = 9 })), vrrp.ReasonAddressLength},
		{packet(elsewhere, good, asIs), vrrp.ReasonDestination},
		{packet(header, alien, asIs), vrrp.Accepted},
	}
	good.Priority = 1
	return all, packet(header, good, asIs)
}

// counters asks a router for its counters.
func (r *router) counters() (c nodeCounters) {
	r.lab.t.Helper()
	before := strings.Count(r.log.String(), "Counters: ")
	r.signal(unix.SIGUSR1)
	r.lab.await("it shows its counters", func() bool {
		parts := strings.Split(r.log.String(), "Counters: <nil> ")
		line, _, whole := strings.Cut(parts[len(parts)-1], "\n")
		return whole && len(parts) > before+1 && json.Unmarshal([]byte(line), &c) == nil
	})
	return c
}

// TestFlood sends 10 000 packets a second that must be refused to the Active
// Router, and some by which it must not be made to amplify them. Each is counted,
// few are logged, and its own advertisements leave as ever.
func TestFlood(t *testing.T) {
	// Not so short that a busy machine alone makes a Backup Router take over.
	inArena(t, 500*time.Millisecond, func(a *arena) {
		c := a.cable(a.random.Uint64())
		time.Sleep(3 * a.interval)
		packets, spoofed := bogusPackets(t, a.interval)
		before := a.routers[0].counters()
		since := time.Now()
		const perBurst = 100 // in 10 ms
		sent := 0
		for burst := range 200 * rounds() {
			for i := range perBurst {
				c.inject(0, packets[(burst*perBurst+i)%len(packets)].packet)
			}
			c.inject(0, spoofed)
			sent += perBurst + 1
			time.Sleep(time.Until(since.Add(time.Duration(burst+1) * 10 * time.Millisecond)))
		}
		took := time.Since(since)
		time.Sleep(5 * a.interval)
		after := a.routers[0].counters()
		a.checkCounted(packets, before, after, sent)
		a.checkQuiet(since, took)
	})
}

// checkCounted checks that each packet was counted, and for its own reason.
func (a *arena) checkCounted(packets []bogus, before, after nodeCounters, sent int) {
	a.t.Helper()
	if dropped := a.rawDrops(); dropped > 0 {
		a.t.Fatalf("the kernel dropped %d packets before they could be counted", dropped)
	}
	perReason := map[vrrp.Reason]uint64{}
	for i := range sent * 100 / 101 {
		perReason[packets[i%len(packets)].reason]++
	}
	for _, r := range vrrp.Reasons() {
		if got := after.RefusedFor(r) - before.RefusedFor(r); got != perReason[r] {
			a.t.Errorf("%d packets refused for %v, want %d", got, r, perReason[r])
		}
	}
	if got := after.UnknownVRID - before.UnknownVRID; got != perReason[vrrp.Accepted] {
		a.t.Errorf("%d packets for unknown instances, want %d", got, perReason[vrrp.Accepted])
	}
	if got, want := after.RcvdAdvertisements-before.RcvdAdvertisements, uint64(sent/101); got != want {
		a.t.Errorf("%d advertisements accepted, want %d", got, want)
	}
	if after.MasterTransitions != before.MasterTransitions || after.ReleasedMaster != before.ReleasedMaster {
		a.t.Error("the state changed")
	}
}

// checkQuiet checks that neither the log nor the network was flooded, and that no
// advertisement was late.
func (a *arena) checkQuiet(since time.Time, took time.Duration) {
	a.t.Helper()
	seconds := int(took/time.Second) + 2
	for _, word := range []string{"TTL", "checksum", "version", "lower priority"} {
		// Notes of the same kind may be half a second apart.
		if n := strings.Count(strings.ToLower(a.routers[0].log.String()), strings.ToLower(word)); n > 2*seconds {
			a.t.Errorf("%d lines about %s in %d seconds", n, word, seconds)
		}
	}
	ours := slices.DeleteFunc(a.heard.since(since), a.sentByOther(0))
	checkGaps(a.t, ours, a.interval)
	// An answer every 10 ms at most.
	if most := int((took+6*a.interval)/(10*time.Millisecond)) + 20; len(ours) > most {
		a.t.Errorf("%d advertisements, want %d at most", len(ours), most)
	}
	if slices.ContainsFunc(a.heard.since(since), func(h heard) bool { return h.priority == 100 }) {
		a.t.Error("the Backup Router took over")
	}
}

// rawDrops is how many packets the kernel dropped because a raw socket of the
// first host was full.
func (a *arena) rawDrops() (n int) {
	a.t.Helper()
	a.hosts[0].Do(func() {
		text, err := os.ReadFile("/proc/thread-self/net/raw")
		if err != nil {
			a.t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			fields := strings.Fields(line)
			drops := 0
			if _, err := fmt.Sscan(fields[len(fields)-1], &drops); err == nil {
				n += drops
			}
		}
	})
	return n
}
