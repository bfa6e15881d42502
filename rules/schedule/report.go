package schedule

import (
	"encoding/json"
	"fmt"
	"strconv"
	"unicode/utf8"

	"ipvsadm/rules"
	"ipvsadm/sched"
)

// report prints the outcomes of a simulation, those of several schedulers side by
// side.
func (c *command) report(s *simulation) {
	o := s.options
	fmt.Fprintf(c.out, "%s: %d connections of %d clients, %d a second, lasting %s, seed %d\n\n",
		rules.ServiceText(s.src.key), o.connections, o.clients, o.rate, s.duration, o.seed)
	if len(s.kinds) == 1 {
		c.reportOne(s)
	} else {
		c.reportSeveral(s)
	}
	if s.outcomes[0].Moves != nil {
		c.out.WriteByte('\n')
		c.reportMoves(s)
	}
}

// reportOne shows all figures of one scheduler.
func (c *command) reportOne(s *simulation) {
	outcome := s.outcomes[0]
	fmt.Fprintf(c.out, "%s\n\n", s.kinds[0])
	t := table{
		header:  []string{"server", "weight", "connections", "at once", "share", ""},
		numbers: []bool{false, true, true, true, true},
	}
	for _, tally := range outcome.Tallies {
		t.rows = append(t.rows, []string{
			tally.Server.String(), strconv.Itoa(tally.Weight), strconv.Itoa(tally.Connections), strconv.Itoa(tally.Peak), percent(s.share(tally)), "",
		})
	}
	used := len(gap) * (len(t.header) - 1)
	for _, w := range t.widths() {
		used += w
	}
	if width := min(pageWidth-used, 30); width > 0 {
		for i, tally := range outcome.Tallies {
			t.rows[i][5] = c.bar(s.share(tally), width)
		}
	}
	c.write(t)
	fmt.Fprintf(c.out, "\nevenness %.3f", outcome.Evenness())
	if outcome.Refused > 0 {
		fmt.Fprintf(c.out, ", %d connections refused: no server could take them", outcome.Refused)
	}
	c.out.WriteByte('\n')
}

// share returns the part of all connections that a server got.
func (s *simulation) share(t sched.Tally) float64 {
	return float64(t.Connections) / float64(s.options.connections)
}

// reportSeveral shows the shares under several schedulers in columns, as many
// beside each other as the page has room for.
func (c *command) reportSeveral(s *simulation) {
	const cell = 8 // of "100.0 %"
	servers := 0
	weights := len("weight")
	for _, t := range s.outcomes[0].Tallies {
		servers = max(servers, utf8.RuneCountInString(t.Server.String()))
		weights = max(weights, len(strconv.Itoa(t.Weight)))
	}
	room := pageWidth - max(servers, len("evenness")) - len(gap) - weights
	width := cell
	for _, k := range s.kinds {
		width = max(width, len(k.String()))
	}
	columns := max(1, room/(len(gap)+width))
	for from := 0; from < len(s.kinds); from += columns {
		to := min(from+columns, len(s.kinds))
		if from > 0 {
			c.out.WriteByte('\n')
		}
		// What is left of the page goes into bars.
		bar := min(12, room/(to-from)-len(gap)-cell)
		c.shares(s, from, to, max(0, bar))
	}
}

// shares shows a part of the schedulers.
func (c *command) shares(s *simulation, from, to, bar int) {
	t := table{header: []string{"server", "weight"}, numbers: []bool{false, true}}
	for _, tally := range s.outcomes[0].Tallies {
		t.rows = append(t.rows, []string{tally.Server.String(), strconv.Itoa(tally.Weight)})
	}
	evenness, refused := []string{"evenness", ""}, []string{"refused", ""}
	for i := from; i < to; i++ {
		t.header = append(t.header, s.kinds[i].String())
		for j, tally := range s.outcomes[i].Tallies {
			text := fmt.Sprintf("%7s", percent(s.share(tally)))
			if bar > 0 {
				text += " " + c.bar(s.share(tally), bar)
			}
			t.rows[j] = append(t.rows[j], text)
		}
		evenness = append(evenness, fmt.Sprintf("%7.3f", s.outcomes[i].Evenness()))
		refused = append(refused, fmt.Sprintf("%7s", percent(float64(s.outcomes[i].Refused)/float64(s.options.connections))))
	}
	t.rows = append(t.rows, evenness, refused)
	c.write(t)
}

// reportMoves shows how many clients a change has moved.
func (c *command) reportMoves(s *simulation) {
	t := table{
		header:  []string{"", "clients", "moved", "", "forced", "to new", "move anyway", ""},
		numbers: []bool{false, true, true, true, true, true, true, true},
	}
	for i, o := range s.outcomes {
		m := o.Moves
		part := func(n int) string { return percent(float64(n) / float64(max(1, m.Clients))) }
		t.rows = append(t.rows, []string{
			s.kinds[i].String(), strconv.Itoa(m.Clients), strconv.Itoa(m.Moved), part(m.Moved),
			strconv.Itoa(m.Forced), strconv.Itoa(m.ToNew), strconv.Itoa(m.Restless), part(m.Restless),
		})
	}
	c.write(t)
	c.out.WriteByte('\n')
	c.paragraph("", "clients: those that had a server, who then come back twice, before the change and after it. moved: got another "+
		"server after it. forced: of these, their server was removed. to new: of these, went to one that was added. "+
		"move anyway: got another server though nothing had changed yet.")
}

// The report as JSON.

type reportJSON struct {
	Service     string          `json:"service"`
	Clients     int             `json:"clients"`
	Connections int             `json:"connections"`
	Rate        int             `json:"rate"`
	Duration    string          `json:"duration"`
	Seed        uint64          `json:"seed"`
	Schedulers  []schedulerJSON `json:"schedulers"`
}

type schedulerJSON struct {
	Scheduler string       `json:"scheduler"`
	Flags     []string     `json:"flags"`
	Servers   []serverJSON `json:"servers"`
	Refused   int          `json:"refused"`
	Evenness  float64      `json:"evenness"`
	Moves     *movesJSON   `json:"moves,omitempty"`
}

type serverJSON struct {
	Server      string  `json:"server"`
	Weight      int     `json:"weight"`
	Connections int     `json:"connections"`
	AtOnce      int     `json:"at_once"`
	Share       float64 `json:"share"`
}

type movesJSON struct {
	Clients    int `json:"clients"`
	Moved      int `json:"moved"`
	Forced     int `json:"forced"`
	ToNew      int `json:"to_new"`
	MoveAnyway int `json:"move_anyway"`
}

func (c *command) reportJSON(s *simulation) error {
	o := s.options
	r := reportJSON{
		Service: rules.ServiceText(s.src.key), Clients: o.clients, Connections: o.connections,
		Rate: o.rate, Duration: s.duration.String(), Seed: o.seed,
	}
	for i, outcome := range s.outcomes {
		k := s.kinds[i]
		one := schedulerJSON{
			Scheduler: k.name, Flags: append([]string{}, sched.FlagNames(k.name, k.flags)...),
			Refused: outcome.Refused, Evenness: outcome.Evenness(),
		}
		for _, t := range outcome.Tallies {
			one.Servers = append(one.Servers, serverJSON{t.Server.String(), t.Weight, t.Connections, t.Peak, s.share(t)})
		}
		if m := outcome.Moves; m != nil {
			one.Moves = &movesJSON{m.Clients, m.Moved, m.Forced, m.ToNew, m.Restless}
		}
		r.Schedulers = append(r.Schedulers, one)
	}
	if err := json.NewEncoder(c.out).Encode(r); err != nil {
		return failure{err}
	}
	return nil
}
