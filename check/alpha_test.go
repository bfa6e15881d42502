package check

import (
	"slices"
	"testing"
	"testing/synctest"
)

// TestAlphaIsConfirmed tells of a server that is down from the start once that is
// known: not before the first check, and not after every one. Mails are of servers
// that were up.
func TestAlphaIsConfirmed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t)
		s := with(serverOf(1), alpha)
		s.Reals[0].Checkers[0].Warmup = interval
		s.Reals[0].Mail, s.Reals[0].NotifyDown = true, &Command{Argv: []string{"/rs-down"}}
		b.set(0, Result{Reason: "refused"})
		b.run(configOf(s))
		if len(b.notices) != 0 {
			t.Errorf("told before any check: %+v", b.notices)
		}
		b.after(4 * interval)
		var got []string
		for _, n := range b.notices {
			got = append(got, n.FIFO+n.Subject)
		}
		const vs, rs = "[10.0.0.1]:tcp:80", "[10.0.1.0]:tcp:80"
		want := []string{"RS " + rs + " " + vs + " DOWN"} // and no mail: it was not up
		if !slices.Equal(got, want) {
			t.Errorf("told %q, want %q", got, want)
		}
		for _, line := range []string{"Service " + rs + " of VS " + vs + " is down\"", "TCP connection to " + rs + " failed. (refused)", "TCP_CHECK on service " + rs + " failed."} {
			if b.logged(line) != 1 {
				t.Errorf("%s is in the log %d times: %s", line, b.logged(line), b.log.String())
			}
		}
		b.stop()
	})
}
