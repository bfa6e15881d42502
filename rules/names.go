package rules

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"ipvsadm/ipvs"
)

const (
	// silence is how long name servers may leave all questions about addresses
	// unanswered before they are given up for good. It leaves room for a second
	// try after the resolver's usual five seconds.
	silence = 6 * time.Second
	// lookupsAtOnce bounds how many addresses are asked about at the same time.
	lookupsAtOnce = 64
)

var errNoName = errors.New("no such name")

// systemNames are the names this machine knows: those of hosts in /etc/hosts and
// the DNS, in the order of /etc/nsswitch.conf, those of ports in /etc/services.
// Nothing is read before the first name is asked for, and nothing is asked
// twice. It is not safe for concurrent use.
type systemNames struct {
	lookupHost func(ctx context.Context, network, name string) ([]netip.Addr, error)
	lookupAddr func(ctx context.Context, addr string) ([]string, error)
	ports      func() *portTable

	addrs map[string]netip.Addr
	names map[netip.Addr]string // "" for an address without a name

	// servers is done when the name servers were given up; /etc/hosts still
	// answers then.
	servers context.Context
	giveUp  context.CancelFunc
}

// NewSystemNames returns the names this machine knows. Name servers that are out
// of reach cost the names of addresses six seconds in all, not ten for each.
func NewSystemNames() Names {
	r := &net.Resolver{PreferGo: true, Dial: dialWhile}
	n := &systemNames{
		lookupHost: r.LookupNetIP,
		lookupAddr: r.LookupAddr,
		ports:      sync.OnceValue(readServices),
		addrs:      map[string]netip.Addr{},
		names:      map[netip.Addr]string{},
	}
	n.servers, n.giveUp = context.WithCancel(context.Background())
	return n
}

// dialWhile connects to a name server until the question is withdrawn. The
// resolver, once it waits for an answer, looks at nothing but its timeout.
func dialWhile(ctx context.Context, network, address string) (net.Conn, error) {
	c, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		context.AfterFunc(ctx, func() { c.Close() })
	}
	return c, err
}

// LookupHost returns the first IPv4 address of a host. Like gethostbyname it
// asks nobody about a word of digits and dots, nor about one with a colon: Go
// would make ::ffff:10.0.0.1 the IPv4 address 10.0.0.1.
func (n *systemNames) LookupHost(name string) (netip.Addr, error) {
	if strings.Trim(name, "0123456789.") == "" || strings.Contains(name, ":") {
		return netip.Addr{}, errNoName
	}
	if a, known := n.addrs[name]; known {
		return a, nil
	}
	addrs, err := n.lookupHost(context.Background(), "ip4", name)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(addrs) == 0 {
		return netip.Addr{}, errNoName
	}
	a := addrs[0].Unmap()
	n.addrs[name] = a
	return a, nil
}

// LookupPort returns the port /etc/services has for a name or an alias.
func (n *systemNames) LookupPort(name string, p ipvs.Protocol) (uint16, error) {
	if port, ok := n.ports().numbers[portName{name, p}]; ok {
		return port, nil
	}
	return 0, errNoName
}

// PortName returns the name /etc/services has for a port.
func (n *systemNames) PortName(port uint16, p ipvs.Protocol) (string, bool) {
	name, ok := n.ports().names[portNumber{port, p}]
	return name, ok
}

// HostName returns the name of an address.
func (n *systemNames) HostName(a netip.Addr) (string, bool) {
	name, known := n.names[a]
	if !known {
		n.Prefetch([]netip.Addr{a})
		name = n.names[a]
	}
	return name, name != ""
}

// Prefetch asks for the names of many addresses at once, so that HostName need
// not wait for each in turn.
func (n *systemNames) Prefetch(addrs []netip.Addr) {
	wanted := n.unknown(addrs)
	found := make([]string, len(wanted))
	patience := time.AfterFunc(silence, n.giveUp)
	defer patience.Stop()
	var next atomic.Int64
	var askers sync.WaitGroup
	for range min(lookupsAtOnce, len(wanted)) {
		askers.Go(func() {
			for i := next.Add(1) - 1; i < int64(len(wanted)); i = next.Add(1) - 1 {
				var answered bool
				if found[i], answered = n.lookup(wanted[i]); answered {
					patience.Reset(silence)
				}
			}
		})
	}
	askers.Wait()
	for i, a := range wanted {
		n.names[a] = found[i]
	}
}

// unknown returns the addresses nobody was asked about, each once.
func (n *systemNames) unknown(addrs []netip.Addr) []netip.Addr {
	var unknown []netip.Addr
	for _, a := range addrs {
		if _, known := n.names[a]; !known {
			n.names[a] = ""
			unknown = append(unknown, a)
		}
	}
	return unknown
}

// lookup returns the first name of an address, "" if it has none, and whether
// anybody answered. Like gethostbyaddr it asks nobody about ::.
func (n *systemNames) lookup(a netip.Addr) (name string, answered bool) {
	if a == netip.IPv6Unspecified() {
		return "", true
	}
	names, err := n.lookupAddr(n.servers, a.String())
	if len(names) > 0 {
		return strings.TrimSuffix(names[0], "."), true
	}
	var dns *net.DNSError
	return "", errors.As(err, &dns) && dns.IsNotFound
}
