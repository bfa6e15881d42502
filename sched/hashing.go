package sched

// hashBits is the size of the tables of dh and sh, 256 buckets: what the kernel
// has unless CONFIG_IP_VS_DH_TAB_BITS or CONFIG_IP_VS_SH_TAB_BITS say other.
const hashBits = 8

// destinationHash is dh (ip_vs_dh.c): the servers in turn own the buckets, and
// the destination address chooses one. Weights matter only where they are 0,
// and then the bucket has no server.
type destinationHash struct {
	buckets [1 << hashBits]*server
}

func (d *destinationHash) start(s *Service) {
	for i := range d.buckets {
		d.buckets[i] = nil
		if len(s.servers) > 0 {
			d.buckets[i] = s.servers[i%len(s.servers)]
		}
	}
}

func (d *destinationHash) changed(s *Service, _ change, _ int) { d.start(s) }

func (d *destinationHash) choose(s *Service, c Connection, why *reasons) *server {
	i := hash32(fold(s.options.IPv6, c.Virtual.Addr()), hashBits)
	one := d.buckets[i]
	why.add(Hashed, one, int64(i), 0)
	if one == nil {
		return nil
	}
	if !one.usable() {
		why.unusable(one)
		return nil
	}
	return one
}

// sourceHash is sh (ip_vs_sh.c): the servers own as many buckets in turn as
// their weight says, one at least, and the client chooses one.
type sourceHash struct {
	buckets [1 << hashBits]*server
}

func (h *sourceHash) start(s *Service) {
	h.buckets = [1 << hashBits]*server{}
	at, given := 0, 0
	for i := range h.buckets {
		if len(s.servers) == 0 {
			return
		}
		one := s.servers[at]
		h.buckets[i] = one
		if given++; given >= one.Weight {
			at, given = (at+1)%len(s.servers), 0
		}
	}
}

func (h *sourceHash) changed(s *Service, _ change, _ int) { h.start(s) }

func (h *sourceHash) choose(s *Service, c Connection, why *reasons) *server {
	hash := hash32(clientWord(s, c), hashBits)
	return lookUp(h.buckets[:], s.options.Flags, why, func(offset int) int {
		return (hash + offset) % len(h.buckets)
	})
}

// clientWord is what sh and mh hash: the client's address and, with Flag2, its
// port on top.
func clientWord(s *Service, c Connection) uint32 {
	word := fold(s.options.IPv6, c.Client.Addr())
	if s.options.Flags&Flag2 != 0 {
		word += uint32(c.Client.Port())
	}
	return word
}

// lookUp returns the server of the first bucket or, with Flag1, tries others
// until one has a server that may have the connection. The offsets of the
// others begin with the number of the first bucket.
func lookUp(buckets []*server, flags Flags, why *reasons, bucket func(offset int) int) *server {
	first := bucket(0)
	one := buckets[first]
	why.add(Hashed, one, int64(first), 0)
	if one == nil || one.usable() {
		return one
	}
	why.unusable(one)
	if flags&Flag1 == 0 {
		return nil
	}
	for i := range buckets {
		offset := (i + first) % len(buckets)
		b := bucket(offset)
		if one = buckets[b]; one == nil {
			return nil
		}
		if one.usable() {
			why.add(Fallback, one, int64(b), int64(offset))
			return one
		}
	}
	return nil
}
