package rules

import (
	"errors"
	"io"
	"slices"
	"strconv"
	"strings"
	"syscall"

	"ipvsadm/ipvs"
)

// replace is -R --replace: the table becomes what the stream says, in place.
//
// The stream is read and checked as a whole before anything changes. Then the
// kernel's table is brought there by the fewest changes: what is new is added,
// what differs is edited, and then what is too much is deleted, nothing before
// all else has succeeded. So what is in both tables is there at every instant,
// nothing is that is in neither, and who is killed on the way can begin again.
func (s *session) replace(in io.Reader, cmd Restore) int {
	read := s.readWish
	if cmd.JSON {
		read = s.readWishJSON
	}
	w, ok := read(in)
	if !ok {
		s.complain("Nothing was changed")
		return exitInvalid
	}
	return s.fulfil(w, cmd.Replace)
}

// readWish reads a stream and reports every line that is wrong.
func (s *session) readWish(in io.Reader) (*wish, bool) {
	w, lines := newWish(), newLineReader(in, func() {})
	p := newParser(s.prog, s.env.Names, s.env.LookupEnv)
	p.stream = true
	bad, lost := 0, false
	complain := func(text string) {
		bad++
		s.complain(atLine(lines.number) + ": " + strings.TrimRight(text, "\n"))
	}
	for {
		words, ok := lines.nextWords()
		if !ok {
			break
		}
		if w.lines == 0 && bad == 0 && words[0][0] == '{' {
			complain("this is JSON: --json reads it")
			return w, false
		}
		if words[0][0] == '#' {
			continue
		}
		op, _, err := p.line(words)
		_, zero := op.(ipvs.Zero)
		switch {
		case err != nil:
			complain(mistake(err, words))
			lost = lost || p.draft.verb == addService
		case op == nil || zero:
			complain("The '" + p.draft.verb.String() + "' command has no place in a stream that replaces the table")
		default:
			w.lines++
			errno := w.apply(op, lines.number)
			// A server of a service whose line was wrong is not wrong itself.
			if errno != 0 && !(lost && errno == syscall.ESRCH) {
				complain(w.why(ipvs.ValueOf(op), errno))
			}
		}
	}
	if lines.err != nil && lines.err != io.EOF {
		complain("cannot read on: " + lines.err.Error())
	}
	return w, bad == 0
}

// readWishJSON reads a JSON document and reports all that is wrong in it.
func (s *session) readWishJSON(in io.Reader) (*wish, bool) {
	table, ok := s.readJSON(in)
	w := newWish()
	w.lines = 1 // an empty document is one on purpose
	var paths []string
	w.where = func(n int) string { return paths[n-1] }
	apply := func(op ipvs.Op, path jsonPath) {
		paths = append(paths, path.String())
		if errno := w.apply(op, len(paths)); errno != 0 {
			ok = false
			s.complain(path.String() + ": " + w.why(op, errno))
		}
	}
	for i := range table {
		apply(ipvs.AddService{Service: table[i].Service}, jsonPath{i, -1})
		for j, d := range table[i].Destinations {
			apply(ipvs.AddDestination{Service: table[i].ServiceKey, Destination: d}, jsonPath{i, j})
		}
	}
	return w, ok
}

func atLine(n int) string { return "line " + strconv.Itoa(n) }

// replaceRounds is how often replace looks at the table and changes it, while
// others change it too.
const replaceRounds = 5

// fulfil makes the kernel's table what is wished.
func (s *session) fulfil(w *wish, scope Replace) int {
	var plan []ipvs.Change
	var refused, late []refusal
	deleted := false
	for round := range replaceRounds {
		table, err := s.kernel.Table(ipvs.Query{Detail: ipvs.Settings})
		if err != nil {
			return s.listFailed(err)
		}
		var n int
		if plan, n, err = w.plan(s.kernel, table, scope); err != nil {
			return s.listFailed(err)
		}
		if len(plan) == 0 {
			return exitOK
		}
		if w.lines == 0 && round == 0 {
			s.complain("The stream is empty, the table is not: nothing was changed. A line -C empties it on purpose.")
			return exitInvalid
		}
		before := refused
		if refused = s.attempt(w, plan[:n]); len(refused) == 0 {
			late = s.attempt(w, plan[n:])
			deleted = deleted || n < len(plan)
		} else if slices.EqualFunc(before, refused, refusal.same) {
			break
		}
	}
	if len(refused) > 0 {
		s.report(w, refused)
		if !deleted {
			s.complain("Nothing was deleted")
		}
	} else if len(late) > 0 {
		s.report(w, late)
	} else {
		s.complain("Somebody else keeps changing the table: " + counted(len(plan), "change") + " to go")
	}
	return exitRejected
}

// refusal is a change that the kernel did not make.
type refusal struct {
	ipvs.Change
	line int // of the stream, 0 if it has none about it
	err  error
}

func (r refusal) same(other refusal) bool {
	return r.Op == other.Op && kernelSentence(r.err) == kernelSentence(other.err)
}

// missing names what a kernel that says that it has not found it was asked for.
func (r refusal) missing() string {
	var s ipvs.Service
	switch op := r.Op.(type) {
	case ipvs.AddService:
		s = op.Service
	case ipvs.EditService:
		s = op.Service
	}
	switch {
	case s.Scheduler == "" || !errors.Is(r.err, syscall.ENOENT):
		return ""
	case s.PE != "":
		return ": -s " + s.Scheduler + " --pe " + s.PE
	}
	return ": -s " + s.Scheduler
}

// attempt makes changes and returns those that the kernel refused.
func (s *session) attempt(w *wish, changes []ipvs.Change) (refused []refusal) {
	for i, err := range s.kernel.Do(ipvs.Ops(changes)...) {
		if err != nil {
			refused = append(refused, refusal{changes[i], w.image.lineOf(changes[i].Op), err})
		}
	}
	return refused
}

// report says what the kernel refused, and in which line of the stream it was
// asked for.
func (s *session) report(w *wish, refused []refusal) {
	consequence := func(r refusal) bool { // of a service that was refused
		_, server := r.Op.(ipvs.AddDestination)
		return server && errors.Is(r.err, syscall.ESRCH)
	}
	all := slices.IndexFunc(refused, func(r refusal) bool { return !consequence(r) }) < 0
	for _, r := range refused {
		if !all && consequence(r) {
			continue
		}
		what, _, _ := (&step{Change: r.Change}).text()
		if r.line > 0 {
			what = w.where(r.line)
		}
		s.complain(what + ": " + kernelSentence(r.err) + r.missing())
	}
}

func counted(n int, what string) string {
	if n != 1 {
		what += "s"
	}
	return strconv.Itoa(n) + " " + what
}
