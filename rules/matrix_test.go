package rules

import (
	"errors"
	"strings"
	"testing"
)

// matrix says which option goes with which command: + it must be there, o it
// may, x it may if no other x is there, . it must not.
const matrix = `
	                 A E D C L a e d set start stop R S Z
	numeric          . . . . o . . . .   .     .    . o .
	connection       . . . . x . . . .   .     .    . . .
	service-address  + + + . x + + + .   .     .    . . o
	scheduler        o o . . . . . . .   .     .    . . .
	persistent       o o . . . . . . .   .     .    . . .
	netmask          o o . . . . . . .   .     .    . . .
	real-server      . . . . . + + + .   .     .    . . .
	forwarding-method . . . . . o o . .  .     .    . . .
	weight           . . . . . o o . .   .     .    . . .
	u-threshold      . . . . . o o . .   .     .    . . .
	l-threshold      . . . . . o o . .   .     .    . . .
	mcast-interface  . . . . . . . . .   o     .    . . .
	timeout          . . . . x . . . .   .     .    . . .
	daemon           . . . . x . . . .   .     .    . . .
	stats            . . . . o . . . .   .     .    . . .
	rate             . . . . o . . . .   .     .    . . .
	thresholds       . . . . o . . . .   .     .    . . .
	persistent-conn  . . . . o . . . .   .     .    . . .
	nosort           . . . . o . . . .   .     .    . . .
	syncid           . . . . o . . . .   o     o    . . .
	exact            . . . . o . . . .   .     .    . . .
	ops              o o . . . . . . .   .     .    . . .
	pe               o o . . . . . . .   .     .    . . .
	sched-flags      o o . . . . . . .   .     .    . . .
	mcast-group      . . . . . . . . .   o     .    . . .
	mcast-port       . . . . . . . . .   o     .    . . .
	mcast-ttl        . . . . . . . . .   o     .    . . .
	sync-maxlen      . . . . . . . . .   o     .    . . .
	tun-info         . . . . o . . . .   .     .    . . .
	tun-type         . . . . . o o . .   .     .    . . .
	tun-port         . . . . . o o . .   .     .    . . .
	tun-nocsum       . . . . . o o . .   .     .    . . .
	tun-csum         . . . . . o o . .   .     .    . . .
	tun-remcsum      . . . . . o o . .   .     .    . . .
	dry-run          o o o o . o o o o   o     o    o . o
	replace          . . . . . . . . .   .     .    o . .
	drain            . . . . . . o o .   .     .    . . .
	drain-inactive   . . . . . . o o .   .     .    . . .
	json             . . . . o . . . .   .     .    o . .
	watch            . . . . o . . . .   .     .    . . .
	count            . . . . o . . . .   .     .    . . .
`

// words for the columns and rows of the matrix.
func commandWords(column string) (words, name string) {
	switch column {
	case "A":
		return "-A", "add-service"
	case "E":
		return "-E", "edit-service"
	case "D":
		return "-D", "delete-service"
	case "C":
		return "-C", "flush"
	case "L":
		return "-L", "list"
	case "a":
		return "-a", "add-server"
	case "e":
		return "-e", "edit-server"
	case "d":
		return "-d", "delete-server"
	case "set":
		return "--set 1 2 3", "set"
	case "start":
		return "--start-daemon master", "start-daemon"
	case "stop":
		return "--stop-daemon master", "stop-daemon"
	case "R":
		return "-R", "restore"
	case "S":
		return "-S", "save"
	case "Z":
		return "-Z", "zero"
	}
	panic("no column " + column)
}

func optionWords(row string) string {
	switch row {
	case "service-address":
		return "-u 10.0.0.1:80" // UDP, for -o
	case "real-server":
		return "-r 10.0.0.2"
	case "forwarding-method":
		return "-i"
	case "scheduler":
		return "-s sh"
	case "netmask":
		return "-M 255.255.255.0"
	case "pe":
		return "--pe sip"
	case "sched-flags":
		return "-b flag-1"
	case "mcast-interface":
		return "--mcast-interface lo"
	case "mcast-group":
		return "--mcast-group 224.0.0.1"
	case "tun-type":
		return "--tun-type gre"
	case "weight", "u-threshold", "l-threshold", "syncid", "mcast-port", "mcast-ttl", "sync-maxlen", "tun-port", "count":
		return "--" + row + " 1"
	}
	return "--" + row
}

// TestOptionsGoWithCommandsAsTheMatrixSays tries every option with every
// command, with nothing else on the line but what the command requires.
func TestOptionsGoWithCommandsAsTheMatrixSays(t *testing.T) {
	lines := strings.Split(strings.TrimSpace(matrix), "\n")
	columns := strings.Fields(lines[0])
	if rows := len(lines) - 1; rows != int(numOptions) {
		t.Fatalf("the matrix has %d options of %d", rows, numOptions)
	}
	for c, column := range columns {
		command, name := commandWords(column)
		var required, exclusive []string
		for _, line := range lines[1:] {
			if fields := strings.Fields(line); fields[1+c] == "+" {
				required = append(required, fields[0])
			}
		}
		for rank, line := range lines[1:] {
			fields := strings.Fields(line)
			row, rule := fields[0], fields[1+c]
			if got := option(rank).String(); got != row {
				t.Fatalf("option %d is %s, in the matrix %s", rank, got, row)
			}
			words := command
			for _, r := range required {
				if r != row {
					words += " " + optionWords(r)
				}
			}
			with := words + " " + optionWords(row)
			switch rule {
			case "+":
				expectRefused(t, words, "You need to supply the '"+row+"' option for the '"+name+"' command")
			case ".":
				expectRefused(t, with, "Illegal '"+row+"' option with the '"+name+"' command")
			case "x":
				for _, other := range exclusive {
					expectRefused(t, with+" "+optionWords(other),
						"The option '"+row+"' conflicts with the '"+other+"' option in the 'list' command")
				}
				exclusive = append(exclusive, row)
				fallthrough
			case "o":
				expectJudgedLegal(t, with)
			default:
				t.Fatalf("%s: no rule %q", row, rule)
			}
		}
	}
}

// expectJudgedLegal expects a line to pass the matrix; that tunnel options need
// a tunnel and its type, and some options others, is another matter.
func expectJudgedLegal(t *testing.T, line string) {
	t.Helper()
	_, err := parseLine(line)
	var usage *usageError
	if errors.As(err, &usage) && usage.text != "Tunnel options conflict with forward method" &&
		!strings.HasPrefix(usage.text, "You need to supply the 'drain' option for the 'drain-inactive'") &&
		!strings.HasPrefix(usage.text, "You need to supply the 'watch' option for the 'count'") {
		t.Errorf("%s: %v", line, err)
	}
}
