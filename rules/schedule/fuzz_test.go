package schedule

import (
	"strings"
	"testing"

	"ipvsadm/ipvs"
	"ipvsadm/rules"
)

// FuzzSavedTables predicts and simulates every service of a table that anybody
// may have written. The answer is one, or a refusal.
func FuzzSavedTables(f *testing.F) {
	f.Add(shop)
	f.Add("-A -t 10.9.0.1:80 -s mh -p 1 -M 0.0.0.0\n-a -t 10.9.0.1:80 -r 10.0.0.1 -m -w 2147483647 -x 1 -y 1\n-e -t 10.9.0.1:80 -r 10.0.0.1 -m -w 0\n")
	f.Add("-A -f 1 -6 -s lblcr -p 5 -M 1 -o --pe sip\n-a -f 1 -6 -r 10.0.0.1:0 -i -w 65535\n-d -f 1 -6 -r 10.0.0.1:0\n-Z\n-C\n")
	f.Fuzz(func(t *testing.T, stream string) {
		ops, err := rules.ReadOps(strings.NewReader(stream), noNames{})
		if err != nil {
			return
		}
		w := &world{t: t, files: map[string]string{"saved": stream}, root: modules()}
		for _, op := range ops {
			add, ok := op.(ipvs.AddService)
			if !ok {
				continue
			}
			service := strings.Fields(rules.ServiceText(add.Service.ServiceKey))
			client, dst := "192.0.2.7:4000", "10.9.0.1"
			if add.Service.Family == ipvs.IPv6 {
				client, dst = "[2001:db8::7]:4000", "2001:db8::1"
			}
			for _, args := range [][]string{
				{"predict", "--client", client, "--next", "3", "--kernel", "6.18.1"},
				{"predict", "--client", client, "--dst", dst},
				{"simulate", "--clients", "3", "--connections", "20", "--sched", "wlc", "--sched", "mh", "--duration", "exp:1ms"},
			} {
				out, complaint, code := w.run(append(append(args, "--rules", "saved"), service...)...)
				if code == 0 && (out == "" || complaint != "") || code != 0 && (code != 2 || out != "" || complaint == "") {
					t.Errorf("%v: exit code %d, printed %q, said %q", args, code, out, complaint)
				}
			}
		}
	})
}
