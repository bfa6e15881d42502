package vrrp

import (
	"errors"
	"log/slog"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestManagerFindsVMACRemade: somebody deletes a virtual MAC interface after we saw
// that its address is gone, and before we put the address up again. The interface
// comes back, and the address on it.
func TestManagerFindsVMACRemade(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const vmac, addr = "vrrp.51", "10.78.0.100/24"
		c := testConfig(100, "VI_1")
		c.Instances[0].AddressVMACs = []AddressVMAC{{Name: vmac, Base: "eth1"}}
		c.Instances[0].Excluded = []AddressConfig{{Prefix: netip.MustParsePrefix(addr), Device: "eth1", VMAC: true, Preferred: Forever}}
		n := new(ether).run(t, "10.0.0.1/24", c)
		if got := n.pass(time.Second); !strings.Contains(got, "make "+vmac) || !strings.Contains(got, "add "+addr) {
			t.Fatalf("at the start:\n%s", got)
		}
		for range 3 {
			n.host.change(func() {
				n.host.held[vmac] = nil
				n.host.before = func() { delete(n.host.vmacs, vmac) }
			})
			got := n.pass(firstRetry)
			for _, want := range []string{"make " + vmac, "add " + addr, "announce 10.78.0.100 on " + vmac} {
				if strings.Count(got, want) == 0 {
					t.Errorf("no %q in\n%s", want, got)
				}
			}
			if len(n.host.held[vmac]) != 1 || n.state("VI_1") != Active {
				t.Errorf("%s holds %v, the state is %v", vmac, n.host.held[vmac], n.state("VI_1"))
			}
			n.pass(2 * time.Second)
		}
	})
}

// TestManagerRetries: what the host refuses is asked for again, once a second in
// the end, and logged once; when it is there at last it is announced. A router that
// is not Active any more asks for nothing.
func TestManagerRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged strings.Builder
		asked := 0
		log := &journal{start: time.Now()}
		host := newFakeHost(log, "10.0.0.1/24")
		refuse := func(c Change) error {
			if c.Address == nil {
				return nil
			}
			asked++
			return errors.New("add address: no buffer space available")
		}
		host.refuse = refuse
		n := new(ether).runOn(t, log, host, testConfig(100, "VI_1"), func(o *Options) { o.Log = slog.New(slog.NewTextHandler(&logged, nil)) })
		n.pass(10 * time.Second)
		if asked < 10 || asked > 20 || strings.Count(logged.String(), "no buffer space") != 1 || n.state("VI_1") != Active {
			t.Errorf("asked %d times in 10 s, the state is %v, logged\n%s", asked, n.state("VI_1"), logged.String())
		}
		n.host.change(func() { n.host.refuse = nil })
		if got := n.pass(restoreGap); strings.Count(got, "add 10.0.0.101/32") != 1 || strings.Count(got, "announce 10.0.0.101") != 2 {
			t.Errorf("when the host takes it again:\n%s", got)
		}
		if !strings.Contains(logged.String(), "(VI_1) VIPs or routes that could not be added are there now") {
			t.Errorf("logged\n%s", logged.String())
		}
		calls := n.host.calls
		if n.pass(10 * time.Second); n.host.calls != calls {
			t.Errorf("asked %d times for what is there", n.host.calls-calls)
		}
		n.host.change(func() { n.host.refuse, n.host.held["eth0"] = refuse, nil })
		n.pass(time.Second)
		n.host.change(func() { n.host.down["eth0"] = true })
		n.pass(0)
		asked = 0
		if n.pass(10 * time.Second); asked != 0 || n.state("VI_1") != Fault {
			t.Errorf("asked %d times in %v", asked, n.state("VI_1"))
		}
	})
}

// TestManagerRetriesVMACs: an interface that cannot be made is tried again, and not
// with every look.
func TestManagerRetriesVMACs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		log := &journal{start: time.Now()}
		host := newFakeHost(log, "10.0.0.1/24")
		host.refuse = func(c Change) error {
			if c.VMAC == nil {
				return nil
			}
			asked++
			return errors.New("add interface vrrp.51: there is another interface of that name")
		}
		c := testConfig(100, "VI_1")
		c.Instances[0].AddressVMACs = []AddressVMAC{{Name: "vrrp.51", Base: "eth1"}}
		n := new(ether).runOn(t, log, host, c)
		if n.pass(10 * time.Second); asked < 10 || asked > 20 {
			t.Errorf("asked %d times in 10 s", asked)
		}
		n.host.change(func() { n.host.refuse = nil })
		if got := n.pass(restoreGap); strings.Count(got, "make vrrp.51") != 1 {
			t.Errorf("when it can be made:\n%s", got)
		}
	})
}
