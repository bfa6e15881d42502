package check

import (
	"fmt"
	"strings"
	"time"
)

// Notice is what programs, FIFOs and mails are to tell of a change.
type Notice struct {
	// Command is to be run, nil for nothing.
	Command *Command
	// FIFO is a line for FIFOs, without its end; "" for none.
	FIFO string
	// Subject and Body are a mail, "" for none. What stands in brackets before the
	// subject, the name of the machine, is the sender's business.
	Subject, Body string
}

// news is a change that is told when the kernel's table has it.
type news struct {
	server *server
	change Change
	at     time.Time
	silent bool   // neither programs, FIFOs nor mails are told
	notice Notice // without a change: just that
}

// report notes changes: what the table has to be, and what there is to tell.
func (m *Manager) report(now time.Time, s *server, changes []Change) {
	for _, c := range changes {
		initial := c.Cause == CauseStart || c.Cause == CauseAdopted
		silent := initial && c.Real >= 0 && !(m.config.InitialNotify && c.Kind == RealUp)
		if silent && c.Kind == RealUp {
			continue // as it should be
		}
		m.add(now, s, c, silent)
	}
}

// reportReload notes changes of a reload. A real server that is new is told of as
// at the start.
func (m *Manager) reportReload(now time.Time, s *server, changes []Change, known func(real int) bool) {
	for _, c := range changes {
		m.add(now, s, c, c.Real >= 0 && !known(c.Real) && !(m.config.InitialNotify && c.Kind == RealUp))
	}
}

func (m *Manager) add(now time.Time, s *server, c Change, silent bool) {
	switch {
	case c.Kind == QuorumGained || c.Kind == QuorumLost:
		s.since = now
	case (c.Kind == RealUp || c.Kind == RealDown) && c.Cause != CauseConfirmed:
		s.reals[c.Real].since = now
	}
	m.news = append(m.news, news{server: s, change: c, at: now, silent: silent})
	m.touch(s)
}

// tell tells what has changed.
func (m *Manager) tell() {
	for i := range m.news {
		n := &m.news[i]
		if n.change.Kind == 0 {
			m.options.Notify(n.notice)
			continue
		}
		for _, text := range n.server.lines(n.change) {
			m.log.info(text)
		}
		if (n.change.Kind == QuorumGained || n.change.Kind == QuorumLost) && !n.change.Cause.last() {
			m.options.Quorum(n.server.config.UniqueName(), n.change.Kind == QuorumGained)
		}
		if n.silent {
			continue
		}
		if notice := n.server.notice(n.change); notice != (Notice{}) {
			if notice.Command != nil {
				m.log.info(n.server.executing(n.change, notice.Command))
			}
			m.options.Notify(notice)
		}
	}
	m.news = m.news[:0]
}

// lines are what the log says of a change, in keepalived's words.
func (s *server) lines(c Change) []string {
	if c.Real >= 0 {
		return s.realLines(c)
	}
	config := s.config
	sum := c.Sum
	sorry := ""
	if config.Sorry != nil {
		sorry = EndpointName(config.Service.Protocol, config.Sorry.Addr)
	}
	if c.Kind == QuorumGained {
		lines := []string{fmt.Sprintf("Gained quorum %d+%d=%d <= %d for VS %s", config.Quorum, config.Hysteresis, c.Limit, sum, s.name)}
		if sorry != "" && c.Cause != CauseStart && c.Cause != CauseAdopted {
			lines = append(lines, fmt.Sprintf("%s sorry server %s from VS %s", inhibited(config.Sorry.Inhibit, "Disabling", "Removing"), sorry, s.name),
				"Adding alive servers to the pool for VS "+s.name)
		}
		return lines
	}
	lines := []string{fmt.Sprintf("Lost quorum %d-%d=%d > %d for VS %s", config.Quorum, config.Hysteresis, c.Limit, sum, s.name)}
	if c.Cause == CauseStart || c.Cause == CauseAdopted {
		lines[0] = fmt.Sprintf("Starting without quorum %d+%d=%d > %d for VS %s", config.Quorum, config.Hysteresis, c.Limit, sum, s.name)
	}
	if sorry != "" && !c.Cause.last() {
		lines = append(lines, fmt.Sprintf("%s sorry server %s to VS %s", inhibited(config.Sorry.Inhibit, "Enabling", "Adding"), sorry, s.name))
		if c.Cause != CauseStart && c.Cause != CauseAdopted {
			lines = append(lines, "Removing alive servers from the pool for VS "+s.name)
		}
	}
	return lines
}

