package keepalived

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"ipvsadm/vrrp"
)

// script is a vrrp_script while it is read.
type script struct {
	base
	vrrp.ScriptConfig
}

// trackFile is a track_file while it is read. VRRP and checkers share it.
type trackFile struct {
	base
	vrrp.FileConfig
}

// process is a vrrp_track_process while it is read.
type process struct {
	base
	vrrp.ProcessConfig
}

func (l *loader) scriptTable() *table[script] {
	return newTable("vrrp_script", "A program whose exit status instances can track.", []word[script]{
		{
			wordInfo: wordInfo{name: "script", args: "CMD", quoted: true, doc: "Program and arguments, in quotes; run without a shell."},
			set:      func(s *statement, c *script) { c.Command.Argv, _ = s.argv(0) },
			show:     func(p *printer, c *script) { p.line(quoteFor(joinArgv(c.Command.Argv))) },
		},
		wholeOrDecimal("interval", "Time from one run to the next; default 1 s.", func(c *script) *time.Duration { return &c.Interval }),
		wholeOrDecimal("timeout", "Time a run may take; default interval.", func(c *script) *time.Duration { return &c.Timeout }),
		weightWord("weight", "What to add to the priority while it succeeds, or if negative while it fails, -253 to 253; default 0, which means FAULT when it fails.", weightLimit,
			func(c *script) (*int, *bool) { return &c.Weight, &c.Reverse }),
		atLeastOnce("rise", "Successes in a row until it counts as succeeding; default 1.", func(c *script) *int { return &c.Rise }),
		atLeastOnce("fall", "Failures in a row until it counts as failing; default 1.", func(c *script) *int { return &c.Fall }),
		{
			wordInfo: wordInfo{name: "user", args: "USER [GROUP]", doc: "User and group to run it as; default script_user."},
			set:      func(s *statement, c *script) { s.user(&c.Command) },
			show: func(p *printer, c *script) {
				if c.Command.User != "" {
					p.line(withUser(nil, c.Command.User, c.Command.Group)...)
				}
			},
		},
		flag("init_fail", "Count as failing until the first result.", func(c *script) *bool { return &c.InitFail }),
	})
}

// user reads a user and perhaps a group.
func (s *statement) user(c *vrrp.Command) {
	if s.args[0] == "" {
		s.badValue("", "a user")
		return
	}
	c.User, c.Group = s.str(0), ""
	if len(s.args) > 1 {
		c.Group = s.str(1)
	}
}

// wholeOrDecimal is a time that keepalived 2.2 takes in whole seconds and 2.3 to
// the millisecond; 0 is taken for 1.
func wholeOrDecimal[T any](name, doc string, at func(*T) *time.Duration) word[T] {
	w := duration(name, doc, time.Millisecond, maxInterval, at)
	inner := w.set
	w.set = func(s *statement, t *T) {
		if d, ok := parseSeconds(s.args[0]); ok && d == 0 {
			s.warn(KindValue, name+" must be more than 0 and is taken for 1", "write "+name+" 1")
			*at(t) = time.Second
			return
		}
		inner(s, t)
	}
	return w
}

// atLeastOnce is a count from 1.
func atLeastOnce[T any](name, doc string, at func(*T) *int) word[T] {
	return number(name, doc, 1, maxCount, at)
}

// weightWord is a weight with what may stand behind it.
func weightWord[T any](name, doc string, limit int, at func(*T) (*int, *bool)) word[T] {
	return word[T]{
		wordInfo: wordInfo{name: name, args: "N [reverse]", doc: doc},
		set: func(s *statement, t *T) {
			if n, rest, ok := s.weight(s.args, limit); ok {
				w, r := at(t)
				*w = n
				*r, _ = s.reverse(rest)
			}
		},
		show: func(p *printer, t *T) {
			w, r := at(t)
			words := []string{strconv.Itoa(*w)}
			if *r {
				words = append(words, "reverse")
			}
			p.line(words...)
		},
	}
}

