package rules

import (
	"bufio"
	"io"
	"os"
	"strconv"
	"strings"

	"ipvsadm/ipvs"
)

// portNames is what /etc/services says, both ways round. Where a name or a port
// stands twice, the first counts.
type portNames struct {
	byName map[portName]uint16
	byPort map[portNumber]string
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
func readServices() *portNames {
	f, err := os.Open("/etc/services")
	if err != nil {
		return &portNames{}
	}
	defer f.Close()
	return parseServices(f)
}

// parseServices reads lines of the form of services(5): a name, port/protocol,
// aliases, and a comment after #. Lines of another form do not count.
func parseServices(r io.Reader) *portNames {
	n := &portNames{byName: map[portName]uint16{}, byPort: map[portNumber]string{}}
	for lines := bufio.NewScanner(r); lines.Scan(); {
		line, _, _ := strings.Cut(lines.Text(), "#")
		fields := strings.Fields(line)
		if len(fields) < 2 {
			continue
		}
		number, word, _ := strings.Cut(fields[1], "/")
		protocol, known := protocolOf(word)
		port, err := strconv.ParseUint(number, 10, 16)
		if !known || err != nil {
			continue
		}
		if k := (portNumber{uint16(port), protocol}); n.byPort[k] == "" {
			n.byPort[k] = fields[0]
		}
		fields[1] = fields[0]
		for _, name := range fields[1:] {
			k := portName{name, protocol}
			if _, taken := n.byName[k]; !taken {
				n.byName[k] = uint16(port)
			}
		}
	}
	return n
}

func protocolOf(word string) (ipvs.Protocol, bool) {
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
