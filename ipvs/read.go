package ipvs

import (
	"net/netip"
	"slices"
	"syscall"
)

// Table reads services with their real servers, both in the kernel's order, as
// far as q asks. A q.Service that does not exist is ESRCH.
//
// The kernel hands out a long list in pieces, and between two of them others
// may change it. Then rows would be there twice or not at all, so a list of
// several pieces is read again until two readings agree, four times at most, and
// what any of them saw is kept if it still exists: a row that nobody touched
// meanwhile is there once, others may be there or not.
//
// With Basic and WithTunnels, a real server whose forwarding method is 4 to 7,
// which no tool sets, is taken for Masq.
func (c *Client) Table(q Query) ([]Entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.Service != (ServiceKey{}) {
		return c.oneEntry(q.Service)
	}
	services, torn, err := c.services(c.sock)
	if err != nil {
		return nil, opError(ReqGetService, err)
	}
	var listed *procTable
	if q.Detail != Full {
		listed = c.readProc(services)
	}
	switch {
	case !torn: // though a kernel that is just resizing its table may see a row move
		services, _ = merge(nil, services, serviceKey)
	case !listed.confirms(len(services)):
		if services, err = c.confirmServices(services); err != nil {
			return nil, opError(ReqGetService, err)
		}
	}
	entries := make([]Entry, len(services))
	for i := range services {
		e, enough := &entries[i], false
		e.ServiceState = services[i]
		if e.Destinations, enough = listed.destinations(&e.ServiceKey, q.Detail); enough {
			continue
		}
		if e.Destinations, err = c.destinations(&e.ServiceKey); err != nil {
			return nil, opError(ReqGetDest, err)
		}
	}
	return entries, nil
}

func (c *Client) oneEntry(k ServiceKey) ([]Entry, error) {
	s, err := c.service(&k)
	if err != nil {
		return nil, opError(ReqGetService, err)
	}
	dests, err := c.destinations(&k)
	if err != nil {
		return nil, opError(ReqGetDest, err)
	}
	return []Entry{{ServiceState: s, Destinations: dests}}, nil
}

// service reads one service; ESRCH if there is none with this key.
func (c *Client) service(k *ServiceKey) (s ServiceState, err error) {
	_, err = c.ask(c.sock, ReqGetService, k, func(b []byte) (err error) {
		s, err = decodeService(b, &s.Service)
		return err
	})
	return s, err
}

// services reads the list of services once.
func (c *Client) services(s socket) (list []ServiceState, torn bool, err error) {
	last := new(Service)
	torn, err = c.ask(s, ReqGetService, nil, func(b []byte) error {
		v, err := decodeService(b, last)
		list = append(list, v)
		last = &list[len(list)-1].Service
		return err
	})
	return list, torn, err
}

// destinations reads the real servers of a service; none if it does not exist.
func (c *Client) destinations(k *ServiceKey) ([]DestinationState, error) {
	list, torn, err := c.destinationsOnce(c.sock, k)
	if err != nil || !torn {
		return list, err
	}
	list, _, err = confirm(list, c.sock, destinationKey, func(s socket) ([]DestinationState, error) {
		again, _, err := c.destinationsOnce(s, k)
		return again, err
	})
	return list, err
}

func (c *Client) destinationsOnce(s socket, k *ServiceKey) (list []DestinationState, torn bool, err error) {
	torn, err = c.ask(s, ReqGetDest, k, func(b []byte) error {
		d, err := decodeDestination(b, k.Family)
		list = append(list, d)
		return err
	})
	return list, torn, err
}

func destinationKey(d *DestinationState) netip.AddrPort { return d.Addr }
func serviceKey(s *ServiceState) ServiceKey             { return s.ServiceKey }

// confirmServices completes a list that came in several pieces. Of services
// that the last reading lacks it keeps those that exist.
func (c *Client) confirmServices(list []ServiceState) ([]ServiceState, error) {
	list, unsure, err := confirm(list, c.sock, serviceKey, func(s socket) ([]ServiceState, error) {
		again, _, err := c.services(s)
		return again, err
	})
	if err != nil || len(unsure) == 0 {
		return list, err
	}
	return slices.DeleteFunc(list, func(s ServiceState) bool {
		if !unsure[s.ServiceKey] || err != nil {
			return false
		}
		_, e := c.service(&s.ServiceKey)
		if e != nil && e != syscall.ESRCH {
			err = e
		}
		return e == syscall.ESRCH
	}), err
}