func (l *loader) openScript(s *statement) *frame {
	c := &script{}
	c.Name = s.str(0)
	c.Interval, c.Rise, c.Fall = time.Second, 1, 1
	if !l.define(s, "vrrp_script", c.Name) {
		return nil
	}
	return enter(s, l.words.script, c, &c.base, func() {
		if len(c.Command.Argv) == 0 {
			l.lost(&c.base, "has no script")
			return
		}
		if c.Timeout == 0 {
			c.Timeout = c.Interval
		}
		l.use(c.at("script"), "script", &c.Command)
		l.scripts = append(l.scripts, c)
	})
}

func (l *loader) trackFileTable() *table[trackFile] {
	return newTable("track_file", "A file with a number that instances and servers can track.", []word[trackFile]{
		text("file", "PATH", "The file.", func(f *trackFile) *string { return &f.Path }).firstCounts(),
		weightWord("weight", "What the number is multiplied by, -254 to 254; default 1.", weightLimitFile, func(f *trackFile) (*int, *bool) { return &f.Weight, &f.Reverse }),
		{
			wordInfo: wordInfo{name: "init_file", args: "[N] [overwrite]", doc: "Write N, default 0, to the file at the start if it is not there, or always."},
			set:      func(s *statement, f *trackFile) { s.initFile(f) },
			show: func(p *printer, f *trackFile) {
				if !f.Init {
					return
				}
				words := []string{strconv.Itoa(f.InitValue)}
				if f.Overwrite {
					words = append(words, "overwrite")
				}
				p.line(words...)
			},
		},
	})
}

func (s *statement) initFile(f *trackFile) {
	f.Init, f.InitValue, f.Overwrite = true, 0, false
	for _, arg := range s.args {
		n, ok := parseInt(arg)
		switch {
		case arg == "overwrite":
			f.Overwrite = true
		case !ok || n < -1<<31 || n > 1<<31-1:
			s.badValue(arg, "a number or overwrite")
			f.Init, f.InitValue, f.Overwrite = false, 0, false
			return
		default:
			if n < -weightLimitFile || n > weightLimitFile {
				s.warn(KindValue, "init_file "+arg+" is outside -254 to 254, what a priority can use", "")
			}
			f.InitValue = int(n)
		}
	}
}

func (l *loader) openTrackFile(s *statement) *frame {
	f := &trackFile{}
	f.Name, f.Weight = s.str(0), 1
	if !l.define(s, "track_file", f.Name) {
		return nil
	}
	return enter(s, l.words.trackFile, f, &f.base, func() {
		if f.Path == "" {
			l.lost(&f.base, "has no file")
			return
		}
		l.files = append(l.files, f)
	})
}

