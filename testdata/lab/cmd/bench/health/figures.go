package health

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/olekukonko/tablewriter"
)

// figure is a row of the table.
type figure struct {
	name string
	// measure returns one or more values of a tool.
	measure func(b *bench, tool int) ([]float64, error)
	long    bool // once is enough
	unit    string
	target  string
	reached func(values [2][]float64) bool
	// each shows all values as a distribution, and not as rounds.
	each bool
	// alone says that only ours can tell.
	alone bool
}

func (f *figure) rounds(n int) int {
	if f.long {
		return 1
	}
	return n
}

func (f *figure) measures(tool int) bool { return tool == ours || !f.alone }

// result is what was measured of a figure.
type result struct {
	figure
	values [2][]float64
}

func figures() []figure {
	const (
		quiet  = "advertisements, nothing to check: "
		loaded = "advertisements beside 1000 hanging checks and 100 bodies of 10 MB: "
		beyond = "late beyond the machine's own stalls"
	)
	atMost := func(limit float64) func([2][]float64) bool {
		return func(v [2][]float64) bool { return middle(v[ours]) <= limit }
	}
	reload := func(reals int, limit float64, long bool) figure {
		return figure{name: fmt.Sprintf("reload of an unchanged file, %d real servers", reals), long: long,
			measure: func(b *bench, tool int) ([]float64, error) { return b.reload(tool, reals) },
			unit:    "s", target: fmt.Sprintf("≤ %.1f s", limit), reached: atMost(limit)}
	}
	memory := func(reals int, limit float64) figure {
		return figure{name: fmt.Sprintf("memory (sum of PSS), %d TCP_CHECKs every 6 s", reals), long: true,
			measure: func(b *bench, tool int) ([]float64, error) { return b.memory(tool, reals) },
			unit:    "MB", target: fmt.Sprintf("≤ %.0f MB", limit), reached: atMost(limit)}
	}
	return []figure{
		reload(1000, 0.1, false), reload(5000, 0.3, false), reload(20000, 1, true),
		{name: "start until all are in the kernel, 10000 real servers", measure: (*bench).start,
			unit: "s", target: "≤ 1.0 s", reached: atMost(1)},
		memory(1000, 24), memory(5000, 40),
		{name: "CPU of 1000 TCP_CHECKs every second, for one check", measure: (*bench).processor, long: true,
			unit: "ms", target: "≤ 1.5 x", reached: func(v [2][]float64) bool { return middle(v[ours]) <= 1.5*middle(v[reference]) }},
		{name: "from a bad answer to the kernel's table, 1000 real servers", measure: (*bench).verdicts, long: true, each: true,
			unit: "ms"},
		{name: "from a verdict to the kernel's answer, 1000 real servers", measure: (*bench).changes, long: true, each: true, alone: true,
			unit: "ms", target: "p99 ≤ 5 ms", reached: func(v [2][]float64) bool { return percentile(v[ours], 99) <= 5 }},
		{name: quiet + "late", long: true, each: true, unit: "ms",
			measure: func(b *bench, tool int) ([]float64, error) { return b.adverts(tool, false) }},
		{name: quiet + beyond, long: true, each: true, unit: "ms", measure: (*bench).beyondStalls},
		{name: loaded + "late", each: true, unit: "ms",
			measure: func(b *bench, tool int) ([]float64, error) { return b.adverts(tool, true) }},
		{name: loaded + beyond, long: true, each: true, unit: "ms", measure: (*bench).beyondStalls,
			target: "most ≤ 5 ms", reached: func(v [2][]float64) bool { return v[ours][len(v[ours])-1] <= 5 }},
	}
}

// show writes the values of one tool.
func (f *figure) show(v []float64) string {
	switch {
	case f.each:
		return fmt.Sprintf("%s %s, p99 %s, most %s", number(middle(v)), f.unit, number(percentile(v, 99)), number(v[len(v)-1]))
	case len(v) > 1:
		return fmt.Sprintf("%s %s (%s-%s)", number(middle(v)), f.unit, number(v[0]), number(v[len(v)-1]))
	}
	return number(v[0]) + " " + f.unit
}

// print writes the table.
func (b *bench) print(w io.Writer) error {
	t := tablewriter.NewWriter(w)
	t.SetAutoFormatHeaders(false)
	t.SetAutoWrapText(false)
	t.SetHeader([]string{"what", toolNames[ours], toolNames[reference] + " 2.2.7", "to reach", "reached"})
	for _, r := range b.results {
		cells := []string{r.name, "", "", r.target, ""}
		for tool := range r.values {
			slices.Sort(r.values[tool])
			switch {
			case len(r.values[tool]) > 0:
				cells[1+tool] = r.show(r.values[tool])
			case r.measures(tool):
				cells[1+tool] = "failed"
			}
		}
		if r.reached != nil && len(r.values[ours]) > 0 && (r.alone || len(r.values[reference]) > 0) {
			cells[4] = "yes"
			if !r.reached(r.values) {
				cells[4] = "NO"
			}
		}
		t.Append(cells)
	}
	t.Render()
	_, err := fmt.Fprintf(w, "medians of up to %d rounds in turns, in parentheses least and most\n", b.options.Rounds)
	return err
}

// middle is the median of sorted values, the lower one of two.
func middle(sorted []float64) float64 { return sorted[(len(sorted)-1)/2] }

// percentile is the least value that so many in a hundred do not exceed.
func percentile(sorted []float64, p int) float64 { return sorted[(len(sorted)*p+99)/100-1] }

// number shows three digits.
func number(v float64) string {
	if v >= 100 {
		return strconv.FormatFloat(v, 'f', 0, 64)
	}
	return strconv.FormatFloat(v, 'g', 3, 64)
}

func seconds(d time.Duration) []float64 { return []float64{d.Seconds()} }
