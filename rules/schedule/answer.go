package schedule

import (
	"encoding/json"
	"fmt"
	"net/netip"
)

// answer is what becomes of one connection, as JSON shows it.
type answer struct {
	Service   string   `json:"service"`
	Scheduler string   `json:"scheduler"`
	Client    string   `json:"client"`
	Server    string   `json:"server"` // "" if nobody gets it
	Certain   bool     `json:"certain"`
	Why       []string `json:"why"`

	doubts int // how many of Why, from the end, are doubts
}

// addrText writes a server, or that there is none.
func addrText(server netip.AddrPort) string {
	if !server.IsValid() {
		return "nobody"
	}
	return server.String()
}

// clientText writes a client, without a port if that is not known.
func clientText(client netip.AddrPort) string {
	if client.Port() == 0 {
		return client.Addr().String()
	}
	return client.String()
}

func (c *command) answersJSON(answers []answer) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	for _, a := range answers {
		if err := e.Encode(a); err != nil {
			return failure{err}
		}
	}
	return nil
}

// showAnswers prints one answer with its reasons, and several as a table.
func (c *command) showAnswers(p *prediction, answers []answer) {
	first := answers[0]
	fmt.Fprintf(c.out, "%s  %s\n", first.Service, first.Scheduler)
	if len(answers) == 1 {
		fmt.Fprintf(c.out, "%s gets %s, %s\n\n", first.Client, serverText(first.Server), certainty(first.Certain))
		for i, w := range first.Why {
			if i == len(first.Why)-first.doubts {
				c.out.WriteString("\nnot certain:\n")
			}
			c.paragraph("  ", w)
		}
		return
	}
	c.out.WriteByte('\n')
	t := table{header: []string{"", "client", "server", ""}, numbers: []bool{true}}
	doubts := map[string]bool{}
	for i, a := range answers {
		t.rows = append(t.rows, []string{fmt.Sprint(i + 1), a.Client, serverText(a.Server), certainty(a.Certain)})
		for _, d := range a.Why[len(a.Why)-a.doubts:] {
			doubts[d] = true
		}
	}
	c.fit(t)
	for _, a := range answers {
		for _, d := range a.Why[len(a.Why)-a.doubts:] {
			if doubts[d] { // each once, in their order
				delete(doubts, d)
				c.out.WriteByte('\n')
				c.paragraph("", "not certain: "+d)
			}
		}
	}
}

// fit shows a table; if it is too wide for the page, each row as lines of its
// own.
func (c *command) fit(t table) {
	if t.width() <= pageWidth {
		c.write(t)
		return
	}
	for _, row := range t.rows {
		fmt.Fprintf(c.out, "%s  %s\n   %s\n   %s\n", row[0], row[1], row[2], row[3])
	}
}

func serverText(server string) string {
	if server == "" {
		return "nobody"
	}
	return server
}

func certainty(certain bool) string {
	if certain {
		return "certain"
	}
	return "not certain"
}
