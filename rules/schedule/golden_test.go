package schedule

import (
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"

	"ipvsadm/sched"
)

// modules are the files of a kernel that has some schedulers.
func modules() fstest.MapFS {
	return fstest.MapFS{
		"proc/sys/kernel/osrelease": {Data: []byte("6.1.0-42-amd64\n")},
		"proc/sys/kernel/version":   {Data: []byte("#1 SMP PREEMPT_DYNAMIC Debian 6.1.192-1 (2026-11-01)\n")},
		"proc/modules":              {Data: []byte("ip_vs_rr 16384 0 - Live 0x0\nip_vs 180224 3 ip_vs_rr,ip_vs_wlc, Live 0x0\n")},
		"proc/net/ip_vs": {Data: []byte("IP Virtual Server version 1.2.1 (size=4096)\nProt LocalAddress:Port Scheduler Flags\n" +
			"  -> RemoteAddress:Port Forward Weight ActiveConn InActConn\nTCP  0A090001:0050 wlc \n  -> 0A000001:0050      Masq    3      0          0\n")},
		"lib/modules/6.1.0-42-amd64/modules.builtin": {Data: []byte("kernel/net/netfilter/ipvs/ip_vs_sh.ko\n")},
		"lib/modules/6.1.0-42-amd64/modules.dep": {Data: []byte("kernel/net/netfilter/ipvs/ip_vs_rr.ko.xz: kernel/net/netfilter/ipvs/ip_vs.ko.xz\n" +
			"kernel/net/netfilter/ipvs/ip_vs_mh.ko: kernel/net/netfilter/ipvs/ip_vs.ko\nkernel/net/netfilter/ipvs/ip-vs-dh.ko.zst:\n")},
	}
}

// TestGolden compares what is printed with files.
func TestGolden(t *testing.T) {
	type golden struct {
		file, line  string
		interactive bool
	}
	tests := []golden{
		{"list", "", false},
		{"list-terminal", "", true},
		{"help", "--help", false},
		{"help-predict", "predict --help", false},
		{"help-simulate", "simulate -h", false},
		{"predict-wlc", "predict -t 10.9.0.1:80 --client 192.0.2.7", false},
		{"predict-rr", "predict -t 10.9.0.1:81 --client 192.0.2.7", false},
		{"predict-many", "predict -t 10.9.0.1:81 --client 192.0.2.7:65534 --next 4", false},
		{"predict-ipv6", "predict -t [2001:db8::1]:80 --client [2001:db8:aaaa:bbbb:cccc:dddd:eeee:ffff]:40000 --next 2", false},
		{"predict-nobody", "predict -t 10.9.0.1:83 --client 192.0.2.7", false},
		{"predict-sctp", "predict --sctp-service 10.9.0.1:80 --client 192.0.2.7 --next 6 --rules saved", false},
		{"predict-totals", "predict -t 10.9.0.1:80 --client 192.0.2.7 --kernel 6.1.192", false},
		{"simulate-one", "simulate -t 10.9.0.1:80 --clients 100 --connections 6000", false},
		{"simulate-terminal", "simulate -t 10.9.0.1:80 --clients 100 --connections 6000", true},
		{"simulate-ipv6", "simulate -t [2001:db8::1]:80 --clients 100 --connections 6000 --remove [2001:db8::3]:80", false},
		{"simulate-several", "simulate -t 10.9.0.1:80 --clients 500 --connections 20000 --duration exp:5s --rate 100 " +
			"--sched rr --sched wlc --sched sh --sched mh,mh-fallback,mh-port --sched ovf --remove 10.0.0.2:80 --add 10.0.0.9:80,2", false},
		{"simulate-several-ipv6", "simulate -t [2001:db8::1]:80 --clients 500 --connections 20000 --sched rr --sched mh --sched mh,mh-port", true},
		{"simulate-mark", "simulate -f 7 --clients 50 --connections 5000 --destinations 3 --sched dh --sched lblc", false},
	}
	for _, s := range sched.All() {
		tests = append(tests, golden{"explain-" + s.Name, s.Name, false})
	}
	for _, tt := range tests {
		t.Run(tt.file, func(t *testing.T) {
			w := newWorld(t, shop)
			w.interactive = tt.interactive
			if w.setConnections("-t 10.9.0.1:80", "10.0.0.1:80", 4, 10); tt.file == "list" || tt.file == "list-terminal" {
				w.root = modules()
			}
			w.setConnections("-t 10.9.0.1:80", "10.0.0.2:80", 1, 700)
			w.setConnections("-t 10.9.0.1:80", "10.0.0.3:80", 1, 0)
			compareGolden(t, tt.file, w.prints(tt.line))
		})
	}
}

func compareGolden(t *testing.T, name, got string) {
	t.Helper()
	file := filepath.Join("testdata", name+".txt")
	if *update {
		if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s differs; got:\n%s", file, got)
	}
}

func TestPresences(t *testing.T) {
	want := map[string]presence{"rr": loaded, "wlc": loaded, "sh": loaded, "mh": available, "dh": available, "lc": absent, "twos": absent}
	got := presences(modules())
	for name, p := range want {
		if got[name] != p {
			t.Errorf("%s is %s, want %s", name, got[name], p)
		}
	}
	for name, p := range presences(fstest.MapFS{}) {
		if p != unknown {
			t.Errorf("nothing is known, but %s is %s", name, p)
		}
	}
	if got := kernelVersion(modules()); got != "6.1.192-1" {
		t.Errorf("Debian's kernel is %q", got)
	}
	if got := kernelVersion(newWorld(t, "").root); got != "6.1.176" {
		t.Errorf("the kernel is %q", got)
	}
}
