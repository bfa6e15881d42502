package rules

import (
	"slices"
	"strings"
	"testing"
)

// scanWords scans a command line and writes down what it finds: -t=value for an
// option, then the plain words after a bar, or the message of an error.
func scanWords(args []string, posix bool) string {
	s := scanner{args: args, posix: posix}
	var found []string
	for {
		f, value, err := s.option()
		switch {
		case err != nil:
			return strings.Join(append(found, unreadable(s.word(), err).Error()), " ")
		case f == nil:
			return strings.Join(append(append(found, "|"), s.plain...), " ")
		case f.long == "":
			found = append(found, "-"+string(f.short))
		case f.value == "":
			found = append(found, f.long)
		default:
			found = append(found, f.long+"="+value)
		}
	}
}

func TestWordsAreSplitIntoOptionsAsPoptSplitsThem(t *testing.T) {
	tests := []struct {
		about string
		words string // separated by blanks; _ stands for an empty word
		want  string
	}{
		{"letters", "-L -n", "list numeric |"},
		{"letters in one word", "-Lnc", "list numeric connection |"},
		{"a second letter for list", "-l", "-l |"},
		{"long names", "--list --numeric", "list numeric |"},
		{"a value in the next word", "-A -t 10.0.0.1:80", "add-service tcp-service=10.0.0.1:80 |"},
		{"a value after its letter", "-At10.0.0.1:80", "add-service tcp-service=10.0.0.1:80 |"},
		{"a value after its letter and =", "-At=10.0.0.1:80", "add-service tcp-service=10.0.0.1:80 |"},
		{"only one = is dropped", "-w==5", "weight==5 |"},
		{"a value after a long name and =", "--weight=5", "weight=5 |"},
		{"an empty value after a long name", "--tcp-service=", "tcp-service= |"},
		{"every = of a long value but the first", "--weight==5", "weight==5 |"},
		{"a value in the word after a bundle", "-Lnt 1.2.3.4:80", "list numeric tcp-service=1.2.3.4:80 |"},
		{"a bundle that ends in a value", "-Af5", "add-service fwmark-service=5 |"},
		{"-numeric is a bundle", "-numeric", "numeric udp-service=meric |"},
		{"-list is a bundle", "-list x", "-l ipip scheduler=t | x"},
		{"the next word is a value whatever it looks like", "-t -s -w -1 -r --", "tcp-service=-s weight=-1 real-server=-- |"},
		{"an empty word is a value", "-w _", "weight= |"},
		{"the optional value of -p", "-p 300", "persistent=300 |"},
		{"... after its letter", "-p300", "persistent=300 |"},
		{"... after =", "-p=300", "persistent=300 |"},
		{"... after its long name", "--persistent=300 --persistent 300", "persistent=300 persistent=300 |"},
		{"... is 360 if missing at the end", "-p", "persistent=360 |"},
		{"... is 360 if missing before an option", "-p -t x", "persistent=360 tcp-service=x |"},
		{"... is 360 before any word with a dash", "-p - -p -- 5", "persistent=360 persistent=360 | - 5"},
		{"... is whatever follows else", "-po --persistent rr", "persistent=o persistent=rr |"},
		{"... may be empty", "-p _ --persistent=", "persistent= persistent= |"},
		{"plain words may stand anywhere", "1 --set 2 -n 3", "set numeric | 1 2 3"},
		{"a lone dash is a plain word", "-L -", "list | -"},
		{"an empty word is a plain word", "-L _", "list | "},
		{"after -- all words are plain", "-L -- -n --", "list | -n --"},
		{"-- may be a value", "-t --", "tcp-service=-- |"},
		{"the value of a command", "--start-daemon=master --stop-daemon backup", "start-daemon=master stop-daemon=backup |"},
	}
	for _, tt := range tests {
		t.Run(tt.about, func(t *testing.T) {
			if got := scanWords(wordsOf(tt.words), false); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.words, got, tt.want)
			}
		})
	}
}

// wordsOf splits at blanks; _ is an empty word.
func wordsOf(line string) []string {
	words := strings.Fields(line)
	for i, w := range words {
		if w == "_" {
			words[i] = ""
		}
	}
	return words
}

