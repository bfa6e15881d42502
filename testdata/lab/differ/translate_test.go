package differ

import (
	"slices"
	"testing"

	"ipvsadm/testdata/lab/compat"
)

func TestTranslateWords(t *testing.T) {
	for _, tt := range []struct {
		name       string
		given      []string
		want       []string
		difference string // "" if nothing may change
	}{
		{"brackets in a word of their own", []string{"-A", "-t", "[::1]"}, []string{"-A", "-t", "::1"}, bracketsNoPort},
		{"brackets after a letter", []string{"-At[::1]", "-p"}, []string{"-At::1", "-p"}, bracketsNoPort},
		{"brackets after a letter and =", []string{"-A", "-t=[::1]"}, []string{"-A", "-t=::1"}, bracketsNoPort},
		{"brackets after a long name", []string{"-a", "--real-server=[2001:db8::1]"}, []string{"-a", "--real-server=2001:db8::1"}, bracketsNoPort},
		{"brackets with a port", []string{"-A", "-t", "[::1]:80"}, nil, ""},
		{"brackets that are no address of an option", []string{"-L", "[::1]"}, nil, ""},
		{"brackets around IPv4", []string{"-A", "-t", "[10.0.0.1]"}, nil, ""},
		{"brackets around a zone", []string{"-A", "-t", "[fe80::1%lo]"}, nil, ""},
		{"brackets after a mistake", []string{"-A", "-q", "-t", "[::1]"}, nil, ""},
		{"a prefix length for IPv4", []string{"-A", "-t", "10.0.0.1:80", "-M", "/20"}, []string{"-A", "-t", "10.0.0.1:80", "-M", "255.255.240.0"}, prefixLengths},
		{"a prefix length of nothing", []string{"-A", "-M/0", "-f1"}, []string{"-A", "-M0.0.0.0", "-f1"}, prefixLengths},
		{"a prefix length for IPv6", []string{"-A", "-t", "[::1]:80", "-M", "/64"}, []string{"-A", "-t", "[::1]:80", "-M", "64"}, prefixLengths},
		{"a prefix length too long for IPv4", []string{"-A", "-t", "10.0.0.1:80", "-M", "/33"}, nil, ""},
		{"commas in a word of their own", []string{"-A", "-b", ",", "-o"}, []string{"-A", "--sched-flags=", "-o"}, emptySchedFlags},
		{"commas after a letter", []string{"-A", "-b,,"}, []string{"-A", "--sched-flags="}, emptySchedFlags},
		{"commas after a bundle", []string{"-A", "-ob", ",,", "-o"}, []string{"-A", "-o", "--sched-flags=", "-o"}, emptySchedFlags},
		{"commas after a long name", []string{"-A", "--sched-flags=,"}, []string{"-A", "--sched-flags="}, emptySchedFlags},
		{"no flags at all", []string{"-A", "-b", ""}, nil, ""},
		{"a value that looks like one", []string{"-A", "-s", "-b", ","}, nil, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inv := compat.Invocation{Argv: append([]string{"ipvsadm"}, tt.given...)}
			got, names := Translate(inv)
			want := tt.want
			if tt.difference == "" {
				want = tt.given
			}
			if !slices.Equal(got.Argv[1:], want) {
				t.Errorf("got %q, want %q", got.Argv[1:], want)
			}
			if (len(names) == 0) != (tt.difference == "") || len(names) > 0 && names[0] != tt.difference {
				t.Errorf("declared %q, want %q", names, tt.difference)
			}
			if !slices.Equal(inv.Argv[1:], tt.given) {
				t.Errorf("the invocation itself became %q", inv.Argv)
			}
		})
	}
}

func TestTranslateStreams(t *testing.T) {
	for _, tt := range []struct {
		name, given, want, difference string
	}{
		{"a line of comment", "# x y\n-C\n", "\n-C\n", comments},
		{"a comment after a command", "-A -t 1:1 # x -y\n", "-A -t 1:1\n", comments},
		{"a comment after an option whose value may be left out", "-A -t 1:1 -p #x\n", "-A -t 1:1 -p\n", comments},
		{"a value glued to such an option", "-A -t 1:1 -p#x\n", "-A -t 1:1 -p#x\n", ""},
		{"a value that begins with #", "-A -s # -t 1:1\n", "-A -s # -t 1:1\n", ""},
		{"a comment after a mistake", "-A -q # x\n", "-A -q # x\n", ""},
		{"blanks before the end", "-A -t 1:1  ", "-A -t 1:1  \n", trailingBlanks},
		{"one blank before the end", "-A -t 1:1 ", "-A -t 1:1 ", ""},
		{"nothing but blanks", "-C\n   ", "-C\n   ", ""},
		{"layout that needs nothing", " ipvsadm  -A\t-t 1:1\r\n\n", " ipvsadm  -A\t-t 1:1\r\n\n", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, names := Translate(compat.Invocation{Argv: []string{"ipvsadm", "-R"}, Stdin: tt.given})
			if got.Stdin != tt.want {
				t.Errorf("got %q, want %q", got.Stdin, tt.want)
			}
			if (len(names) == 0) != (tt.difference == "") || len(names) > 0 && names[0] != tt.difference {
				t.Errorf("declared %q, want %q", names, tt.difference)
			}
		})
	}
}
