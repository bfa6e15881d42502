package health

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"ipvsadm/ipvs"
)

// perService is how many real servers a virtual server has.
const perService = 20

// many is a configuration of so many real servers with a TCP_CHECK.
func many(reals int, delayLoop string) string {
	var b strings.Builder
	b.WriteString("global_defs {\n\tscript_user root\n\tmax_auto_priority -1\n}\n")
	for i := 0; i < reals; i += perService {
		fmt.Fprintf(&b, "virtual_server %v %d {\n\tdelay_loop %s\n\tlvs_sched rr\n\tlvs_method NAT\n\tprotocol TCP\n",
			manyKey(i/perService).Addr.Addr(), 80, delayLoop)
		for j := i; j < min(i+perService, reals); j++ {
			fmt.Fprintf(&b, "\treal_server %v 80 {\n\t\tTCP_CHECK {\n\t\t}\n\t}\n", realAddr(j))
		}
		b.WriteString("}\n")
	}
	return b.String()
}

// manyKey is the key of a virtual server of many.
func manyKey(n int) ipvs.ServiceKey {
	vip := netip.AddrFrom4([4]byte{10, 1, byte(n >> 8), byte(n)})
	return ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.AddrPortFrom(vip, 80)}
}

func realAddr(n int) netip.Addr { return netip.AddrFrom4([4]byte{10, 2, byte(n >> 8), byte(n)}) }

// filled waits until the last virtual server of many has all its real servers,
// and then counts them all.
func (b *bench) filled(reals int) (time.Time, error) {
	last := manyKey(reals/perService - 1)
	// A look takes a millisecond of the only CPU, which the daemon needs.
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		entries, err := b.kernel.Table(ipvs.Query{Service: last, Detail: ipvs.Full})
		if err != nil || len(entries) != 1 || len(entries[0].Destinations) != perService {
			continue
		}
		at := time.Now()
		if entries, err = b.kernel.Table(ipvs.Query{Detail: ipvs.Basic}); err != nil {
			return at, err
		}
		n := 0
		for _, e := range entries {
			n += len(e.Destinations)
		}
		if n == reals {
			return at, nil
		}
	}
	return time.Time{}, errors.New("the table was never complete")
}

// start measures from the start of the process until all are in the kernel.
func (b *bench) start(tool int) ([]float64, error) {
	const reals = 10_000
	begin := time.Now()
	d, err := b.run(tool, many(reals, "3600"), nil, false)
	if err != nil {
		return nil, err
	}
	at, err := b.filled(reals)
	return seconds(at.Sub(begin)), errors.Join(err, b.stop(d))
}

// reload measures from SIGHUP until an unchanged file has been read again.
func (b *bench) reload(tool, reals int) ([]float64, error) {
	d, err := b.run(tool, many(reals, "3600"), nil, false)
	if err != nil {
		return nil, err
	}
	took, err := b.reloaded(d, tool, reals)
	return seconds(took), errors.Join(err, b.stop(d))
}

func (b *bench) reloaded(d *daemon, tool, reals int) (time.Duration, error) {
	if _, err := b.filled(reals); err != nil {
		return 0, err
	}
	if _, err := d.quiet(); err != nil {
		return 0, err
	}
	begin := time.Now()
	if err := d.cmd.Process.Signal(unix.SIGHUP); err != nil {
		return 0, err
	}
	if tool == reference {
		at, err := d.quiet()
		return at.Sub(begin), err
	}
	for time.Since(begin) < patience {
		if d.logged("Reload finished") > 0 {
			return time.Since(begin), nil
		}
		time.Sleep(time.Millisecond)
	}
	return 0, errors.New("the reload never finished")
}

// memory measures what the daemon holds after checks of so many servers.
func (b *bench) memory(tool, reals int) ([]float64, error) {
	d, err := b.run(tool, many(reals, "6"), nil, false)
	if err != nil {
		return nil, err
	}
	_, err = b.filled(reals)
	for begin := b.servers.accepted(); err == nil && b.servers.accepted() < begin+2*reals; time.Sleep(100 * time.Millisecond) {
	}
	mb, pssErr := d.pss()
	return []float64{mb}, errors.Join(err, pssErr, b.stop(d))
}

// processor measures the processor time of one check, out of 1000 a second.
func (b *bench) processor(tool int) ([]float64, error) {
	const reals, checks = 1000, 15_000
	d, err := b.run(tool, many(reals, "1"), nil, false)
	if err != nil {
		return nil, err
	}
	took, err := b.perCheck(d, reals, checks)
	return []float64{took.Seconds() * 1000}, errors.Join(err, b.stop(d))
}

func (b *bench) perCheck(d *daemon, reals, checks int) (time.Duration, error) {
	if _, err := b.filled(reals); err != nil {
		return 0, err
	}
	// Past the first checks, which are put off by chance.
	for first := b.servers.accepted(); b.servers.accepted() < first+2*reals; time.Sleep(10 * time.Millisecond) {
	}
	begin, err := d.used()
	if err != nil {
		return 0, err
	}
	first := b.servers.accepted()
	for b.servers.accepted() < first+checks {
		time.Sleep(10 * time.Millisecond)
	}
	n := b.servers.accepted() - first
	end, err := d.used()
	return (end - begin) / time.Duration(n), err
}
