package sim

import (
	"slices"

	"ipvsadm/vrrp"
)

// transmit puts an advertisement of a node on the wire, once for each
// destination: what the driver does for SendAdvertisement.
func (w *world) transmit(n *node, in *instance, a vrrp.SendAdvertisement) {
	p := &in.params
	for _, dst := range p.Destinations() {
		pkt := &packet{
			router: in.index, from: n.index, src: n.spec.Host, dst: dst, to: everyone,
			priority: a.Advertisement.Priority, interval: a.Advertisement.MaxAdvertiseInterval,
			version: a.Advertisement.Version,
		}
		if len(p.Peers) > 0 {
			pkt.to = slices.IndexFunc(w.nodes, func(o *node) bool { return hostAddress(p.IPv6, in.index, o.spec.Host) == dst })
		}
		var err error
		if p.IPv6 {
			pkt.bytes, err = a.Advertisement.Append(nil, p.Source, dst, a.Checksum)
		} else {
			n.packetID++
			pkt.bytes, err = vrrp.AppendIPv4(nil, vrrp.IPv4{
				Source: p.Source, Destination: dst, ID: n.packetID, TTL: vrrp.TTL,
				Checksum: a.Checksum, Password: p.Password, Sequence: a.Sequence,
			}, a.Advertisement)
		}
		if err != nil {
			w.fail("codec", "node %s cannot encode its advertisement: %v", n.spec.Name, err)
			return
		}
		w.spread(pkt)
	}
}

// spread sends a packet to those it is for, through whatever the link does.
func (w *world) spread(pkt *packet) {
	for i, to := range w.nodes {
		if i == pkt.from || pkt.to != everyone && pkt.to != i {
			continue
		}
		if pkt.from != alien && (w.cut[pkt.from][i] || w.nodes[pkt.from].instances[pkt.router].linkDown) || to.instances[pkt.router].linkDown {
			continue
		}
		if w.chance(w.link.Drop) {
			continue
		}
		w.deliver(i, pkt)
		if w.chance(w.link.Duplicate) {
			w.deliver(i, pkt)
		}
	}
}

func (w *world) deliver(to int, pkt *packet) {
	at := w.now + w.between(w.link.MinDelay, w.link.MaxDelay)
	if w.link.Corrupt+w.link.Truncate > 0 {
		pkt = w.damage(pkt)
	}
	w.queue.push(item{at: at, kind: itemPacket, n: to, packet: pkt})
}

// damage flips a bit of the message, or cuts off its end.
func (w *world) damage(pkt *packet) *packet {
	header := 20
	if w.sc.Routers[pkt.router].IPv6 {
		header = 0
	}
	if w.chance(w.link.Corrupt) {
		c := *pkt
		c.bytes, c.damaged = slices.Clone(pkt.bytes), true
		bit := w.rng.IntN((len(c.bytes) - header) * 8)
		c.bytes[header+bit/8] ^= 1 << (bit % 8)
		pkt = &c
	}
	if w.chance(w.link.Truncate) {
		c := *pkt
		c.bytes, c.damaged = pkt.bytes[:w.rng.IntN(len(pkt.bytes))], true
		pkt = &c
	}
	return pkt
}

// arrive puts a packet into a node's queue. A node that runs reads it at once.
func (w *world) arrive(to int, pkt *packet) {
	n := w.nodes[to]
	if !n.up || n.deaf || n.instances[pkt.router].linkDown {
		return
	}
	n.inbox = append(n.inbox, pkt)
	if !n.paused {
		n.batch()
	}
}

// datagram is a packet as a socket gives it to a node.
func (w *world) datagram(pkt *packet) (vrrp.Datagram, vrrp.Reason) {
	r := &w.sc.Routers[pkt.router]
	if !r.IPv6 {
		return vrrp.ParseIPv4(pkt.bytes, pkt.router+1)
	}
	return vrrp.NewIPv6(pkt.bytes, hostAddress(true, pkt.router, pkt.src), pkt.dst, vrrp.TTL, pkt.router+1), vrrp.Accepted
}

// spoof sends an advertisement that no router of ours sent, to everybody on the
// link, as a host that may be one of the nodes. Its sender can read passwords off
// the wire, but does not have the key of an authentication header.
func (w *world) spoof(router int, priority uint8, host int) {
	p := w.sc.params(0, router)
	a := vrrp.Advertisement{
		Version: p.Version, VRID: p.VRID, Priority: priority, MaxAdvertiseInterval: p.AdvertisementInterval,
		Addresses: p.Addresses, AuthType: p.Auth,
	}
	if p.Auth == vrrp.AuthPass {
		copy(a.Password[:], password)
	}
	pkt := &packet{
		router: router, from: alien, src: host, dst: vrrp.GroupIPv4(), to: everyone, priority: priority,
		interval: p.AdvertisementInterval, version: p.Version, damaged: p.Auth == vrrp.AuthAH || len(p.Peers) > 0,
	}
	src := hostAddress(p.IPv6, router, host)
	var err error
	if p.IPv6 {
		pkt.dst = vrrp.GroupIPv6()
		pkt.bytes, err = a.Append(nil, src, pkt.dst, vrrp.WithPseudoHeader)
	} else {
		pkt.bytes, err = vrrp.AppendIPv4(nil, vrrp.IPv4{Source: src, Destination: pkt.dst, ID: 1, TTL: vrrp.TTL, Sequence: 1 << 30}, a)
	}
	if err != nil {
		w.fail("codec", "cannot encode a spoofed advertisement: %v", err)
		return
	}
	w.spread(pkt)
}
