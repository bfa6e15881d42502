package rules

import (
	"net/netip"
	"testing"
	"time"

	"ipvsadm/ipvs"
)

// settings is a Kernel that has timeouts and daemons and nothing else.
type settings struct {
	Kernel
	timeouts ipvs.Timeouts
	daemons  []ipvs.Daemon
}

func (s settings) Timeouts() (ipvs.Timeouts, error) { return s.timeouts, nil }
func (s settings) Daemons() ([]ipvs.Daemon, error)  { return s.daemons, nil }

func TestTimeoutsAndDaemons(t *testing.T) {
	master := ipvs.Daemon{State: ipvs.Master, Interface: "d0", SyncID: 5, MaxLen: 1000, Group: netip.MustParseAddr("239.1.1.1"), Port: 9999, TTL: 4}
	backup := ipvs.Daemon{State: ipvs.Backup, Interface: "d0", SyncID: 6, MaxLen: 1472, Group: netip.MustParseAddr("224.0.0.81"), Port: 8848, TTL: 1}
	over6 := ipvs.Daemon{State: ipvs.Master, Interface: "eth0.4", MaxLen: 1452, Group: netip.MustParseAddr("ff02::81"), Port: 8848, TTL: 1}
	old := ipvs.Daemon{State: ipvs.Master, Interface: "d0", SyncID: 3} // before Linux 4.3
	tests := []struct {
		name   string
		kernel settings
		format Format
		want   string
	}{
		{"timeouts", settings{timeouts: ipvs.Timeouts{TCP: 15 * time.Minute, TCPFin: 2 * time.Minute, UDP: 5 * time.Minute}}, ListTimeouts,
			"Timeout (tcp tcpfin udp): 900 120 300\n"},
		{"no daemon", settings{}, ListDaemons, ""},
		{"both daemons", settings{daemons: []ipvs.Daemon{master, backup}}, ListDaemons,
			"master sync daemon (mcast=d0, syncid=5, maxlen=1000, group=239.1.1.1, port=9999, ttl=4)\n" +
				"backup sync daemon (mcast=d0, syncid=6, maxlen=1472, group=224.0.0.81, port=8848, ttl=1)\n"},
		{"over IPv6", settings{daemons: []ipvs.Daemon{over6}}, ListDaemons,
			"master sync daemon (mcast=eth0.4, syncid=0, maxlen=1452, group=ff02::81, port=8848, ttl=1)\n"},
		{"of an old kernel", settings{daemons: []ipvs.Daemon{old}}, ListDaemons, "master sync daemon (mcast=d0, syncid=3)\n"},
	}
	for _, tt := range tests {
		s, stdout, stderr := newSession(tt.kernel)
		code := s.run(List{Format: tt.format})
		s.out.Flush()
		if code != exitOK || stdout.String() != tt.want || stderr.Len() > 0 {
			t.Errorf("%s: exit code %d, got %q, want %q", tt.name, code, stdout, tt.want)
		}
	}
}
