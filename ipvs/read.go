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
// With Basic, WithTunnels and Settings, a real server whose forwarding method is 4 to 7,
// which no tool sets, is taken for Masq.
func (c *Client) Table(q Query) ([]Entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if q.Service != (ServiceKey{}) {
		return c.oneEntry(q.Service)
	}
	entries, torn, err := c.services(c.sock)
	if err != nil {
		return nil, opError(ReqGetService, err)
	}
	if len(repeated(entries, entryKey)) > 0 { // be it that the kernel is just resizing its table
		entries, _ = merge(nil, entries, entryKey)
		torn = true
	}
	var listed *procTable
	if torn || q.Detail != Full {
		listed = c.readProc(entries, q.Detail)
	}
	if torn && !listed.confirms() {
		if entries, err = c.confirmServices(entries); err != nil {
			return nil, opError(ReqGetService, err)
		}
		listed = nil
		if q.Detail != Full {
			listed = c.readProc(entries, q.Detail)
		}
	}
	var settings *settingsReader
	if q.Detail == Settings {
		settings = c.settings()
		defer settings.close()
	}
	for i := range entries {
		e := &entries[i]
		if listed.knows(i) && (q.Detail != Settings || settings.complete(&e.ServiceKey, e.Destinations)) {
			continue
		}
		if e.Destinations, err = c.destinations(&e.ServiceKey); err != nil {
			return nil, opError(ReqGetDest, err)
		}
	}
	return entries, nil
}

// settings returns a reader of settings that takes less than a dump for every
// service, nil if the socket has none.
func (c *Client) settings() *settingsReader {
	if s, ok := c.sock.(interface{ settings() *settingsReader }); ok {
		return s.settings()
	}
	return nil
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

// services reads the list of services once, without their real servers.
func (c *Client) services(s socket) (list []Entry, torn bool, err error) {
	last := new(Service)
	torn, err = c.ask(s, ReqGetService, nil, func(b []byte) error {
		v, err := decodeService(b, last)
		list = append(grow(list, atOnce), Entry{ServiceState: v})
		last = &list[len(list)-1].Service
		return err
	})
	return list, torn, err
}

// atOnce is the number of rows that room is made for where there may be many.
// Every page of memory that a process touches for the first time costs it as
// much as several rows do. Room that is not used costs nothing, but a list that
// grows as it is read leaves most of its pages behind.
const atOnce = 512

// grow makes room in a full list, for at least least rows and for so many that
// what it leaves behind is little beside what follows.
func grow[V any](list []V, least int) []V {
	if len(list) == cap(list) {
		list = slices.Grow(list, max(least, 3*len(list)))
	}
	return list
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
		list = append(grow(list, 1), d)
		return err
	})
	return list, torn, err
}

func destinationKey(d *DestinationState) netip.AddrPort { return d.Addr }
func entryKey(e *Entry) ServiceKey                      { return e.ServiceKey }

// confirmServices completes a list that came in several pieces. Of services
// that the last reading lacks it keeps those that exist.
func (c *Client) confirmServices(list []Entry) ([]Entry, error) {
	list, unsure, err := confirm(list, c.sock, entryKey, func(s socket) ([]Entry, error) {
		again, _, err := c.services(s)
		return again, err
	})
	if err != nil || len(unsure) == 0 {
		return list, err
	}
	return slices.DeleteFunc(list, func(e Entry) bool {
		if !unsure[e.ServiceKey] || err != nil {
			return false
		}
		_, no := c.service(&e.ServiceKey)
		if no != nil && no != syscall.ESRCH {
			err = no
		}
		return no == syscall.ESRCH
	}), err
}
