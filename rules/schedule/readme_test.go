package schedule

import (
	"os"
	"strings"
	"testing"
)

// TestReadmeShowsWhatIsPrinted runs the commands that the README's chapter shows
// with their output.
func TestReadmeShowsWhatIsPrinted(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, _ := strings.Cut(string(readme), "\n## Schedulers: ")
	chapter, _, _ = strings.Cut(chapter, "\n## ")
	w := newWorld(t, "")
	shown := map[string]int{}
	for _, block := range indented(chapter) {
		line, output, _ := strings.Cut(block, "\n")
		words := strings.Fields(line)
		if words[0] != "$" {
			continue
		}
		switch {
		case words[1] == "cat":
			w.files[words[2]] = output
		case words[1] == "ipvsadm":
			if got := w.prints(strings.Join(words[3:], " ")); got != output {
				t.Errorf("README shows for %s:\n%s\nprinted is:\n%s", line, output, got)
			}
			shown[words[3]]++
		default:
			t.Errorf("what is %q?", line)
		}
	}
	if shown["predict"] == 0 || shown["simulate"] == 0 {
		t.Errorf("README shows %v: one prediction and one simulation are wanted", shown)
	}
}

// indented returns the blocks of a text that are indented by four blanks. Blank
// lines belong to a block if it goes on after them.
func indented(text string) (blocks []string) {
	var block strings.Builder
	blank := 0
	for line := range strings.Lines(text + "\nend\n") {
		inner, ok := strings.CutPrefix(line, "    ")
		switch {
		case line == "\n":
			blank++
			continue
		case ok && !strings.HasPrefix(inner, "$ "):
			if block.Len() > 0 {
				block.WriteString(strings.Repeat("\n", blank))
			}
			block.WriteString(inner)
		default:
			if block.Len() > 0 {
				blocks = append(blocks, block.String())
			}
			if block.Reset(); ok {
				block.WriteString(inner)
			}
		}
		blank = 0
	}
	return blocks
}
