package compat

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// setCounters sets every counter of every service and real server to one number.
func setCounters(k *ipvstest.Kernel, number string) error {
	n, err := strconv.ParseUint(number, 10, 64)
	if err != nil {
		return err
	}
	table, err := k.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		return err
	}
	all := ipvs.Stats{Conns: n, InPkts: n, OutPkts: n, InBytes: n, OutBytes: n, CPS: n, InPPS: n, OutPPS: n, InBPS: n, OutBPS: n}
	for _, e := range table {
		k.SetStats(e.ServiceKey, all)
		for _, d := range e.Destinations {
			k.SetDestinationStats(e.ServiceKey, d.Addr, all)
		}
	}
	return nil
}

// setTraffic sets counters as the lines of a %traffic directive say:
//
//	PROTOCOL SERVICE COUNTERS...
//	PROTOCOL SERVICE SERVER COUNTERS... ACTIVE INACTIVE PERSISTENT
//
// where the ten counters stand in the order of ipvs.Stats.
func setTraffic(k *ipvstest.Kernel, body string) error {
	for line := range strings.Lines(body) {
		if err := setTrafficLine(k, strings.Fields(line)); err != nil {
			return fmt.Errorf("%q: %w", line, err)
		}
	}
	return nil
}

func setTrafficLine(k *ipvstest.Kernel, words []string) error {
	const ofService, ofServer = 2 + 10, 3 + 10 + 3
	if len(words) != ofService && len(words) != ofServer {
		return fmt.Errorf("%d words", len(words))
	}
	protocol := map[string]ipvs.Protocol{"TCP": ipvs.TCP, "UDP": ipvs.UDP, "SCTP": ipvs.SCTP}[words[0]]
	service, err := netip.ParseAddrPort(words[1])
	if err != nil {
		return err
	}
	key := ipvs.ServiceKey{Family: ipvs.FamilyOf(service.Addr()), Protocol: protocol, Addr: service}
	if len(words) == ofService {
		n, err := parseNumbers(words[2:])
		if err != nil {
			return err
		}
		k.SetStats(key, statsOf(n))
		return nil
	}
	server, err := netip.ParseAddrPort(words[2])
	if err != nil {
		return err
	}
	n, err := parseNumbers(words[3:])
	if err != nil {
		return err
	}
	k.SetDestinationStats(key, server, statsOf(n))
	k.SetConnections(key, server, uint32(n[10]), uint32(n[11]), uint32(n[12]))
	return nil
}

func parseNumbers(words []string) ([]uint64, error) {
	numbers := make([]uint64, len(words))
	for i, w := range words {
		var err error
		if numbers[i], err = strconv.ParseUint(w, 10, 64); err != nil {
			return nil, err
		}
	}
	return numbers, nil
}

func statsOf(n []uint64) ipvs.Stats {
	return ipvs.Stats{
		Conns: n[0], InPkts: n[1], OutPkts: n[2], InBytes: n[3], OutBytes: n[4],
		CPS: n[5], InPPS: n[6], OutPPS: n[7], InBPS: n[8], OutBPS: n[9],
	}
}
