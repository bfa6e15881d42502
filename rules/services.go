package rules

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"ipvsadm/ipvs"
)

// portTable is what services(5) says of ports and their names, both ways round.
// Where a name or a port stands twice, the first counts.
type portTable struct {
	numbers map[portName]uint16
	names   map[portNumber]string
}

type portName struct {
	name     string
	protocol ipvs.Protocol
}

type portNumber struct {
	port     uint16
	protocol ipvs.Protocol
}

// readServices reads /etc/services; without the file ports have no names.
func readServices() *portTable {
	f, err := os.Open("/etc/services")
	if err != nil {
		return &portTable{}
	}
	defer f.Close()
	return parseServices(f)
}

// parseServices reads lines of a name, port/protocol and aliases, with comments
// after #. Lines of another form, and other protocols, do not count.
func parseServices(r io.Reader) *portTable {
	t := &portTable{numbers: map[portName]uint16{}, names: map[portNumber]string{}}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		number, word, _ := strings.Cut(fields[1], "/")
		protocol, known := protocolNamed(word)
		n, err := strconv.ParseUint(number, 10, 16)
		if !known || err != nil {
			continue
		}
		port := uint16(n)
		if _, known := t.names[portNumber{port, protocol}]; !known {
			t.names[portNumber{port, protocol}] = fields[0]
		}
		t.addName(fields[0], port, protocol)
		for _, alias := range fields[2:] {
			t.addName(alias, port, protocol)
		}
	}
	return t
}

func (t *portTable) addName(name string, port uint16, p ipvs.Protocol) {
	if _, known := t.numbers[portName{name, p}]; !known {
		t.numbers[portName{name, p}] = port
	}
}

func protocolNamed(word string) (ipvs.Protocol, bool) {
	switch word {
	case "tcp":
		return ipvs.TCP, true
	case "udp":
		return ipvs.UDP, true
	case "sctp":
		return ipvs.SCTP, true
	}
	return 0, false
}
