package schedule

import (
	"strings"

	"github.com/spf13/pflag"

	"ipvsadm/rules"
	"ipvsadm/sched"
)

// Subcommands returns the words and options of ipvsadm sched, for completion.
func Subcommands() []rules.Subcommand {
	var names []string
	for _, s := range sched.All() {
		names = append(names, s.Name)
	}
	return []rules.Subcommand{
		{Name: "sched", Words: names},
		{Name: "sched predict", Flags: described(new(predictOptions).flags(), predictHelp)},
		{Name: "sched simulate", Flags: described(new(simulateOptions).flags(), simulateHelp)},
	}
}

// described gives flags the usage that a help text has of them, up to the first
// stop, with the name of the value in back quotes. Two blanks or more part an
// option from what is said of it.
func described(set *pflag.FlagSet, help string) *pflag.FlagSet {
	for line := range strings.Lines(help) {
		option, said, _ := strings.Cut(strings.TrimSpace(line), "  ")
		name, value, _ := strings.Cut(option, " ")
		f := set.Lookup(strings.TrimPrefix(name, "--"))
		if f == nil {
			continue
		}
		f.Usage, _, _ = strings.Cut(strings.Trim(said, " ,;:"), "; ")
		if value != "" {
			f.Usage = "`" + value + "`: " + f.Usage
		}
	}
	return set
}
