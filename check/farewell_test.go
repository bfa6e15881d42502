package check

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
)

// TestFarewell takes servers out of the configuration: what was up goes down, and
// whoever waits for that is told. What was down is so already.
func TestFarewell(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		notified := func(s *ServerConfig) *ServerConfig {
			s.QuorumDown = &Command{Argv: []string{"/vs-down"}}
			for i := range s.Reals {
				s.Reals[i].NotifyDown, s.Reals[i].Mail = &Command{Argv: []string{"/rs-down"}}, i == 0
			}
			return s
		}
		other := notified(with(serverOf(0, 0, 0, 1), inhibit))
		other.Service.Addr = netip.MustParseAddrPort("10.0.0.2:80")
		other.Reals = other.Reals[3:]
		b.set(1, Result{})
		b.run(configOf(notified(serverOf(1, 1, 1)), other))
		b.after(2 * interval)
		b.mu.Lock()
		b.notices = nil
		b.mu.Unlock()
		// The first and the second server go, of which the second is down; and all of
		// the other virtual server.
		next := notified(serverOf(1, 1, 1))
		next.Reals = next.Reals[2:]
		b.reload(configOf(next))
		b.expect("after the reload", web+realLine(2, 1))
		const vs, another = "[10.0.0.1]:tcp:80", "[10.0.0.2]:tcp:80"
		want := []string{
			"RS [10.0.1.0]:tcp:80 " + vs + " DOWN /rs-down Realserver [10.0.1.0]:tcp:80 of virtual server " + vs + " - DOWN => Removing <=",
			"RS [10.0.1.3]:tcp:80 " + another + " DOWN /rs-down",
			"VS " + another + " DOWN /vs-down",
		}
		var got []string
		for _, n := range b.notices {
			got = append(got, strings.TrimSpace(n.FIFO+" "+n.Command.Argv[0]+" "+n.Subject+" "+n.Body))
		}
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		for i, server := range []string{vs, vs, another} {
			line := "Removing service [10.0.1." + []string{"0", "1", "3"}[i] + "]:tcp:80 from VS " + server
			if b.logged(line) == 0 {
				t.Errorf("the log lacks %q: %s", line, b.log.String())
			}
		}
		if want := []string{vs + " true", another + " true"}; !slices.Equal(b.quorums, want) {
			t.Errorf("told of quorums %v, want %v: nobody can track what is not configured", b.quorums, want)
		}
		b.stop()
	})
}

// TestStartWithoutQuorum tells nobody that there is none yet, unless a sorry server
// takes its place: nothing was lost.
func TestStartWithoutQuorum(t *testing.T) {
	for _, c := range []struct {
		server *ServerConfig
		want   int
	}{{with(serverOf(1), alpha), 0}, {with(serverOf(1), alpha, sorry), 1}} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t)
			c.server.Mail, c.server.QuorumDown = true, &Command{Argv: []string{"/down"}}
			b.set(0, Result{Verdict: Skip})
			b.run(configOf(c.server))
			b.after(interval)
			b.stop()
			if len(b.notices) != c.want {
				t.Errorf("sorry server %t: told %+v", c.server.Sorry != nil, b.notices)
			}
		})
	}
}

// TestGroupsAreTrackedByProtocol names a group in the log as keepalived does, and
// elsewhere so that it cannot be taken for the one of another protocol.
func TestGroupsAreTrackedByProtocol(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s := serverOf(1)
		s.Group, s.Service.Addr = "G", netip.AddrPort{}
		c := configOf(s)
		c.Groups = []GroupConfig{{Name: "G", Entries: []GroupEntry{{First: webKey.Addr.Addr(), Last: webKey.Addr.Addr(), Port: 80}}}}
		b.run(c)
		b.expect("in the table", web+realLine(0, 1))
		if want := []string{"[G]:tcp:0 true"}; !slices.Equal(b.quorums, want) || b.logged("for VS [G]:0") == 0 {
			t.Errorf("told of quorums %v, want %v; the log: %s", b.quorums, want, b.log.String())
		}
		b.stop()
	})
}
