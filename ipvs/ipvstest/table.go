package ipvstest

import (
	"slices"
	"syscall"

	"ipvsadm/ipvs"
)

// buckets is the size of the kernel's two service tables (IP_VS_SVC_TAB_SIZE).
const buckets = 256

// hashTable holds the services of one kind in the kernel's buckets. A bucket
// has the oldest service first; the kernel walks it from the newest.
type hashTable [buckets][]*service

// hash returns the bucket of a key: ip_vs_svc_hashkey and
// ip_vs_svc_fwm_hashkey.
func (k *Kernel) hash(key ipvs.ServiceKey) int {
	if key.FWMark != 0 {
		return int(uint8(key.FWMark) ^ k.opt.HashSalt)
	}
	// The kernel folds the address into 32 bits, and eight bits of the sum count:
	// the last byte of each word.
	h := uint8(key.Protocol) ^ k.opt.HashSalt
	for i, b := range key.Addr.Addr().AsSlice() {
		if i%4 == 3 {
			h ^= b
		}
	}
	port := key.Addr.Port()
	return int(h ^ uint8(port>>8) ^ uint8(port))
}

// table returns the hash table a key belongs in.
func (k *Kernel) table(key ipvs.ServiceKey) *hashTable {
	if key.FWMark != 0 {
		return &k.byMark
	}
	return &k.byAddr
}

func (k *Kernel) insert(s *service) {
	bucket := &k.table(s.ServiceKey)[k.hash(s.ServiceKey)]
	*bucket = append(*bucket, s)
}

func (k *Kernel) remove(s *service) {
	bucket := &k.table(s.ServiceKey)[k.hash(s.ServiceKey)]
	i := slices.Index(*bucket, s)
	*bucket = slices.Delete(*bucket, i, i+1)
}

// find returns the service with a key that parseKey returned, or nil.
func (k *Kernel) find(key ipvs.ServiceKey) *service {
	for _, s := range k.table(key)[k.hash(key)] {
		if s.ServiceKey == key {
			return s
		}
	}
	return nil
}

// all returns every service in the kernel's order: those with an address, then
// those with a mark, by bucket, the newest of a bucket first
// (ip_vs_genl_dump_services).
func (k *Kernel) all() []*service {
	var list []*service
	for _, table := range []*hashTable{&k.byAddr, &k.byMark} {
		for _, bucket := range table {
			for _, s := range slices.Backward(bucket) {
				list = append(list, s)
			}
		}
	}
	return list
}

// Table reads services with their real servers in the kernel's order. As with
// the real kernel the services come from one request and the servers of each
// from another: a service that vanishes in between is shown without servers.
// Fields that q.Detail does not ask for are zero.
func (k *Kernel) Table(q ipvs.Query) ([]ipvs.Entry, error) {
	if err := k.before(ipvs.ReqGetService); err != nil {
		return nil, err
	}
	states, errno := k.services(q.Service)
	if errno != 0 {
		return nil, &ipvs.OpError{Request: ipvs.ReqGetService, Err: errno}
	}
	var entries []ipvs.Entry
	for _, state := range states {
		if err := k.before(ipvs.ReqGetDest); err != nil {
			return nil, err
		}
		entries = append(entries, ipvs.Entry{
			ServiceState: state,
			Destinations: k.destinations(state.ServiceKey, q.Detail),
		})
	}
	if q == (ipvs.Query{}) {
		asInProc(entries)
	}
	return entries, nil
}

// asInProc makes of entries what /proc/net/ip_vs says, where all services are
// read at once: it has no word for the forwarding methods from 4 on and calls
// them Masq (ip_vs_fwd_name).
func asInProc(entries []ipvs.Entry) {
	for _, e := range entries {
		for i := range e.Destinations {
			if d := &e.Destinations[i]; d.Forward > ipvs.Route {
				d.Forward = ipvs.Masq
			}
		}
	}
}

// services returns the service with a key, or all of them for the zero key.
func (k *Kernel) services(key ipvs.ServiceKey) ([]ipvs.ServiceState, syscall.Errno) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if key != (ipvs.ServiceKey{}) {
		s, errno := k.lookup(key)
		if errno != 0 {
			return nil, errno
		}
		return []ipvs.ServiceState{s.ServiceState}, 0
	}
	var states []ipvs.ServiceState
	for _, s := range k.all() {
		states = append(states, s.ServiceState)
	}
	return states, 0
}

// destinations returns the real servers of a service, the newest first; none if
// the service is gone (ip_vs_genl_dump_dests).
func (k *Kernel) destinations(key ipvs.ServiceKey, detail ipvs.Detail) []ipvs.DestinationState {
	k.mu.Lock()
	defer k.mu.Unlock()
	s := k.find(key)
	if s == nil {
		return nil
	}
	var states []ipvs.DestinationState
	for _, d := range slices.Backward(s.destinations) {
		states = append(states, shown(d.DestinationState, detail))
	}
	return states
}

// shown returns what a query of that detail tells of a real server.
func shown(d ipvs.DestinationState, detail ipvs.Detail) ipvs.DestinationState {
	if detail == ipvs.Full {
		return d
	}
	less := ipvs.DestinationState{
		Destination: ipvs.Destination{Addr: d.Addr, Forward: d.Forward, Weight: d.Weight},
		Active:      d.Active,
		Inactive:    d.Inactive,
	}
	if detail != ipvs.Basic && d.Forward == ipvs.Tunnel {
		less.Tunnel = d.Tunnel
	}
	if detail == ipvs.Settings {
		less.Upper, less.Lower, less.Persistent = d.Upper, d.Lower, d.Persistent
	}
	return less
}
