package rules

import (
	"testing"

	"ipvsadm/ipvs"
)

func TestSave(t *testing.T) {
	for name, numeric := range map[string]bool{"save": true, "save-names": false} {
		s, stdout, stderr := newSession(dump{table: showcase()})
		if code := s.run(Save{Numeric: numeric}); code != exitOK || stderr.Len() > 0 {
			t.Errorf("exit code %d, stderr %q", code, stderr)
		}
		s.out.Flush()
		golden(t, name, stdout.String())
	}
}

// Names that parse does not take for the address they came from are numbers.
func TestSaveWritesOnlyNamesThatAreReadBack(t *testing.T) {
	book := newPhoneBook()
	book.add("10.0.0.5", "elsewhere")
	book.add("10.0.0.6", "elsewhere") // leads to 10.0.0.6 only
	book.names[server("10.0.0.7:1").Addr.Addr()] = "nowhere"
	book.add("10.0.0.8", "10") // is read as 0.0.0.10, or not at all
	book.add("10.0.0.9", "0x7f.1")
	book.add("10.0.0.10", "a:b")
	book.portNames[81], book.portNames[82] = "hosts2-ns", "xfer"
	book.ports["hosts2-ns"], book.ports["xfer"] = 81, 83
	tests := []struct{ addr, want string }{
		{"10.0.0.1:80", "vip.example.org:http"},
		{"10.0.0.1:81", "vip.example.org:hosts2-ns"},
		{"10.0.0.1:82", "vip.example.org:82"},
		{"10.0.0.1:0", "vip.example.org:0"},
		{"10.0.0.2:80", "a-very-long-host-name-for-a-virtual-service.subdomain.example.org:http"},
		{"10.0.0.5:80", "10.0.0.5:http"},
		{"10.0.0.6:80", "elsewhere:http"},
		{"10.0.0.7:80", "10.0.0.7:http"},
		{"10.0.0.8:80", "10.0.0.8:http"},
		{"10.0.0.9:80", "10.0.0.9:http"},
		{"10.0.0.10:80", "10.0.0.10:http"},
		{"[2001:db8::1]:80", "[2001:db8::1]:http"},
	}
	for _, tt := range tests {
		key := ipvs.ServiceKey{Family: ipvs.FamilyOf(server(tt.addr).Addr.Addr()), Protocol: ipvs.TCP, Addr: server(tt.addr).Addr}
		table := []ipvs.Entry{{ServiceState: ipvs.ServiceState{Service: ipvs.Service{ServiceKey: key, Scheduler: "rr"}}}}
		s, stdout, _ := newSession(dump{table: table})
		s.env.Names = book
		s.run(Save{})
		s.out.Flush()
		if got, want := stdout.String(), "-A -t "+tt.want+" -s rr\n"; got != want {
			t.Errorf("%s is saved as %q, want %q", tt.addr, got, want)
		}
	}
}

func TestNamesAreLookedUpAheadAndOnce(t *testing.T) {
	for _, tt := range []struct {
		cmd                Command
		prefetched, asking bool
		asked              int
	}{
		{cmd: List{Numeric: true}},
		{cmd: List{}, prefetched: true, asking: true},
		{cmd: Save{}, prefetched: true, asking: true},
		{cmd: Save{Numeric: true}},
	} {
		book := newPhoneBook()
		s, _, _ := newSession(dump{table: showcase()})
		s.env.Names = book
		s.run(tt.cmd)
		if (book.prefetched > 0) != tt.prefetched || (book.asked > 0) != tt.asking {
			t.Errorf("%v: %d names prefetched, %d asked for", tt.cmd, book.prefetched, book.asked)
		}
	}
}
