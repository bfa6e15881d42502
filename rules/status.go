package rules

import (
	"strconv"
	"time"

	"ipvsadm/ipvs"
)

// seconds is a duration of the kernel's, which are whole seconds.
func seconds(d time.Duration) int64 { return int64(d / time.Second) }

// listTimeouts prints the connection timeouts. Like ipvsadm it fails without a
// word.
func (s *session) listTimeouts() int {
	t, err := s.kernel.Timeouts()
	if err != nil {
		return exitListing
	}
	b := append(s.out.AvailableBuffer(), "Timeout (tcp tcpfin udp):"...)
	for _, d := range [...]time.Duration{t.TCP, t.TCPFin, t.UDP} {
		b = strconv.AppendInt(append(b, ' '), seconds(d), 10)
	}
	s.out.Write(append(b, '\n'))
	return exitOK
}

// listDaemons prints a line for each synchronisation daemon, nothing if there
// is none. Like ipvsadm it fails without a word.
func (s *session) listDaemons() int {
	daemons, err := s.kernel.Daemons()
	if err != nil {
		return exitListing
	}
	for _, d := range daemons {
		s.out.Write(appendDaemon(s.out.AvailableBuffer(), &d))
	}
	return exitOK
}

// appendDaemon leaves out what the kernel does not know: before Linux 4.3 it
// knew only interface and id.
func appendDaemon(b []byte, d *ipvs.Daemon) []byte {
	role := "master"
	if d.State == ipvs.Backup {
		role = "backup"
	}
	b = append(append(b, role...), " sync daemon (mcast="...)
	b = append(append(b, d.Interface...), ", syncid="...)
	b = strconv.AppendUint(b, uint64(d.SyncID), 10)
	if d.MaxLen != 0 {
		b = strconv.AppendUint(append(b, ", maxlen="...), uint64(d.MaxLen), 10)
	}
	if d.Group.IsValid() {
		b = appendAddr(append(b, ", group="...), d.Group)
	}
	if d.Port != 0 {
		b = strconv.AppendUint(append(b, ", port="...), uint64(d.Port), 10)
	}
	if d.TTL != 0 {
		b = strconv.AppendUint(append(b, ", ttl="...), uint64(d.TTL), 10)
	}
	return append(b, ")\n"...)
}
