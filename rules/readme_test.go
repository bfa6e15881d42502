package rules

import (
	"fmt"
	"net/netip"
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"ipvsadm/ipvs"
)

// TestTheReadmesExamplesAreTrue plays the session that the README shows of what
// 1.31 does not have. It knows ipvsadm, with a file as its input; cat, which
// shows that file; and echo $?.
func TestTheReadmesExamplesAreTrue(t *testing.T) {
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(text), "\n## Beyond ipvsadm: replace")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	var session []string
	for line := range strings.Lines(chapter) {
		if code, ok := strings.CutPrefix(line, "    "); ok {
			session = append(session, code)
		}
	}
	steps := strings.Split("\n"+strings.Join(session, ""), "\n$ ")[1:]
	if len(steps) < 5 {
		t.Fatalf("%d commands in the README", len(steps))
	}
	synctest.Test(t, func(t *testing.T) {
		k := filled(t, webTable)
		files := map[string]string{}
		last := 0
		for _, step := range steps {
			command, want, _ := strings.Cut(step, "\n")
			if want != "" && !strings.HasSuffix(want, "\n") {
				want += "\n"
			}
			words := strings.Fields(command)
			got := ""
			switch {
			case words[0] == "cat":
				files[words[1]], got = want, want
			case command == "echo $?":
				got = fmt.Sprintln(last)
			default:
				input := ""
				if line, file, ok := strings.Cut(command, " < "); ok {
					words, input = strings.Fields(line), files[file]
				}
				if strings.Contains(command, "--drain") {
					go connectionsThatEnd(k)
					synctest.Wait()
				}
				var stderr string
				last, got, stderr = ipvsadm(k, input, words...)
				got += stderr
			}
			if got != want {
				t.Errorf("%s prints\n%s\nin the README\n%s", command, got, want)
			}
		}
	})
}

// connectionsThatEnd gives the server that the README drains 12 connections,
// which end.
func connectionsThatEnd(k *scribe) {
	for i, n := range []uint32{12, 5, 0} {
		if i > 0 {
			time.Sleep(900 * time.Millisecond)
		}
		k.SetConnections(key(ipvs.TCP, "10.0.0.1:80"), netip.MustParseAddrPort("192.168.0.3:80"), n, 0, 0)
	}
}
