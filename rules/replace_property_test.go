package rules

import (
	"fmt"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"ipvsadm/ipvs"
	"ipvsadm/ipvs/ipvstest"
)

// genStream makes streams of few services and servers. In half of them no line
// contradicts those before.
func genStream() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		stream := genAnyStream().Draw(t, "lines")
		if rapid.Bool().Draw(t, "with contradictions") {
			return stream
		}
		var b strings.Builder
		k := ipvstest.New(ipvstest.Options{})
		for line := range strings.Lines(stream) {
			if code, _, _ := ipvsadm(k, line, "ipvsadm", "-R"); code == exitOK {
				b.WriteString(line)
			}
		}
		return b.String()
	})
}

func genAnyStream() *rapid.Generator[string] {
	service := rapid.SampledFrom([]string{"-t 10.0.0.1:80", "-u 10.0.0.1:53", "-f 7", "-f 7 -6", "-t [2001:db8::1]:443"})
	return rapid.Custom(func(t *rapid.T) string {
		var b strings.Builder
		for range rapid.IntRange(0, 25).Draw(t, "lines") {
			svc := service.Draw(t, "service")
			server := "192.168.0." + fmt.Sprint(rapid.IntRange(1, 4).Draw(t, "server"))
			port := ":80"
			if strings.HasPrefix(svc, "-f") {
				port = ":0"
			}
			if strings.Contains(svc, ":db8") || strings.Contains(svc, "-6") {
				server = "[2001:db8:1::" + server[len(server)-1:] + "]"
			}
			settings := rapid.SampledFrom([]string{"-m", "-g", "-i --tun-type gre --tun-csum", "-m -x 9 -y 2"}).Draw(t, "settings") +
				" -w " + fmt.Sprint(rapid.IntRange(0, 3).Draw(t, "weight"))
			kind := rapid.SampledFrom([]string{"-A", "-A", "-A", "-E", "-D", "-a", "-a", "-a", "-a", "-e", "-d", "-C"}).Draw(t, "kind")
			switch kind {
			case "-A", "-E":
				fmt.Fprintln(&b, kind, svc, rapid.SampledFrom([]string{"-s rr", "-s wlc -p 300", "-s sh -b sh-port,sh-fallback", "-s wrr -p 50 --pe sip"}).Draw(t, "scheduler"))
			case "-D":
				fmt.Fprintln(&b, kind, svc)
			case "-a", "-e":
				fmt.Fprintln(&b, kind, svc, "-r", server+port, settings)
			case "-d":
				fmt.Fprintln(&b, kind, svc, "-r", server+port)
			case "-C":
				if rapid.IntRange(0, 9).Draw(t, "really") == 0 {
					fmt.Fprintln(&b, kind)
				}
			}
		}
		return b.String()
	})
}

// row is a service, with the zero address, or a real server.
type row struct {
	service ipvs.ServiceKey
	addr    netip.AddrPort
}

func rowsOf(t *rapid.T, k *ipvstest.Kernel) map[row]bool {
	table, err := k.Table(ipvs.Query{Detail: ipvs.Full})
	if err != nil {
		t.Fatal(err)
	}
	rows := map[row]bool{}
	for _, e := range table {
		rows[row{service: e.ServiceKey}] = true
		for _, d := range e.Destinations {
			rows[row{e.ServiceKey, d.Addr}] = true
		}
	}
	return rows
}

// TestReplaceOnRandomTables checks all that -R --replace promises: the table is
// what the lines make of an empty one, at every instant it holds what is in both
// tables and nothing that is in neither, nothing that stays is deleted, and the
// second time nothing happens. Streams in which a line contradicts those before
// change nothing.
func TestReplaceOnRandomTables(t *testing.T) {
	replaced, refused := 0, 0
	addsIt := regexp.MustCompile(`: line \d+ adds it`)
	rapid.Check(t, func(t *rapid.T) {
		old, stream := genStream().Draw(t, "old"), genStream().Draw(t, "stream")
		services := rapid.Bool().Draw(t, "services")
		arg := "--replace"
		if services {
			arg = "--replace=services"
		}

		// The oracle is the kernel: it carries out the lines one by one.
		oracle := ipvstest.New(ipvstest.Options{})
		_, _, complaints := ipvsadm(oracle, stream, "ipvsadm", "-R")

		k := &scribe{Kernel: ipvstest.New(ipvstest.Options{})}
		ipvsadm(k, old, "ipvsadm", "-R")
		k.ops = nil
		before, want := rowsOf(t, k.Kernel), rowsOf(t, oracle)
		if services { // services that no -A names are wanted too
			for r := range before {
				if !strings.Contains(stream, "-A "+ServiceText(r.service)+" -s") {
					want[r] = true
				}
			}
		}
		if stream == "" {
			stream = "-C\n"
		}
		k.after = func(op ipvs.Op) {
			now := rowsOf(t, k.Kernel)
			for r := range now {
				if !before[r] && !want[r] {
					t.Fatalf("%+v: %+v is in neither table", op, r)
				}
			}
			for r := range before {
				if want[r] && !now[r] {
					t.Fatalf("%+v: %+v is in both tables and was lost", op, r)
				}
			}
		}
		code, _, stderr := ipvsadm(k, stream, "ipvsadm", "-R", arg)
		if complaints != "" {
			refused++
			// The same complaints, each with its line and who is at fault; and nothing
			// happened.
			var bare strings.Builder
			for line := range strings.Lines(strings.TrimSuffix(stderr, "Nothing was changed\n")) {
				_, text, _ := strings.Cut(line, ": ")
				bare.WriteString(addsIt.ReplaceAllString(text, ""))
			}
			if code != exitInvalid || bare.String() != complaints || len(k.ops) > 0 {
				t.Fatalf("exit code %d, stderr\n%s\n-R said\n%s\nthe kernel heard %q", code, stderr, complaints, k.heard())
			}
			return
		}
		replaced++
		if code != exitOK || stderr != "" {
			t.Fatalf("exit code %d, stderr %q", code, stderr)
		}
		if !services && tableOf(k) != tableOf(oracle) {
			t.Fatalf("table\n%s\nwant\n%s", tableOf(k), tableOf(oracle))
		}
		if services && fmt.Sprint(rowsOf(t, k.Kernel)) != fmt.Sprint(want) {
			t.Fatalf("table\n%s\nwant\n%v", tableOf(k), want)
		}
		k.ops = nil
		if ipvsadm(k, stream, "ipvsadm", "-R", arg); len(k.ops) > 0 {
			t.Fatalf("the second time the kernel heard %q", k.heard())
		}
	})
	if replaced == 0 || refused == 0 {
		t.Errorf("%d tables replaced, %d streams refused", replaced, refused)
	}
}
