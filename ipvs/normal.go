package ipvs

import (
	"net/netip"
	"time"
)

// What the kernel makes of values it is given, as far as reading them back
// shows it (ip_vs_genl_parse_service, ip_vs_add_service and
// __ip_vs_update_dest in ip_vs_ctl.c). Without it a plan would try for ever to
// change what cannot be otherwise.

// normalKey reduces a key to what names a service in the kernel: a mark hides
// protocol and address, and zones are never sent.
func normalKey(k ServiceKey) ServiceKey {
	if k.FWMark != 0 {
		return ServiceKey{Family: k.Family, FWMark: k.FWMark}
	}
	k.Addr = withoutZone(k.Addr)
	return k
}

// normalService returns a service as it is read back, but for its Timeout, of
// which sameTimeout says more, and Hashed, which is always set on what is read.
func normalService(s Service) Service {
	s.ServiceKey = normalKey(s.ServiceKey)
	if s.Scheduler == "" {
		s.Scheduler = "none"
	}
	s.Flags &^= Hashed
	s.Timeout = s.Timeout.Truncate(time.Second)
	return s
}

// normalDestination returns a real server as it is read back.
func normalDestination(d Destination) Destination {
	d.Addr = withoutZone(d.Addr)
	d.Forward &= forwardMask
	return d
}

func withoutZone(a netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(a.Addr().WithZone(""), a.Port())
}

// sameService says whether a service of the kernel is what is wanted, which is
// normal.
func sameService(have, want *Service) bool {
	h := normalService(*have)
	if !sameTimeout(h.Timeout, want.Timeout) {
		return false
	}
	h.Timeout = want.Timeout
	return h == *want
}

// sameTimeout says whether the kernel shows have after it was given want. It
// keeps 32 bits of jiffies, of which there are as many in a second as it was
// built for: what is longer wraps. Nobody outside can see that number, so every
// usual one will do.
func sameTimeout(have, want time.Duration) bool {
	if have == want {
		return true
	}
	seconds := uint64(want / time.Second)
	for _, hz := range [...]uint64{100, 128, 200, 250, 256, 300, 500, 512, 1000, 1024} {
		jiffies := seconds * hz
		if jiffies>>32 != 0 && uint64(have/time.Second) == jiffies&(1<<32-1)/hz {
			return true
		}
	}
	return false
}

// distinct returns want with each key once, its services in normal form: the last
// service of a key counts, and the real servers of all are taken together. The
// places are those of the first.
func distinct(want []Wanted) []Wanted {
	at := make(map[ServiceKey]int, len(want))
	out := make([]Wanted, 0, len(want))
	for _, w := range want {
		s := normalService(w.Service)
		i, again := at[s.ServiceKey]
		if !again {
			i = len(out)
			at[s.ServiceKey] = i
			out = append(out, Wanted{Service: s, Destinations: w.Destinations})
			continue
		}
		o := &out[i]
		o.Service = s
		o.Destinations = append(o.Destinations[:len(o.Destinations):len(o.Destinations)], w.Destinations...)
	}
	return out
}

// distinctDestinations appends to out real servers in normal form with each
// address once: the last one counts, in the place of the first.
func distinctDestinations(out, list []Destination) []Destination {
	at := make(map[netip.AddrPort]int, len(list))
	for _, d := range list {
		d = normalDestination(d)
		if i, again := at[d.Addr]; again {
			out[i] = d
			continue
		}
		at[d.Addr] = len(out)
		out = append(out, d)
	}
	return out
}
