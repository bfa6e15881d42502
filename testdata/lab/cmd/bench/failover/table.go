package failover

import (
	"fmt"
	"io"
	"slices"

	"github.com/olekukonko/tablewriter"
)

// figure is a row of the table. Times are in milliseconds.
type figure int

const (
	takeover figure = iota
	handOver
	crash10
	cpuMaster
	cpuBackup
	cpuSent
	memory1
	memoryMany
	stop
	stopGone
	stopMany
	stopVMAC
	leftVMAC
	reloadLate
	noReload
	reloadTouched
)

// row says how a figure is shown, and what is to be reached.
type row struct {
	figure
	what    string
	show    func(sorted []float64) string
	target  string
	reached func(sorted []float64) bool
}

// rows are all rows in their order.
func rows() []row {
	return []row{
		{takeover, "crash: last advertisement of the master to the first of the backup, less the protocol's time",
			tail, "≤ 0.5 ms, p99 ≤ 5", punctual},
		{handOver, "stop: priority 0 to the backup's first advertisement, less the protocol's time",
			tail, "≤ 0.5 ms, p99 ≤ 5", punctual},
		{crash10, "advertisements every 10 ms: kill -9 to takeover", spread("ms"), "24-50 ms",
			func(v []float64) bool { return v[len(v)-1] <= 50 }},
		{cpuMaster, "CPU of a master, 255 instances at 10 ms", spread("%"), "≤ 50 %", atMost(50)},
		{cpuBackup, "CPU of that master's backup", spread("%"), "", nil},
		{cpuSent, "advertisements that master sent, of those due", spread("%"), "", nil},
		{memory1, "memory (sum of PSS), 1 instance", spread("MB"), "≤ 16 MB", atMost(16)},
		{memoryMany, "memory (sum of PSS), 255 instances", spread("MB"), "≤ 16 MB", atMost(16)},
		{stop, "stop: SIGTERM to the end of the process, priority 0 sent", spread("ms"), "≤ 100 ms", atMost(100)},
		{stopGone, "stop: SIGTERM to the last address gone", spread("ms"), "≤ 100 ms", atMost(100)},
		{stopMany, "stop of 255 instances", spread("ms"), "", nil},
		{stopVMAC, "stop of 255 instances with virtual MAC addresses", spread("ms"), "≤ 2000 ms", atMost(2000)},
		{leftVMAC, "then left behind: addresses, interfaces; and priority 0 not sent", spread(""), "0", atMost(0)},
		{reloadLate, "10 reloads with nothing changed, 255 instances at 100 ms: latest advertisement", spread("ms late"), "≤ 10 ms", atMost(10)},
		{noReload, "the same time without a reload", spread("ms late"), "", nil},
		{reloadTouched, "addresses touched by these reloads", spread(""), "0", atMost(0)},
	}
}

// spread shows the median, and between what the values lie.
func spread(unit string) func([]float64) string {
	return func(v []float64) string {
		text := number(middle(v))
		if unit != "" {
			text += " " + unit
		}
		if lo, hi := number(v[0]), number(v[len(v)-1]); lo != hi {
			text += fmt.Sprintf(" (%s-%s)", lo, hi)
		}
		return text
	}
}

// tail shows the median, the 99th percentile and the most.
func tail(v []float64) string {
	return fmt.Sprintf("%.2f ms, p99 %.1f, most %.1f", middle(v), percentile(v, 99), v[len(v)-1])
}

func number(v float64) string {
	if v == float64(int(v)) || v >= 100 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func atMost(limit float64) func([]float64) bool {
	return func(v []float64) bool { return middle(v) <= limit }
}

func punctual(v []float64) bool { return middle(v) <= 0.5 && percentile(v, 99) <= 5 }

// middle is the median, the lower one of two.
func middle(sorted []float64) float64 { return sorted[(len(sorted)-1)/2] }

// percentile is the least value that so many in a hundred do not exceed.
func percentile(sorted []float64, p int) float64 {
	return sorted[(len(sorted)*p+99)/100-1]
}

// print writes the table.
func (b *bench) print(w io.Writer) error {
	t := tablewriter.NewWriter(w)
	t.SetAutoFormatHeaders(false)
	t.SetAutoWrapText(false)
	t.SetHeader([]string{"what", toolNames[ours], toolNames[reference] + " 2.2.7", "to reach", "reached"})
	for _, r := range rows() {
		v := b.values[r.figure]
		cells := []string{r.what, "", "", r.target, ""}
		for tool := range v {
			slices.Sort(v[tool])
			cells[1+tool] = r.show(v[tool])
		}
		if r.reached != nil {
			cells[4] = "yes"
			if !r.reached(v[ours]) {
				cells[4] = "NO"
			}
		}
		t.Append(cells)
	}
	t.Render()
	_, err := fmt.Fprintf(w, "medians of %d rounds in turns, of %d from memory on; in parentheses least and most\n", b.rounds, scaleRounds)
	return err
}
