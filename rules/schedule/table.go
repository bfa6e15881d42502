package schedule

import (
	"io"
	"strings"
	"unicode/utf8"

	"github.com/olekukonko/tablewriter"
)

// pageWidth is the number of columns that no line exceeds.
const pageWidth = 80

// gap is what stands between two columns.
const gap = "  "

// table is what is shown in rows and columns. Numbers stand right.
type table struct {
	header  []string
	numbers []bool // by column; those beyond are text
	rows    [][]string
}

// write shows a table: with a line under its header on a terminal, plain
// otherwise. Cells may have several lines; whoever makes them keeps the whole
// within the page.
func (c *command) write(t table) {
	var text strings.Builder
	w := tablewriter.NewWriter(&text)
	w.SetAutoWrapText(false)
	w.SetAutoFormatHeaders(false)
	w.SetBorder(false)
	w.SetCenterSeparator("")
	w.SetColumnSeparator("")
	w.SetRowSeparator("")
	w.SetHeaderLine(false)
	w.SetTablePadding(gap)
	w.SetNoWhiteSpace(true)
	w.SetHeaderAlignment(tablewriter.ALIGN_LEFT)
	alignment := make([]int, len(t.header))
	for i := range alignment {
		alignment[i] = tablewriter.ALIGN_LEFT
		if i < len(t.numbers) && t.numbers[i] {
			alignment[i] = tablewriter.ALIGN_RIGHT
		}
	}
	w.SetColumnAlignment(alignment)
	widths := t.widths()
	header := make([]string, len(t.header))
	lines := 1 // of the header
	for i, h := range t.header {
		if header[i] = h; alignment[i] == tablewriter.ALIGN_RIGHT {
			header[i] = strings.Repeat(" ", widths[i]-utf8.RuneCountInString(h)) + h
		}
		lines = max(lines, 1+strings.Count(h, "\n"))
	}
	w.SetHeader(header)
	w.AppendBulk(t.rows)
	w.Render()
	for line := range strings.Lines(text.String()) {
		io.WriteString(c.out, strings.TrimRight(line, " \n")+"\n")
		if lines--; lines == 0 && c.env.Interactive {
			io.WriteString(c.out, t.rule(widths)+"\n")
		}
	}
}

// width returns that of the whole table.
func (t table) width() int {
	sum := len(gap) * (len(t.header) - 1)
	for _, w := range t.widths() {
		sum += w
	}
	return sum
}

// widths returns the width of each column.
func (t table) widths() []int {
	widths := make([]int, len(t.header))
	for _, row := range append([][]string{t.header}, t.rows...) {
		for i, cell := range row {
			for line := range strings.SplitSeq(cell, "\n") {
				widths[i] = max(widths[i], utf8.RuneCountInString(line))
			}
		}
	}
	return widths
}

// rule is the line under a header.
func (t table) rule(widths []int) string {
	parts := make([]string, len(widths))
	for i, w := range widths {
		parts[i] = strings.Repeat("─", w)
	}
	return strings.Join(parts, gap)
}

// wrap breaks a text at blanks into lines of so many columns.
func wrap(text string, width int) string {
	var lines []string
	line := ""
	for _, word := range strings.Fields(text) {
		switch {
		case line == "":
			line = word
		case utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) <= width:
			line += " " + word
		default:
			lines = append(lines, line)
			line = word
		}
	}
	return strings.Join(append(lines, line), "\n")
}

// paragraph writes a text within the page, each line indented.
func (c *command) paragraph(indent, text string) {
	for line := range strings.SplitSeq(wrap(text, pageWidth-len(indent)), "\n") {
		io.WriteString(c.out, indent+line+"\n")
	}
}

// bar is a share as a bar of at most so many columns: blocks on a terminal, in
// eighths of a column, and number signs otherwise.
func (c *command) bar(share float64, width int) string {
	if !c.env.Interactive {
		return strings.Repeat("#", int(share*float64(width)+0.5))
	}
	eighths := int(share*float64(width)*8 + 0.5)
	bar := strings.Repeat("█", eighths/8)
	if rest := eighths % 8; rest > 0 {
		bar += string([]rune(" ▏▎▍▌▋▊▉")[rest])
	}
	return bar
}
