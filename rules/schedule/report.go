package schedule

import (
	"encoding/json"
	"fmt"
	"strconv"

	"ipvsadm/rules"
	"ipvsadm/sched"
)

// report prints the outcomes of a simulation, those of several schedulers side by
// side.
func (c *command) report(s *simulation) {
	o := s.options
	c.paragraph("", fmt.Sprintf("%s: %d connections of %d clients, %d a second, duration %s, seed %d",
		rules.ServiceText(s.src.key), o.connections, o.clients, o.rate, s.duration, o.seed))
	c.out.WriteByte('\n')
	servers := c.servers(s)
	if len(s.kinds) == 1 {
		c.reportOne(s, servers)
	} else {
		c.reportSeveral(s, servers)
	}
	if s.outcomes[0].Moves != nil {
		c.out.WriteByte('\n')
		c.reportMoves(s)
	}
}

// longServer is the length of a server's address from which on tables have a
// number in its place.
const longServer = 25

// servers returns what tables call the servers. Long addresses are listed first.
func (c *command) servers(s *simulation) []string {
	var names []string
	longest := 0
	for _, t := range s.outcomes[0].Tallies {
		names = append(names, t.Server.String())
		longest = max(longest, len(t.Server.String()))
	}
	if longest < longServer {
		return names
	}
	t := table{header: []string{"server", ""}, numbers: []bool{true}}
	for i, name := range names {
		names[i] = strconv.Itoa(i + 1)
		t.rows = append(t.rows, []string{names[i], name})
	}
	c.write(t)
	c.out.WriteByte('\n')
	return names
}

// reportOne shows all figures of one scheduler.
func (c *command) reportOne(s *simulation, servers []string) {
	outcome := s.outcomes[0]
	fmt.Fprintf(c.out, "%s\n\n", s.kinds[0])
	t := table{
		header:  []string{"server", "weight", "connections", "at once", "share", ""},
		numbers: []bool{false, true, true, true, true},
	}
	for i, tally := range outcome.Tallies {
		t.rows = append(t.rows, []string{
			servers[i], strconv.Itoa(tally.Weight), strconv.Itoa(tally.Connections), strconv.Itoa(tally.Peak), percent(s.share(tally)), "",
		})
	}
	if width := min(pageWidth-t.width(), 30); width > 0 {
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
func (c *command) reportSeveral(s *simulation, servers []string) {
	const cell = len("100.0 %")
	left := table{header: []string{"server", "weight"}, rows: [][]string{{"evenness", ""}}}
	for i, t := range s.outcomes[0].Tallies {
		left.rows = append(left.rows, []string{servers[i], strconv.Itoa(t.Weight)})
	}
	width := cell
	for _, k := range s.kinds {
		width = max(width, table{header: []string{k.lines()}}.width())
	}
	room := pageWidth - left.width()
	columns := max(1, room/(len(gap)+width))
	for from := 0; from < len(s.kinds); from += columns {
		to := min(from+columns, len(s.kinds))
		if from > 0 {
			c.out.WriteByte('\n')
		}
		// What is left of the page goes into bars.
		bar := min(12, room/(to-from)-len(gap)-cell-1)
		c.shares(s, servers, from, to, max(0, bar))
	}
}

// shares shows a part of the schedulers.
func (c *command) shares(s *simulation, servers []string, from, to, bar int) {
	t := table{header: []string{"server", "weight"}, numbers: []bool{false, true}}
	for i, tally := range s.outcomes[0].Tallies {
		t.rows = append(t.rows, []string{servers[i], strconv.Itoa(tally.Weight)})
	}
	evenness, refused := []string{"evenness", ""}, []string{"refused", ""}
	for i := from; i < to; i++ {
		t.header = append(t.header, s.kinds[i].lines())
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
			s.kinds[i].lines(), strconv.Itoa(m.Clients), strconv.Itoa(m.Moved), part(m.Moved),
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
