package rules

import (
	"errors"
	"slices"
	"strings"
	"testing"
)

// FuzzScan gives any words, one on a line, to the scanner and the parser, as a
// command line or as a line of a restore stream. The scanner must end and find
// the same options when what it found is written down in full; the parser must
// answer with a Command, or with a text and one of ipvsadm's exit codes.
func FuzzScan(f *testing.F) {
	for _, words := range []string{
		"", "-L", "-Ln", "-A\n-t\n10.0.0.1:80\n-s\nrr", "-At=10.0.0.1:80\n-p\n-M=/24", "--set\n1\n2\n3", "-a\n-r\n[::1]:80\n-i",
		"-t\n!#:+\n-p\nx", "--start-daemon=master\n--\n-n\n-", "-L\n--foo=bar", "-Lq\n", "-p\n\n-p", "--=list", "-\xff", "-n=\n",
	} {
		f.Add(words, false, false)
		f.Add(words, true, false)
		f.Add(words+"\n#note\n-n", false, true)
	}
	f.Fuzz(func(t *testing.T, text string, posix, stream bool) {
		args := strings.Split(text, "\n")
		found, plain, err := scanAll(scanner{args: args, posix: posix, notes: stream}, len(text)+1)
		if err == nil && !strings.Contains(text, "!#:+") { // what took words would take others
			again, plainAgain, err := scanAll(scanner{args: spellOut(found, plain), posix: posix}, len(found)+1)
			if err != nil || !slices.Equal(found, again) || !slices.Equal(plain, plainAgain) {
				t.Errorf("%q is %v, %q; spelt out %v, %q, %v", args, found, plain, again, plainAgain, err)
			}
		}
		p := newParser("ipvsadm", newFewNames(), func(string) (string, bool) { return "", posix })
		p.stream = stream
		cmd, parseErr := p.parse(args)
		var usage *usageError
		switch {
		case parseErr == nil && cmd == nil:
			t.Errorf("%q makes nothing", args)
		case parseErr == nil:
		case !errors.As(parseErr, &usage):
			t.Errorf("%q: an error of another type: %v", args, parseErr)
		case usage.text == "" || usage.code != exitInvalid && usage.code != exitRejected || usage.skip && err == nil:
			t.Errorf("%q: %+v", args, *usage)
		}
	})
}

// occurrence is an option as it was found.
type occurrence struct {
	name, value string
	valued      bool
}

// scanAll reads all options, at most limit of them.
func scanAll(s scanner, limit int) (found []occurrence, plain []string, err error) {
	for range limit {
		f, value, err := s.option()
		if err != nil {
			_ = s.word() // there must be one to name
			return nil, nil, err
		}
		if f == nil {
			return found, s.plain, nil
		}
		found = append(found, occurrence{f.long, value, f.value != ""})
	}
	return nil, nil, errors.New("more options than bytes")
}

// spellOut writes options down in the form that leaves nothing to guess: long
// names, values after =, then the plain words.
func spellOut(found []occurrence, plain []string) []string {
	var words []string
	for _, o := range found {
		switch {
		case o.name == "":
			words = append(words, "-l")
		case o.valued:
			words = append(words, "--"+o.name+"="+o.value)
		default:
			words = append(words, "--"+o.name)
		}
	}
	return append(append(words, "--"), plain...)
}
