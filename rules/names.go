package rules

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"sync"
	"time"

	"ipvsadm/ipvs"
)

// silence is how long look-ups of host names may go without any answer before
// the rest of them is given up: an unreachable name server costs this once, not
// for every address.
const silence = 5 * time.Second

// lookupsAtOnce bounds how many names are asked for at the same time.
const lookupsAtOnce = 64

var errNoName = errors.New("no such name")

// systemNames are the names this machine knows: hosts in /etc/hosts and the DNS,
// in the order of /etc/nsswitch.conf, ports in /etc/services. Nothing is read
// before the first name is asked for. Answers are kept. Not safe for concurrent
// use.
type systemNames struct {
	resolver *net.Resolver
	ports    func() *portNames
	names    map[netip.Addr]string // "" for an address without a name
	silent   bool                  // the look-ups were given up
}

// NewSystemNames returns the names this machine knows.
func NewSystemNames() Names {
	return &systemNames{
		resolver: &net.Resolver{PreferGo: true},
		ports:    sync.OnceValue(readServices),
		names:    map[netip.Addr]string{},
	}
}

// LookupHost returns the first IPv4 address of a host. Like gethostbyname it
// asks nobody about a word of digits and dots.
func (n *systemNames) LookupHost(name string) (netip.Addr, error) {
	if strings.Trim(name, "0123456789.") == "" {
		return netip.Addr{}, errNoName
	}
	addrs, err := n.resolver.LookupNetIP(context.Background(), "ip4", name)
	if err != nil {
		return netip.Addr{}, err
	}
	if len(addrs) == 0 {
		return netip.Addr{}, errNoName
	}
	return addrs[0].Unmap(), nil
}

// LookupPort returns the port /etc/services has for a name or an alias.
func (n *systemNames) LookupPort(name string, p ipvs.Protocol) (uint16, error) {
	if port, ok := n.ports().byName[portName{name, p}]; ok {
		return port, nil
	}
	return 0, errNoName
}

// PortName returns the name /etc/services has for a port.
func (n *systemNames) PortName(port uint16, p ipvs.Protocol) (string, bool) {
	name, ok := n.ports().byPort[portNumber{port, p}]
	return name, ok
}

// HostName returns the name of an address.
func (n *systemNames) HostName(a netip.Addr) (string, bool) {
	n.Prefetch([]netip.Addr{a})
	name := n.names[a]
	return name, name != ""
}

// Prefetch asks for the names of many addresses at once, so that HostName need
// not wait for each in turn.
func (n *systemNames) Prefetch(addrs []netip.Addr) {
	type answer struct {
		addr netip.Addr
		name string
	}
	var wanted []netip.Addr
	for _, a := range addrs {
		if _, known := n.names[a]; !known {
			n.names[a] = ""
			wanted = append(wanted, a)
		}
	}
	if n.silent || len(wanted) == 0 {
		return
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	questions, answers := make(chan netip.Addr), make(chan answer)
	for range min(lookupsAtOnce, len(wanted)) {
		go func() {
			for a := range questions {
				name := n.lookup(ctx, a)
				select {
				case answers <- answer{a, name}:
				case <-ctx.Done():
					return
				}
			}
		}()
	}
	defer close(questions)
	patience := time.NewTimer(silence)
	defer patience.Stop()
	for asked, got := 0, 0; got < len(wanted); {
		var ask chan<- netip.Addr
		var question netip.Addr
		if asked < len(wanted) {
			ask, question = questions, wanted[asked]
		}
		select {
		case ask <- question:
			asked++
		case a := <-answers:
			got++
			n.names[a.addr] = a.name
			patience.Reset(silence)
		case <-patience.C:
			n.silent = true
			return
		}
	}
}

// lookup returns the first name of an address, "" if it has none.
func (n *systemNames) lookup(ctx context.Context, a netip.Addr) string {
	names, err := n.resolver.LookupAddr(ctx, a.String())
	if err != nil || len(names) == 0 {
		return ""
	}
	return strings.TrimSuffix(names[0], ".")
}