func TestWordsThatAreNoOptionsAreNamedAsPoptNamesThem(t *testing.T) {
	tests := []struct{ about, words, want string }{
		{"an unknown letter", "-L -q", "list -q: unknown option"},
		{"the whole bundle is named", "-Lqn", "list -Lqn: unknown option"},
		{"an unknown name", "--foo", "--foo: unknown option"},
		{"an unknown name with a value", "--foo=bar", "--foo=bar: unknown option"},
		{"names are not abbreviated", "--num", "--num: unknown option"},
		{"names are exact", "--NUMERIC", "--NUMERIC: unknown option"},
		{"a value without a name", "--=list", "--=list: unknown option"},
		{"no name at all", "--=", "--=: unknown option"},
		{"three dashes", "---", "---: unknown option"},
		{"a dash in a bundle", "-n-", "numeric -n-: unknown option"},
		{"a byte that is no letter", "-\xff", "-\xff: unknown option"},
		{"no value left", "-A -t", "add-service -t: missing argument"},
		{"no value left in a bundle", "-Lt", "list -Lt: missing argument"},
		{"no value left for a long name", "--tcp-service", "--tcp-service: missing argument"},
		{"a value nobody wants", "--numeric=x", "--numeric=x: option does not take an argument"},
		{"an empty value nobody wants", "--numeric=", "--numeric=: option does not take an argument"},
		{"a letter's value nobody wants", "-n=x", "-n=x: option does not take an argument"},
		{"a command's value nobody wants", "--list=x", "--list=x: option does not take an argument"},
	}
	for _, tt := range tests {
		t.Run(tt.about, func(t *testing.T) {
			if got := scanWords(wordsOf(tt.words), false); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.words, got, tt.want)
			}
		})
	}
}

func TestWithPOSIXLY_CORRECTTheFirstPlainWordEndsTheOptions(t *testing.T) {
	for words, want := range map[string]string{
		"--set 100 20 30 -n": "set | 100 20 30 -n",
		"foo -L":             "| foo -L",
		"-L -n - -c --":      "list numeric | - -c --",
		"-p 5 -n":            "persistent=5 numeric |",
	} {
		if got := scanWords(wordsOf(words), true); got != want {
			t.Errorf("%s\n got %s\nwant %s", words, got, want)
		}
	}
}

func TestAValueMayTakeALaterWordIntoItself(t *testing.T) {
	tests := []struct{ about, words, want string }{
		{"the next plain word", "-t !#:+ 10.0.0.1:80", "tcp-service=10.0.0.1:80 |"},
		{"inside a value", "-t 10.0.0.1:!#:+ 81", "tcp-service=10.0.0.1:81 |"},
		{"the same word twice", "-t !#:+:!#:+ x", "tcp-service=x:x |"},
		{"words after options", "-t !#:+ -n x y", "tcp-service=x numeric | y"},
		{"each word once", "-t !#:+ -n x -s !#:+ y z", "tcp-service=x numeric scheduler=y | z"},
		{"each value its own", "-t !#:+ --pe=!#:+ x y z", "tcp-service=x pe=y | z"},
		{"also after --", "-s !#:+ -- rr x", "scheduler=rr | x"},
		{"a word that is a value as well", "-t !#:+ -p 5 x", "tcp-service=5 persistent=5 | x"},
		{"a word of the same kind", "-t !#:+ -s !#:+ x y", "tcp-service=!#:+ scheduler=x | y"},
		{"without a word it stays", "-t !#:+ -n", "tcp-service=!#:+ numeric |"},
		{"a part of it stays", "-t !#: x", "tcp-service=!#: | x"},
		{"after =", "--tcp-service=!#:+ x", "tcp-service=x |"},
		{"not in plain words", "!#:+ x", "| !#:+ x"},
	}
	for _, tt := range tests {
		t.Run(tt.about, func(t *testing.T) {
			if got := scanWords(wordsOf(tt.words), false); got != tt.want {
				t.Errorf("%s\n got %s\nwant %s", tt.words, got, tt.want)
			}
		})
	}
}

func TestTheOptionTableIsWhole(t *testing.T) {
	letters := "AEDCRSaedLlZhvtufspMobrgimwxync6X"
	for _, c := range letters {
		if findShort(byte(c)) == nil {
			t.Errorf("no option -%c", c)
		}
	}
	names := strings.Fields(`add-service edit-service delete-service clear restore save add-server edit-server
		delete-server list zero set start-daemon stop-daemon help version tcp-service udp-service sctp-service
		fwmark-service ipv6 scheduler persistent netmask ops pe sched-flags real-server gatewaying ipip masquerading
		weight u-threshold l-threshold tun-type tun-port tun-nocsum tun-csum tun-remcsum numeric connection timeout
		daemon stats rate thresholds persistent-conn tun-info exact nosort sort mcast-interface syncid sync-maxlen
		mcast-group mcast-port mcast-ttl`)
	// Those 1.31 does not have; none of them takes a letter.
	names = append(names, strings.Fields("dry-run replace drain drain-inactive json watch count")...)
	for _, name := range names {
		if findLong(name) == nil {
			t.Errorf("no option --%s", name)
		}
	}
	for _, g := range optionTable {
		for _, f := range g.options {
			if f.short != 0 && !strings.Contains(letters, string(f.short)) {
				t.Errorf("-%c is not ipvsadm's", f.short)
			}
			if !slices.Contains(names, f.long) && f.long != "" {
				t.Errorf("--%s is not on the list", f.long)
			}
		}
	}
}
