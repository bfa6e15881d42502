package health

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"time"

	"ipvsadm/ipvs"
)

// singles is a configuration of virtual servers with one real server each, which
// has an HTTP_GET without retries.
func singles(n int) string {
	var b strings.Builder
	b.WriteString("global_defs {\n\tscript_user root\n\tmax_auto_priority -1\n}\n")
	for i := range n {
		fmt.Fprintf(&b, "virtual_server %v 80 {\n\tdelay_loop 6\n\tlvs_sched rr\n\tlvs_method NAT\n\tprotocol TCP\n\tretry 0\n"+
			"\treal_server %v 81 {\n\t\tHTTP_GET {\n\t\t\tretry 0\n\t\t\turl {\n\t\t\t\tpath /\n\t\t\t\tstatus_code 200\n\t\t\t}\n\t\t}\n\t}\n}\n",
			manyKey(i).Addr.Addr(), realAddr(i))
	}
	return b.String()
}

// verdict is an answer by which a real server is down.
type verdict struct {
	real netip.Addr
	at   time.Time // when the answer was out
}

// verdicts measures, 600 times, from the end of a server's bad answer until the
// server is out of the kernel's table. keepalived would need another check for
// the way back.
func (b *bench) verdicts(tool int) ([]float64, error) {
	const reals, samples = 1000, 600
	d, err := b.run(tool, singles(reals), nil, false)
	if err != nil {
		return nil, err
	}
	var values []float64
	if err = b.settled(reals); err == nil {
		values, err = b.follow(samples)
	}
	b.servers.set(nil)
	return values, errors.Join(err, b.stop(d))
}

// settled waits until all real servers are in the kernel and were checked.
func (b *bench) settled(reals int) error {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		entries, err := b.kernel.Table(ipvs.Query{Detail: ipvs.Basic})
		if err != nil {
			return err
		}
		n := 0
		for _, e := range entries {
			n += len(e.Destinations)
		}
		if n == reals {
			time.Sleep(8 * time.Second) // longer than delay_loop
			return nil
		}
	}
	return errors.New("the table was never complete")
}

// follow makes one server after the other fail, whichever is checked next.
func (b *bench) follow(samples int) ([]float64, error) {
	var values []float64
	bad := map[netip.Addr]bool{}
	for range samples {
		news := make(chan verdict, 1)
		chosen := false
		b.servers.set(func(real netip.Addr) (bool, chan<- verdict) {
			if chosen || bad[real] {
				return !bad[real], nil
			}
			chosen, bad[real] = true, true
			return false, news
		})
		select {
		case v := <-news:
			took, err := b.removed(v)
			if err != nil {
				return nil, err
			}
			values = append(values, took.Seconds()*1000)
		case <-time.After(patience):
			return nil, errors.New("no server was checked")
		}
	}
	return values, nil
}

// removed returns how long after a verdict the server is not in the kernel's
// table any more.
func (b *bench) removed(v verdict) (time.Duration, error) {
	four := v.real.As4()
	key := manyKey(int(four[2])<<8 | int(four[3]))
	// A pause between two looks, or the daemon would not get the guest's only CPU.
	for ; time.Since(v.at) < patience; time.Sleep(500 * time.Microsecond) {
		entries, err := b.kernel.Table(ipvs.Query{Service: key, Detail: ipvs.Full})
		if err != nil {
			return 0, err
		}
		if len(entries[0].Destinations) == 0 {
			return time.Since(v.at), nil
		}
	}
	return 0, fmt.Errorf("%v was never removed", v.real)
}
