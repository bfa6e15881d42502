package compat

import (
	"fmt"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/testdata/lab/uml"
)

// The kernel lists services by hash bucket, and eight bits of the address of
// the network namespace's structure in memory go into the hash. Listings show
// that order, with --nosort and where ipvsadm's comparison of two services is
// not transitive. So a listing can be repeated to the byte only in a namespace
// with the same bits, its salt.

// recordedSalt tells whether the recording could have been made in a namespace
// with this salt: it shows five of the bits.
func recordedSalt(salt uint8) bool { return salt&^0b11011 == 0x60 }

// mostNamespaces is how many namespaces are tried for a salt. There are eight to
// sixteen of them that take turns, while a kernel keeps the structures in pages
// of their own.
const mostNamespaces = 300

// RecordedNetNS makes network namespaces until one lists in the recording's
// order.
func RecordedNetNS(t testing.TB, name string) *uml.NetNS {
	t.Helper()
	return salted(t, name, func(_ *uml.NetNS, salt uint8) bool { return recordedSalt(salt) })
}

// TwinNetNS makes network namespaces until two list in the same order.
func TwinNetNS(t testing.TB, name string) (a, b *uml.NetNS) {
	t.Helper()
	made := map[uint8]*uml.NetNS{}
	b = salted(t, name, func(ns *uml.NetNS, salt uint8) bool {
		a = made[salt]
		made[salt] = ns
		return a != nil
	})
	return a, b
}

// salted makes network namespaces until one is accepted.
func salted(t testing.TB, name string, accept func(ns *uml.NetNS, salt uint8) bool) *uml.NetNS {
	t.Helper()
	for i := range mostNamespaces {
		ns := uml.NewNetNS(t, fmt.Sprintf("%s%d", name, i))
		salt, err := hashSalt(ns.Path())
		if err != nil {
			t.Fatal(err)
		}
		if accept(ns, salt) {
			return ns
		}
	}
	t.Fatalf("none of %d network namespaces has a fitting hash salt", mostNamespaces)
	return nil
}

// hashSalt finds out the salt of a namespace with an empty table: the bucket of
// a firewall mark is the exclusive or of its last byte and the salt, so the mark
// listed first, in bucket 0, is the salt.
func hashSalt(path string) (uint8, error) {
	c, err := ipvs.Open(ipvs.Options{Namespace: path})
	if err != nil {
		return 0, err
	}
	defer c.Close()
	var ops []ipvs.Op
	for mark := range uint32(256) {
		// Mark 0 is none; 256 falls into its bucket.
		key := ipvs.ServiceKey{Family: ipvs.IPv4, FWMark: (mark+255)%256 + 1}
		ops = append(ops, ipvs.AddService{Service: ipvs.Service{ServiceKey: key, Scheduler: "rr", Netmask: ipvs.HostMask(ipvs.IPv4)}})
	}
	if err := doAll(c.Do(ops...)); err != nil {
		return 0, err
	}
	table, err := c.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		return 0, err
	}
	if err := doAll(c.Do(ipvs.Flush{})); err != nil {
		return 0, err
	}
	return uint8(table[0].FWMark), nil
}