func inhibited(yes bool, then, otherwise string) string {
	if yes {
		return then
	}
	return otherwise
}

func (s *server) realLines(c Change) []string {
	name, inhibit := s.realName(c.Real), s.config.Reals[c.Real].Inhibit
	initial := c.Cause == CauseStart || c.Cause == CauseAdopted
	switch {
	case c.Kind == WeightChanged:
		word := ""
		if !s.pool.Real(c.Real).Up {
			word = "in"
		}
		return []string{fmt.Sprintf("Changing weight from %d to %d for %sactive service %s of VS %s", c.Old, c.New, word, name, s.name)}
	case c.Kind == RealUp && initial:
		return nil
	case c.Kind == RealUp && inhibit:
		return []string{fmt.Sprintf("Enabling service %s of VS %s", name, s.name)}
	case c.Kind == RealUp:
		return []string{fmt.Sprintf("Adding service %s to VS %s", name, s.name)}
	case initial:
		return []string{fmt.Sprintf("Service %s of VS %s is down until it is checked", name, s.name)}
	case c.Cause == CauseConfirmed:
		return []string{fmt.Sprintf("Service %s of VS %s is down", name, s.name)}
	case inhibit && !c.Cause.last():
		return []string{fmt.Sprintf("Disabling service %s of VS %s", name, s.name)}
	}
	return []string{fmt.Sprintf("Removing service %s from VS %s", name, s.name)}
}

// notice is what others are told of a change.
func (s *server) notice(c Change) Notice {
	if c.Real >= 0 {
		return s.realNotice(c)
	}
	config := s.config
	initial := c.Cause == CauseStart || c.Cause == CauseAdopted
	n := Notice{FIFO: "VS " + s.name + " UP", Command: config.QuorumUp}
	word, body := "UP", fmt.Sprintf("%d+%d=%d <= %d", config.Quorum, config.Hysteresis, c.Limit, c.Sum)
	if c.Kind == QuorumLost {
		if initial && config.Sorry == nil {
			return Notice{} // there was nothing to lose, and nothing takes its place
		}
		n = Notice{FIFO: "VS " + s.name + " DOWN", Command: config.QuorumDown}
		word, body = "DOWN", fmt.Sprintf("%d-%d=%d > %d", config.Quorum, config.Hysteresis, c.Limit, c.Sum)
	}
	switch {
	case initial && c.Kind == QuorumGained:
		body = "=> Starting with quorum up " + body + " <="
	case initial:
		body = fmt.Sprintf("=> Starting with quorum down %d+%d=%d > %d <=", config.Quorum, config.Hysteresis, c.Limit, c.Sum)
	case c.Cause == CauseStop:
		body = shuttingDown
	case c.Kind == QuorumGained:
		body = "=> Gained quorum " + body + " <="
	default:
		body = "=> Lost quorum " + body + " <="
	}
	if config.Mail {
		n.Subject, n.Body = "Virtualserver "+s.name+" - "+word, body
	}
	return n
}

func (s *server) realNotice(c Change) Notice {
	real := &s.config.Reals[c.Real]
	switch c.Kind {
	case RealUp:
		return Notice{Command: real.NotifyUp, FIFO: fmt.Sprintf("RS %s %s UP", s.realName(c.Real), s.name)}
	case RealDown:
		n := Notice{Command: real.NotifyDown, FIFO: fmt.Sprintf("RS %s %s DOWN", s.realName(c.Real), s.name)}
		if real.Mail && c.Cause.last() { // else the checkers send it
			n.Subject, n.Body = s.realSubject(c.Real, "DOWN"), "=> Removing <="
			if c.Cause == CauseStop {
				n.Body = shuttingDown
			}
		}
		return n
	}
	return Notice{}
}

// shuttingDown is the body of mails at the end.
const shuttingDown = "=> Shutting down <="

// realSubject is the subject of a mail about a real server.
func (s *server) realSubject(real int, state string) string {
	return fmt.Sprintf("Realserver %s of virtual server %s - %s", s.realName(real), s.name, state)
}

// executing is the log's line about a program.
func (s *server) executing(c Change, command *Command) string {
	text := "Executing [" + strings.Join(command.Argv, " ") + "] for "
	if c.Real >= 0 {
		return text + "service " + s.realName(c.Real) + " in VS " + s.name
	}
	return text + "VS " + s.name
}
