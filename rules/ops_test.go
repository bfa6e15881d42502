package rules

import (
	"errors"
	"io"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	"ipvsadm/ipvs"
)

func TestSavedTablesAreReadAsChanges(t *testing.T) {
	web := ipvs.ServiceKey{Family: ipvs.IPv4, Protocol: ipvs.TCP, Addr: netip.MustParseAddrPort("10.0.0.1:80")}
	ops, err := ReadOps(strings.NewReader("# saved\n\n-A -t 10.0.0.1:80 -s sh -b sh-port\nipvsadm -a -t 10.0.0.1:80 -r 10.0.0.2 -m -w 3\n-C"), newFewNames())
	want := []ipvs.Op{
		ipvs.AddService{Service: ipvs.Service{ServiceKey: web, Scheduler: "sh", Flags: ipvs.SchedFlag2, Netmask: ipvs.HostMask(ipvs.IPv4)}},
		ipvs.AddDestination{Service: web, Destination: ipvs.Destination{
			Addr: netip.MustParseAddrPort("10.0.0.2:80"), Forward: ipvs.Masq, Weight: 3}},
		ipvs.Flush{},
	}
	if err != nil || !reflect.DeepEqual(ops, want) {
		t.Errorf("%+v, %v; want %+v", ops, err, want)
	}
	for text, want := range map[string]string{
		"-A -t 10.0.0.1:80\n\n-a -t 10.0.0.1:80 -r x -m": "line 3: illegal real server address[:port] specified",
		"-L\n":           "line 1: -L changes nothing",
		"{\"a\":1}\n":    "line 1: no command at its beginning: {\"a\":1}",
		"-A -t nosuch\n": "line 1: illegal virtual server address[:port] specified",
	} {
		if _, err := ReadOps(strings.NewReader(text), newFewNames()); err == nil || err.Error() != want {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
	broken := errors.New("broken")
	if _, err := ReadOps(io.MultiReader(strings.NewReader("-C\n"), iotest.ErrReader(broken)), newFewNames()); err != broken {
		t.Errorf("a reader that breaks: %v", err)
	}
}

func TestServicesAreNamedAsOnTheCommandLine(t *testing.T) {
	for _, text := range []string{"-t 10.0.0.1:80", "-u [2001:db8::1]:53", "--sctp-service 10.0.0.1:7", "-f 7", "-f 7 -6"} {
		op, err := ParseOp(append([]string{"-D"}, strings.Fields(text)...), newFewNames())
		if err != nil {
			t.Fatal(err)
		}
		if got := ServiceText(op.(ipvs.DeleteService).Service); got != text {
			t.Errorf("%s is named %s", text, got)
		}
	}
}
