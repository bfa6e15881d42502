package vrrp

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// These are a Wire, a Host and a Notifier in memory, for Managers in a synctest
// bubble, where time is exact.

// ether is a link that Managers are on.
type ether struct {
	mu    sync.Mutex
	wires []*fakeWire
}

// journal is what a Manager did, in order, with the time since the start.
type journal struct {
	mu    sync.Mutex
	start time.Time
	lines []string
}

func (j *journal) add(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.lines = append(j.lines, fmt.Sprintf("%v ", time.Since(j.start))+fmt.Sprintf(format, args...))
}

// take returns the lines since it was last called.
func (j *journal) take() string {
	j.mu.Lock()
	defer j.mu.Unlock()
	s := strings.Join(j.lines, "\n")
	j.lines = nil
	return s
}

// fakeWire implements Wire.
type fakeWire struct {
	net    *ether
	log    *journal
	mu     sync.Mutex
	queue  []Outgoing
	ready  chan struct{}
	cut    bool // neither sends nor receives
	frozen bool // the process does not run
	joined int
	sends  int // calls
}

func (e *ether) plug(log *journal) *fakeWire {
	w := &fakeWire{net: e, log: log, ready: make(chan struct{}, 1)}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.wires = append(e.wires, w)
	return w
}

func (w *fakeWire) Join(Port, netip.Addr) (func(), error) {
	w.joined++
	return func() { w.joined-- }, nil
}

func (w *fakeWire) Send(all []Outgoing) error {
	w.sends++
	w.net.mu.Lock()
	defer w.net.mu.Unlock()
	for _, o := range all {
		d, r := ParseIPv4(slices.Clone(o.Packet), 0)
		if r != Accepted {
			return errors.New("not a packet")
		}
		vrid, _ := d.VRID()
		w.log.add("send vrid %d priority %d", vrid, d.Payload[2])
		o.Packet = slices.Clone(o.Packet)
		for _, other := range w.net.wires {
			if other != w && !w.cut && !other.cut {
				other.mu.Lock()
				other.queue = append(other.queue, o)
				other.mu.Unlock()
				other.Interrupt()
			}
		}
	}
	return nil
}

func (w *fakeWire) Interrupt() {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.frozen {
		return
	}
	select {
	case w.ready <- struct{}{}:
	default:
	}
}

// freeze stops the process, and thaw lets it go on.
func (w *fakeWire) freeze(yes bool) {
	w.mu.Lock()
	w.frozen = yes
	w.mu.Unlock()
	w.Interrupt()
}

func (w *fakeWire) Receive(deliver func(Port, Datagram, Reason)) {
	w.mu.Lock()
	queue := w.queue
	w.queue = nil
	w.mu.Unlock()
	for _, o := range queue {
		d, r := ParseIPv4(o.Packet, o.Port.Interface)
		deliver(o.Port, d, r)
	}
}

func (w *fakeWire) Wait(atMost time.Duration) {
	timer := time.AfterFunc(atMost, w.Interrupt)
	defer timer.Stop()
	<-w.ready
}

// fakeHost implements Host: one with eth0 and eth1.
type fakeHost struct {
	log     *journal
	mu      sync.Mutex
	own     netip.Prefix
	held    map[string][]netip.Prefix // by device
	down    map[string]bool
	views   chan *View
	applied uint64
	calls   int
	lost    []Change
	remade  int // how often the interfaces were deleted and made anew
	vmacs   map[string]bool
	before  func()             // does something once, before the next Apply looks
	refuse  func(Change) error // answers to what is added
}

func newFakeHost(log *journal, own string) *fakeHost {
	h := &fakeHost{log: log, own: netip.MustParsePrefix(own), held: map[string][]netip.Prefix{}, down: map[string]bool{}, vmacs: map[string]bool{}, views: make(chan *View, 1)}
	h.deliver()
	return h
}

func (h *fakeHost) Views() <-chan *View { return h.views }

// deliver publishes a View.
func (h *fakeHost) deliver() {
	h.mu.Lock()
	defer h.mu.Unlock()
	v := &View{Applied: h.applied, Lost: h.lost}
	for i, name := range []string{"eth0", "eth1"} {
		l := Link{Index: i + 2 + 10*h.remade, Name: name, Up: !h.down[name]}
		for _, p := range append([]netip.Prefix{h.own}, h.held[name]...) {
			l.Addresses = append(l.Addresses, LinkAddress{Prefix: p})
		}
		v.Links = append(v.Links, l)
	}
	for name := range h.vmacs { // all of them above eth1
		l := Link{Index: 1000 + int(h.applied), Name: name, Base: 3 + 10*h.remade, Up: true}
		for _, p := range h.held[name] {
			l.Addresses = append(l.Addresses, LinkAddress{Prefix: p})
		}
		v.Links = append(v.Links, l)
	}
	select {
	case <-h.views:
	default:
	}
	h.views <- v
}

// change does what an administrator does.
func (h *fakeHost) change(do func()) {
	h.mu.Lock()
	do()
	h.mu.Unlock()
	h.deliver()
}