func (l *loader) processTable() *table[process] {
	delay := func(name, doc string, at ...func(*process) *time.Duration) word[process] {
		w := duration(name, doc, time.Microsecond, time.Hour, at[0])
		if len(at) > 1 { // delay sets both and is printed as both
			inner := w.set
			w.set = func(s *statement, c *process) {
				inner(s, c)
				*at[1](c) = *at[0](c)
			}
			w.show = nil
		}
		return w
	}
	fork := func(c *process) *time.Duration { return &c.ForkDelay }
	terminate := func(c *process) *time.Duration { return &c.TerminateDelay }
	return newTable("vrrp_track_process", "Processes whose number instances can track.", []word[process]{
		{
			wordInfo: wordInfo{name: "process", args: "NAME [ARG…]", quoted: true, first: true, doc: "Name of the process, and the arguments it must have."},
			set: func(s *statement, c *process) {
				if s.args[0] == "" {
					s.badValue("", "the name of a process")
					return
				}
				c.Command, c.Args = s.args[0], nil
				c.Args = append(c.Args, s.args[1:]...)
			},
			show: func(p *printer, c *process) {
				words := []string{quoteFor(c.Command)}
				for _, a := range c.Args {
					words = append(words, quoteFor(a))
				}
				p.line(words...)
			},
		},
		{
			wordInfo: wordInfo{name: "param_match", args: "[initial|partial]", doc: "Compare arguments; partial: they begin with those given; initial: and the last one may be longer."},
			set: func(s *statement, c *process) {
				m := vrrp.MatchExact
				if len(s.args) > 0 {
					switch s.args[0] {
					case "initial":
						m = vrrp.MatchInitial
					case "partial":
						m = vrrp.MatchPartial
					default:
						s.badValue(s.args[0], "initial or partial")
						return
					}
				}
				c.Match = m
			},
			show: func(p *printer, c *process) {
				switch c.Match {
				case vrrp.MatchExact:
					p.line()
				case vrrp.MatchInitial, vrrp.MatchPartial:
					p.line(c.Match.String())
				}
			},
		},
		weightWord("weight", "As in vrrp_script, -254 to 254; default 1.", weightLimitFile, func(c *process) (*int, *bool) { return &c.Weight, &c.Reverse }),
		number("quorum", "How many must run, 1 to 65535; default 1.", 1, 65535, func(c *process) *int { return &c.Quorum }),
		number("quorum_max", "How many may run, 0 to 65535; default any number.", 0, 65535, func(c *process) *int { return &c.QuorumMax }),
		delay("fork_delay", "Time that enough must run, to 3600 s; default 0.", fork),
		delay("terminate_delay", "Time that not enough must run, to 3600 s; default 0.", terminate),
		delay("delay", "Both.", fork, terminate),
		flag("full_command", "Compare the whole command line and not the name.", func(c *process) *bool { return &c.FullCommand }),
	})
}

func (l *loader) openProcess(s *statement) *frame {
	c := &process{}
	c.Name = s.str(0)
	c.Weight, c.Quorum, c.QuorumMax = 1, 1, -1
	if !l.define(s, "vrrp_track_process", c.Name) {
		return nil
	}
	return enter(s, l.words.process, c, &c.base, func() {
		if c.Command == "" {
			l.lost(&c.base, "has no process")
			return
		}
		if c.QuorumMax > 0 && c.QuorumMax < c.Quorum {
			l.warn(KindConflict, c.at("quorum_max"), c.title+": quorum_max is ignored, it is less than quorum", "")
			c.QuorumMax = -1
		}
		if c.QuorumMax == 0 { // none may run
			c.Quorum = 0
		}
		l.processes = append(l.processes, c)
	})
}

// argv splits argument i, the text of a command, into its words.
func (s *statement) argv(i int) ([]string, bool) {
	words, missing := splitQuoted(s.args[i])
	switch {
	case missing != 0:
		s.fail(KindText, "a quote or a backslash in the command is not complete: "+abridge(s.args[i]), "")
		return nil, false
	case len(words) == 0 || words[0] == "":
		s.fail(KindMissing, s.name+" has no command", s.usage())
		return nil, false
	}
	if slices.ContainsFunc(words, isShell) {
		s.note(KindValue, "no shell runs the command, and it gets words such as && and > as they are: "+abridge(s.args[i]), "write sh -c '…'")
	}
	return words, true
}

// isShell tells whether a word means something to a shell only.
func isShell(word string) bool {
	switch word {
	case "&&", "||", "|", ";", "&", ">", ">>", "<", "2>&1":
		return true
	}
	return strings.HasPrefix(word, "<") || strings.HasPrefix(word, ">") || strings.HasPrefix(word, "2>")
}

// joinArgv writes a command so that argv splits it into the same words.
func joinArgv(argv []string) string {
	words := make([]string, len(argv))
	for i, a := range argv {
		words[i] = a
		if a == "" || strings.ContainsAny(a, blanks+`"'\`) {
			words[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\n", `\n`, "\r", `\r`, "\t", `\t`, "\v", `\v`, "\f", `\f`).Replace(a) + "'"
		}
	}
	return strings.Join(words, " ")
}
