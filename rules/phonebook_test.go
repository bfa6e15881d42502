package rules

import (
	"errors"
	"net/netip"

	"ipvsadm/ipvs"
)

// phoneBook is a Names of a test.
type phoneBook struct {
	hosts      map[string]netip.Addr
	names      map[netip.Addr]string
	ports      map[string]uint16
	portNames  map[uint16]string
	prefetched int // addresses asked for ahead
	asked      int // addresses asked for
}

func newPhoneBook() *phoneBook {
	b := &phoneBook{
		hosts:     map[string]netip.Addr{},
		names:     map[netip.Addr]string{},
		ports:     map[string]uint16{},
		portNames: map[uint16]string{},
	}
	for addr, name := range map[string]string{
		"10.0.0.1":     "vip.example.org",
		"10.0.0.2":     "a-very-long-host-name-for-a-virtual-service.subdomain.example.org",
		"10.0.0.3":     "abcdefghijklmnopqrstuvw",
		"10.0.0.4":     "abcdefghijklmnopqrstuvwxyz0",
		"192.168.0.21": "rs1",
		"192.168.0.22": "real-server-number-two.example.com",
		"192.168.0.23": "this-is-an-extremely-long-real-server-host-name-that-exceeds-sixty-characters.example.com",
		"2001:db8::1":  "vip6.example.org",
		"2001:db8::b":  "real6-with-a-rather-long-name.example.org",
	} {
		b.add(addr, name)
	}
	for name, port := range map[string]uint16{"http": 80, "https": 443, "domain": 53, "http-alt": 8080, "sip": 5060} {
		b.ports[name], b.portNames[port] = port, name
	}
	return b
}

// add gives an address a name; if it is IPv4 the name leads back to it.
func (b *phoneBook) add(addr, name string) {
	a := netip.MustParseAddr(addr)
	b.names[a] = name
	if a.Is4() {
		b.hosts[name] = a
	}
}

func (b *phoneBook) LookupHost(name string) (netip.Addr, error) {
	if a, ok := b.hosts[name]; ok {
		return a, nil
	}
	return netip.Addr{}, errors.New("unknown host")
}

func (b *phoneBook) LookupPort(name string, _ ipvs.Protocol) (uint16, error) {
	if port, ok := b.ports[name]; ok {
		return port, nil
	}
	return 0, errors.New("unknown service")
}

func (b *phoneBook) HostName(a netip.Addr) (string, bool) {
	b.asked++
	name, ok := b.names[a]
	return name, ok
}

func (b *phoneBook) PortName(port uint16, _ ipvs.Protocol) (string, bool) {
	name, ok := b.portNames[port]
	return name, ok
}

func (b *phoneBook) Prefetch(addrs []netip.Addr) { b.prefetched += len(addrs) }
