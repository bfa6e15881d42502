package main

import (
	"fmt"
	"net/netip"
	"reflect"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/vrrp"
)

// TestSyncStarts starts the kernel's daemons that a role needs, as configured.
func TestSyncStarts(t *testing.T) {
	c := vrrp.SyncConfig{Device: "eth0", ID: 7, MaxLen: 1000, Port: 8849, TTL: 3, Group: netip.MustParseAddr("224.0.0.82")}
	start := func(state ipvs.DaemonState) ipvs.Op {
		return ipvs.StartDaemon{Daemon: ipvs.Daemon{
			State: state, Interface: "eth0", SyncID: 7, MaxLen: 1000, Port: 8849, TTL: 3, Group: netip.MustParseAddr("224.0.0.82"),
		}}
	}
	for role, want := range map[vrrp.SyncRole][]ipvs.Op{
		vrrp.SyncOff:    nil,
		vrrp.SyncActive: {start(ipvs.Master)},
		vrrp.SyncBackup: {start(ipvs.Backup)},
		vrrp.SyncBoth:   {start(ipvs.Master), start(ipvs.Backup)},
	} {
		if got := syncStarts(c, role); !reflect.DeepEqual(got, want) {
			t.Errorf("%v: %s", role, fmt.Sprint(got))
		}
	}
}
