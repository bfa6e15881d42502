package compat

import (
	"errors"
	"net/netip"
	"strings"

	"ipvsadm/ipvs"
)

// Hosts are the lines every hosts file of a transcript begins with.
const Hosts = "127.0.0.1 localhost\n::1 ip6-localhost ip6-loopback\n"

var errNoName = errors.New("no such name")

// fileNames are the names of a hosts file and of the ports that transcripts
// speak of. It is a rules.Names.
type fileNames struct {
	byName map[string]netip.Addr
	byAddr map[netip.Addr]string
}

func newFileNames(hosts string) (*fileNames, error) {
	n := &fileNames{byName: map[string]netip.Addr{}, byAddr: map[netip.Addr]string{}}
	for line := range strings.Lines(hosts) {
		fields := strings.Fields(line)
		addr, err := netip.ParseAddr(fields[0])
		if err != nil {
			return nil, err
		}
		// Like Go's resolver, this knows no name that the DNS cannot have.
		if label, _, _ := strings.Cut(fields[1], "."); len(label) > 63 {
			continue
		}
		n.byAddr[addr] = fields[1]
		for _, name := range fields[1:] {
			if addr.Is4() {
				n.byName[strings.ToLower(name)] = addr
			}
		}
	}
	return n, nil
}

func (n *fileNames) LookupHost(name string) (netip.Addr, error) {
	if a, ok := n.byName[strings.ToLower(name)]; ok {
		return a, nil
	}
	return netip.Addr{}, errNoName
}

func (n *fileNames) HostName(a netip.Addr) (string, bool) {
	name, ok := n.byAddr[a]
	return name, ok
}

type namedPort struct {
	name     string
	port     uint16
	protocol ipvs.Protocol
}

// namedPorts are the lines of Debian's /etc/services that transcripts use.
func namedPorts() []namedPort {
	return []namedPort{
		{"domain", 53, ipvs.TCP}, {"domain", 53, ipvs.UDP}, {"http", 80, ipvs.TCP}, {"https", 443, ipvs.TCP},
		{"https", 443, ipvs.UDP}, {"snpp", 444, ipvs.TCP}, {"sip", 5060, ipvs.TCP}, {"sip", 5060, ipvs.UDP},
		{"mdns", 5353, ipvs.UDP}, {"http-alt", 8080, ipvs.TCP},
	}
}

func (n *fileNames) LookupPort(name string, p ipvs.Protocol) (uint16, error) {
	for _, known := range namedPorts() {
		if known.name == name && known.protocol == p {
			return known.port, nil
		}
	}
	return 0, errNoName
}

func (n *fileNames) PortName(port uint16, p ipvs.Protocol) (string, bool) {
	for _, known := range namedPorts() {
		if known.port == port && known.protocol == p {
			return known.name, true
		}
	}
	return "", false
}
