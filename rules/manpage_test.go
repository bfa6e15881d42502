package rules

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"testing"
)

const manPage = "man/ipvsadm.8"

// TestManPageOptions makes the options of the manual page of the option table.
func TestManPageOptions(t *testing.T) {
	text, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, found := strings.Cut(string(text), ".\\\" options: ")
	first, rest, ok := strings.Cut(rest, "\n")
	_, tail, end := strings.Cut(rest, ".\\\" end of options\n")
	if !found || !ok || !end {
		t.Fatal("no place for the options")
	}
	want := head + ".\\\" options: " + first + "\n" + manOptions() + ".\\\" end of options\n" + tail
	if *update {
		if err := os.WriteFile(manPage, []byte(want), 0o666); err != nil {
			t.Fatal(err)
		}
		return
	}
	if string(text) != want {
		t.Error("the options of the manual page are not those of the table: go test ./rules -run TestManPage -update")
	}
}

// manOptions returns the option table in the macros of man(7).
func manOptions() string {
	escape := strings.NewReplacer(`\`, `\\`, "-", `\-`, `"`, `\(dq`)
	var b strings.Builder
	for _, g := range optionTable {
		fmt.Fprintf(&b, ".SS %s\n", g.title)
		for i := range g.options {
			s := &g.options[i]
			if s.usage == "" {
				continue // a second spelling of the one before
			}
			var names []string
			for _, name := range s.names() {
				names = append(names, `\fB`+escape.Replace(name)+`\fR`)
			}
			value := ""
			if s.value != "" {
				font := `\fI`
				if s.value == strings.ToLower(s.value) { // the word itself
					font = `\fB`
				}
				value = ` ` + font + strings.ReplaceAll(escape.Replace(s.value), "|", `\fR|`+font) + `\fR`
				if s.omitted != "" {
					value = `[=` + value[1:] + `]`
				}
			}
			text := escape.Replace(s.usage)
			if s.omitted != "" {
				text += ` (` + s.omitted + ` if left out)`
			}
			fmt.Fprintf(&b, ".TP\n%s%s\n%s\n", strings.Join(names, ", "), value, text)
		}
	}
	return b.String()
}

func TestManPageIsWellFormed(t *testing.T) {
	if _, err := exec.LookPath("groff"); err != nil {
		if os.Getenv("UML_REQUIRED") == "1" {
			t.Fatal(err)
		}
		t.Skip("needs groff: install Debian package groff-base")
	}
	cmd := exec.Command("groff", "-man", "-Tascii", "-ww", "-P-cbou", manPage)
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Fatalf("groff: %v\n%s", err, &stderr)
	}
	for s := range spellings() {
		for _, name := range s.names() {
			if s.usage != "" && !regexp.MustCompile(`(?m)^ +(-\w, )?`+name+`\b`).Match(out) && name != "-6" {
				t.Errorf("shows no %s:\n%s", name, out)
			}
		}
	}
}

func TestTheExamplesOfTheManPageWork(t *testing.T) {
	text, err := os.ReadFile(manPage)
	if err != nil {
		t.Fatal(err)
	}
	tried := 0
	for _, block := range strings.Split(string(text), ".\\\" examples\n")[1:] {
		block, _, _ = strings.Cut(block, ".\\\" end\n")
		for line := range strings.Lines(block) {
			words := strings.Fields(line)
			if words[0] != "ipvsadm" {
				t.Errorf("no example: %s", line)
			}
			expectAccepted(t, strings.Join(words[1:], " "))
			tried++
		}
	}
	if tried < 6 {
		t.Errorf("%d examples", tried)
	}
}
