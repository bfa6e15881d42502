package rules

import (
	"strings"
	"testing"

	"ipvsadm/sched"
)

func TestTheHelpNamesEveryOptionAndScheduler(t *testing.T) {
	text := helpText()
	for _, g := range optionTable {
		for _, f := range g.options {
			shown := " --" + f.long + " "
			switch {
			case f.omitted != "":
				shown = " --" + f.long + "[=" + f.value + "] "
			case f.value != "":
				shown += f.value + " "
			}
			if f.long != "" && !strings.Contains(text, shown) {
				t.Errorf("no %q", shown)
			}
			if f.short != 0 && !strings.Contains(text, "-"+string(f.short)) {
				t.Errorf("no -%c", f.short)
			}
		}
	}
	for _, s := range sched.All() {
		if !strings.Contains(text, " "+s.Name) {
			t.Errorf("no scheduler %s", s.Name)
		}
	}
	if strings.Contains(text, "=list") {
		t.Error("shows a name that cannot be typed")
	}
	for line := range strings.Lines(text) {
		if len(line) > 81 {
			t.Errorf("too wide: %s", line)
		}
	}
}

func TestTheExamplesOfTheHelpWork(t *testing.T) {
	_, examples, _ := strings.Cut(helpText(), "Examples:\n")
	examples, _, _ = strings.Cut(examples, "\n\n")
	tried := 0
	for line := range strings.Lines(examples) {
		words := strings.Fields(line)
		if words[0] != "ipvsadm" {
			t.Errorf("no example: %s", line)
		}
		expectAccepted(t, strings.Join(words[1:], " "))
		tried++
	}
	if tried == 0 {
		t.Error("no examples")
	}
}
