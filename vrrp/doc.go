// Package vrrp will hold failover of virtual addresses by VRRP. It imports
// nothing of ours: failover works on a host without IPVS.
package vrrp
