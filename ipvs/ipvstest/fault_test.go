package ipvstest_test

import (
	"syscall"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

func TestTheNthRequestFails(t *testing.T) {
	k := ipvstest.New(ipvstest.Options{Before: ipvstest.FailNth(ipvs.ReqNewDest, 2, syscall.ENOMEM)})
	errs := k.Do(add(web), addServer(web, "10.0.0.2:80"), addServer(web, "10.0.0.3:80"), addServer(web, "10.0.0.4:80"))
	if len(errs) != 4 || errnoOf(errs[2]) != syscall.ENOMEM || errs[0] != nil || errs[1] != nil || errs[3] != nil {
		t.Errorf("errors are %v", errs)
	}
	wantString(t, k, "-A -t 10.0.0.1:80 -s rr\n-a -t 10.0.0.1:80 -r 10.0.0.4:80 -m -w 1\n-a -t 10.0.0.1:80 -r 10.0.0.2:80 -m -w 1\n")
}

func TestAServiceThatVanishesWhileBeingListedHasNoServers(t *testing.T) {
	var k *ipvstest.Kernel
	k = build(t, ipvstest.Options{Before: func(r ipvs.Request) error {
		if r == ipvs.ReqGetDest {
			if errno := do(k, remove(web)); errno != 0 {
				t.Error(errno)
			}
		}
		return nil
	}}, add(web), addServer(web, "10.0.0.2:80"))
	entries := table(t, k, ipvs.ServiceKey{})
	if len(entries) != 1 || entries[0].ServiceKey != web || entries[0].Destinations != nil {
		t.Errorf("table is %+v", entries)
	}
}