func (h *fakeHost) Apply(changes []Change) []error {
	h.mu.Lock()
	h.calls++
	if h.before != nil {
		h.before()
		h.before = nil
	}
	errs := make([]error, len(changes))
	for i, c := range changes {
		if h.refuse != nil && !c.Delete {
			if errs[i] = h.refuse(c); errs[i] != nil {
				continue
			}
		}
		switch a := c.Address; {
		case c.VMAC != nil && c.Delete:
			delete(h.vmacs, c.VMAC.Name)
		case c.VMAC != nil:
			h.vmacs[c.VMAC.Name] = true
			h.log.add("make %s", c.VMAC.Name)
		case a != nil && !c.Delete && strings.HasPrefix(a.Device, "vrrp.") && !h.vmacs[a.Device]:
			errs[i] = fmt.Errorf("add address %v on %s: no such device", a.Prefix, a.Device)
		case c.Refuse != nil:
			h.log.add("refuse %v, delete %v", *c.Refuse, c.Delete)
		case c.Route != nil && !c.Delete:
			h.log.add("put up route %v", c.Route.Dst)
		case c.Rule != nil && !c.Delete:
			h.log.add("put up rule %d", c.Rule.Priority)
		case c.Route != nil || c.Rule != nil:
		case a == nil:
			h.log.add("change %+v", c)
		case c.Delete:
			before := len(h.held[a.Device])
			h.held[a.Device] = slices.DeleteFunc(h.held[a.Device], func(p netip.Prefix) bool { return p == a.Prefix })
			if len(h.held[a.Device]) < before {
				h.log.add("delete %v", a.Prefix)
			}
		case slices.Contains(h.held[a.Device], a.Prefix):
		default:
			h.held[a.Device] = append(h.held[a.Device], a.Prefix)
			h.log.add("add %v", a.Prefix)
		}
	}
	h.applied++
	h.lost = nil
	h.mu.Unlock()
	h.deliver()
	return errs
}

func (h *fakeHost) Announce(all []Announcement) error {
	for _, a := range all {
		h.log.add("announce %v on %s", a.Addr, a.Device)
	}
	return nil
}

// fakeNotifier writes what concerns notify scripts.
type fakeNotifier struct{ log *journal }

func (n fakeNotifier) Notify(r Report) {
	if a, ok := r.Action.(Notify); ok {
		line := fmt.Sprintf("%s%s %s %d", r.Instance, r.Group, a.Word(), a.Priority)
		if r.Deleted {
			line += " deleted"
		}
		n.log.add("notify %s", line)
	}
}

// node is a Manager with its surroundings.
type node struct {
	*journal
	*Manager
	wire *fakeWire
	host *fakeHost
	stop func() // ends the manager and waits for it
	t    *testing.T
}

// run starts a Manager on the link.
func (e *ether) run(t *testing.T, own string, c Config) *node {
	t.Helper()
	log := &journal{start: time.Now()}
	return e.runOn(t, log, newFakeHost(log, own), c)
}

// runOn starts a Manager on a host that is there already.
func (e *ether) runOn(t *testing.T, log *journal, host *fakeHost, c Config, options ...func(*Options)) *node {
	t.Helper()
	n := &node{journal: log, wire: e.plug(log), host: host, t: t}
	o := Options{Wire: n.wire, Host: n.host, Notifier: fakeNotifier{log}}
	for _, set := range options {
		set(&o)
	}
	n.Manager = NewManager(o)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- n.Run(ctx, c) }()
	n.stop = sync.OnceFunc(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	t.Cleanup(n.stop)
	synctest.Wait()
	return n
}

// pass lets time pass and returns what the node did.
func (n *node) pass(d time.Duration) string {
	time.Sleep(d)
	synctest.Wait()
	return n.take()
}

func (n *node) state(name string) State {
	n.t.Helper()
	s, err := n.Status(n.t.Context())
	if err != nil {
		n.t.Fatal(err)
	}
	for _, inst := range s.Instances {
		if inst.Name == name {
			return inst.State
		}
	}
	n.t.Fatalf("there is no instance %s", name)
	return 0
}

// testConfig is one instance for each name, with VRIDs from 51 and addresses
// 10.0.0.101/32 and so on.
func testConfig(priority uint8, names ...string) Config {
	var c Config
	for i, name := range names {
		addr := netip.AddrFrom4([4]byte{10, 0, 0, byte(101 + i)})
		a := AddressConfig{Prefix: netip.PrefixFrom(addr, 32), Preferred: Forever}
		c.Instances = append(c.Instances, InstanceConfig{
			Name: name,
			Params: Params{
				Version: V3, VRID: byte(51 + i), Priority: priority, AdvertisementInterval: 100 * time.Millisecond,
				Addresses: []netip.Addr{addr}, Accept: true,
				Announce: AnnounceSchedule{MasterRepeat: 2},
			},
			Device: "eth0", TrackDevice: true, Virtual: []AddressConfig{a},
		})
	}
	return c
}

// down is how long a node of that priority waits, at 100 ms.
func down(priority uint8) time.Duration {
	return ActiveDownInterval(V3, priority, 100*time.Millisecond, 3)
}
