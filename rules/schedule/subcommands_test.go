package schedule

import (
	"testing"

	"github.com/spf13/pflag"
)

// The help is where usages come from; options that name a service are described
// by ipvsadm's own.
func TestSubcommandsAreDescribed(t *testing.T) {
	all := map[string]*pflag.FlagSet{}
	for _, c := range Subcommands() {
		all[c.Name] = c.Flags
	}
	service := map[string]bool{"tcp-service": true, "udp-service": true, "sctp-service": true, "fwmark-service": true, "ipv6": true}
	for _, name := range []string{"sched predict", "sched simulate"} {
		all[name].VisitAll(func(f *pflag.Flag) {
			value, usage := pflag.UnquoteUsage(f)
			if service[f.Name] != (f.Usage == "") || !service[f.Name] && (len(usage) < 10 || f.Value.Type() != "bool" && value == f.Value.Type()) {
				t.Errorf("%s --%s %s: %q", name, f.Name, value, f.Usage)
			}
		})
	}
	for flag, want := range map[string]string{
		"rules": "FILE", "sched": "NAME[,FLAG]", "remove": "SERVER", "clients": "N",
	} {
		if got, _ := pflag.UnquoteUsage(all["sched simulate"].Lookup(flag)); got != want {
			t.Errorf("--%s %s, want %s", flag, got, want)
		}
	}
}
