package keepalived

import (
	"strconv"
	"strings"
	"time"

	"ipvsadm/check"
	"ipvsadm/vrrp"
)

// globals are global_defs while they are read: what concerns the process, and
// the defaults of instances and servers.
type globals struct {
	base
	Global
	vrrp vrrpDefaults

	alert, alertVRRP, alertChecker choice
	checkerLogFailures             bool
}

// choice is a switch that may not have been given.
type choice struct{ given, on bool }

// or returns the switch, or what is to hold if it was not given.
func (c choice) or(on bool) bool {
	if c.given {
		return c.on
	}
	return on
}

// vrrpDefaults are what instances inherit.
type vrrpDefaults struct {
	version                                vrrp.Version
	announce                               vrrp.AnnounceSchedule
	announceAll, minimal                   bool
	downAdverts                            int
	lowerNoAdvert, higherSend, ownerIgnore bool
	skipCheck, strict                      bool
	messageOnly                            bool
	priorities                             bool
	device                                 string
	vmacPrefix                             string
}

func newGlobals() globals {
	g := globals{}
	g.Mail.Port, g.Mail.Timeout = 25, 30*time.Second
	g.Startup.Timeout, g.Shutdown.Timeout = 10*time.Second, 10*time.Second
	g.vrrp = vrrpDefaults{version: vrrp.V2, announce: vrrp.DefaultAnnounce(), downAdverts: 3, device: "eth0", vmacPrefix: "vrrp"}
	return g
}

// optional is a boolean that may be left to a default.
func optional(name, doc string, at func(*globals) *choice) word[globals] {
	return word[globals]{
		wordInfo: wordInfo{name: name, args: "[BOOL]", doc: doc},
		set: func(s *statement, g *globals) {
			if on, ok := s.yes(); ok {
				*at(g) = choice{true, on}
			}
		},
	}
}

func (l *loader) globalTable() *table[globals] {
	return newTable("global_defs", "What concerns the whole process, and defaults for instances and servers.",
		globalIdentity(), l.globalScripts(), l.globalVRRP(), l.globalLVS(), l.globalUnused())
}

func globalIdentity() []word[globals] {
	return []word[globals]{
		text("router_id", "NAME", "Name of this machine in mails; default its own name.", func(g *globals) *string { return &g.RouterID }),
		{
			wordInfo: wordInfo{name: "notification_email", many: true, doc: "Addresses that mails go to, one on each line; without any, no mail is sent."},
			item: func(s *statement, g *globals) {
				for _, to := range append([]string{s.name}, s.args...) {
					if s.mailAddress(to) {
						g.Mail.To = append(g.Mail.To, strings.Clone(to))
					}
				}
			},
			show: func(p *printer, g *globals) {
				printItems(p, g.Mail.To, func(to string) []string { return []string{quote(to)} })
			},
		},
		{
			wordInfo: wordInfo{name: "notification_email_from", args: "ADDRESS", doc: "Sender of mails; default keepalived@ the machine's name."},
			set: func(s *statement, g *globals) {
				if s.mailAddress(s.args[0]) {
					g.Mail.From = s.str(0)
				}
			},
			show: func(p *printer, g *globals) {
				if g.Mail.From != "" {
					p.line(quote(g.Mail.From))
				}
			},
		},
		{
			wordInfo: wordInfo{name: "smtp_server", args: "HOST [PORT]", doc: "Mail server; default port 25."},
			set: func(s *statement, g *globals) {
				port := uint16(25)
				if len(s.args) > 1 {
					var ok bool
					if port, ok = inRange[uint16](s, 1, 1, 65535); !ok {
						return
					}
				}
				g.Mail.Server, g.Mail.Port = s.str(0), port
			},
			show: func(p *printer, g *globals) {
				if g.Mail.Server != "" {
					p.line(quote(g.Mail.Server), strconv.Itoa(int(g.Mail.Port)))
				}
			},
		},
		{
			wordInfo: wordInfo{name: "smtp_connect_timeout", args: "SECONDS", doc: "Time to connect to the mail server, 1 to 4294; default 30."},
			set: func(s *statement, g *globals) {
				n, ok := inRange[int64](s, 0, 0, 4294)
				if !ok {
					return
				}
				if n == 0 {
					s.warn(KindValue, s.name+" must be at least 1 and is taken for 1", "write "+s.name+" 1")
					n = 1
				}
				g.Mail.Timeout = time.Duration(n) * time.Second
			},
			show: func(p *printer, g *globals) { p.line(formatSeconds(g.Mail.Timeout)) },
		},
		text("smtp_helo_name", "NAME", "Name in HELO; default the machine's name.", func(g *globals) *string { return &g.Mail.Helo }),
		optional("smtp_alert", "Default of every smtp_alert; without it real servers send mail and nobody else does.", func(g *globals) *choice { return &g.alert }),
		optional("smtp_alert_vrrp", "Default of smtp_alert for instances and sync groups.", func(g *globals) *choice { return &g.alertVRRP }),
		optional("smtp_alert_checker", "Default of smtp_alert for virtual and real servers.", func(g *globals) *choice { return &g.alertChecker }),
		flag("no_email_faults", "Send no mail for FAULT.", func(g *globals) *bool { return &g.Mail.NoFaults }),
	}
}

// mailAddress refuses what would put lines of its own into a mail.
func (s *statement) mailAddress(a string) bool {
	if a == "" || strings.ContainsFunc(a, func(c rune) bool { return c < ' ' || c == 0x7f }) {
		s.badValue(a, "an address for mail")
		return false
	}
	return true
}

func (l *loader) globalScripts() []word[globals] {
	once := func(name, doc string, at func(*globals) *OnceCommand) []word[globals] {
		return []word[globals]{
			commandWord(l, name+"_script", doc, func(g *globals) **vrrp.Command { return &at(g).Command }),
			wholeSeconds(name+"_script_timeout", "Time it may take, 1 to 1000 s; default 10.", 1, 1000, func(g *globals) *time.Duration { return &at(g).Timeout }),
		}
	}
	fifo := func(name, doc string, at func(*globals) *FIFO) []word[globals] {
		return []word[globals]{
			{
				wordInfo: wordInfo{name: name, args: "PATH [USER [GROUP]]", doc: doc},
				set: func(s *statement, g *globals) {
					if s.args[0] == "" {
						s.badValue("", "a path")
						return
					}
					f := at(g)
					f.Path, f.User, f.Group = s.str(0), "", ""
					if len(s.args) > 1 {
						f.User = s.str(1)
					}
					if len(s.args) > 2 {
						f.Group = s.str(2)
					}
				},
				show: func(p *printer, g *globals) {
					if f := at(g); f.Path != "" {
						p.line(withUser([]string{quote(f.Path)}, f.User, f.Group)...)
					}
				},
			},
			commandWord(l, name+"_script", "Program that reads the FIFO; its path is the last argument.", func(g *globals) **vrrp.Command { return &at(g).Script }),
		}
	}
	words := []word[globals]{
		{
			wordInfo: wordInfo{name: "script_user", args: "USER [GROUP]", doc: "User and group to run programs as; default keepalived_script if there is such a user, else the one we run as."},
			set: func(s *statement, g *globals) {
				if s.args[0] == "" {
					s.badValue("", "a user")
					return
				}
				g.ScriptUser, g.ScriptGroup = s.str(0), ""
				if len(s.args) > 1 {
					g.ScriptGroup = s.str(1)
				}
			},
			show: func(p *printer, g *globals) {
				if g.ScriptUser != "" {
					p.line(withUser(nil, g.ScriptUser, g.ScriptGroup)...)
				}
			},
		},
		flag("enable_script_security", "Run no program as root that somebody else could change.", func(g *globals) *bool { return &g.ScriptSecurity }),
	}
	words = append(words, once("startup", "Program to run before everything.", func(g *globals) *OnceCommand { return &g.Startup })...)
	words = append(words, once("shutdown", "Program to run after everything.", func(g *globals) *OnceCommand { return &g.Shutdown })...)
	words = append(words, fifo("notify_fifo", "FIFO to write all events to.", func(g *globals) *FIFO { return &g.FIFO })...)
	words = append(words, fifo("vrrp_notify_fifo", "FIFO to write events of instances and groups to.", func(g *globals) *FIFO { return &g.VRRPFIFO })...)
	return append(words, fifo("lvs_notify_fifo", "FIFO to write events of virtual and real servers to.", func(g *globals) *FIFO { return &g.CheckFIFO })...)
}

func withUser(words []string, user, group string) []string {
	if user != "" {
		words = append(words, quote(user))
		if group != "" {
			words = append(words, quote(group))
		}
	}
	return words
}

func (l *loader) globalLVS() []word[globals] {
	return []word[globals]{
		{
			wordInfo: wordInfo{name: "lvs_timeouts", args: "[tcp SECONDS] [tcpfin SECONDS] [udp SECONDS]", doc: "The kernel's timeouts of connections, 0 to 2678400 s; 0 leaves them."},
			set:      func(s *statement, _ *globals) { l.timeouts(s) },
			show: func(p *printer, _ *globals) {
				var words []string
				for _, t := range l.timeoutWords() {
					if *t.at > 0 {
						words = append(words, t.word, formatSeconds(*t.at))
					}
				}
				if words != nil {
					p.line(words...)
				}
			},
		},
		flag("lvs_flush", "Empty the kernel's IPVS table at the start.", func(*globals) *bool { return &l.check.FlushOnStart }),
		{
			wordInfo: wordInfo{name: "lvs_flush_on_stop", args: "[VS]", doc: "Empty the kernel's IPVS table at the end; with VS remove only our services, all at once.", also: "lvs_flush_onstop"},
			set: func(s *statement, _ *globals) {
				switch {
				case len(s.args) == 0:
					l.check.FlushOnStop = check.FlushTable
				case s.args[0] == "VS":
					l.check.FlushOnStop = check.RemoveServices
				default:
					s.badValue(s.args[0], "VS")
				}
			},
			show: func(p *printer, _ *globals) {
				switch l.check.FlushOnStop {
				case check.FlushTable:
					p.line()
				case check.RemoveServices:
					p.line("VS")
				}
			},
		},
		flag("rs_init_notifies", "Run notify_up also for servers that are up from the start.", func(*globals) *bool { return &l.check.InitialNotify }),
		flag("no_checker_emails", "Send mail only when a real server is added or removed.", func(*globals) *bool { return &l.check.QuietCheckers }),
		boolean("checker_log_all_failures", "Default of log_all_failures of checkers; default off.", func(g *globals) *bool { return &g.checkerLogFailures }).hidden(),
	}
}

// timeoutWord is a word of lvs_timeouts and where it goes.
type timeoutWord struct {
	word string
	at   *time.Duration
}

func (l *loader) timeoutWords() []timeoutWord {
	t := &l.check.Timeouts
	return []timeoutWord{{"tcp", &t.TCP}, {"tcpfin", &t.TCPFin}, {"udp", &t.UDP}}
}

// timeouts reads lvs_timeouts.
func (l *loader) timeouts(s *statement) {
	if len(s.args) == 0 {
		s.fail(KindMissing, s.name+" has too few words", s.usage())
		return
	}
	s.options(map[string]func(int){
		"tcp":    func(i int) { l.timeout(s, i, 0) },
		"tcpfin": func(i int) { l.timeout(s, i, 1) },
		"udp":    func(i int) { l.timeout(s, i, 2) },
	})
}

func (l *loader) timeout(s *statement, i, n int) {
	if v, ok := inRange[int64](s, i, 0, 31*24*3600); ok {
		*l.timeoutWords()[n].at = time.Duration(v) * time.Second
	}
}

// options reads pairs of a word and a value from argument from on.
func (s *statement) options(known map[string]func(int)) { s.optionsFrom(0, known) }

func (s *statement) optionsFrom(from int, known map[string]func(int)) {
	for i := from; i < len(s.args); i += 2 {
		take, ok := known[s.args[i]]
		switch {
		case !ok:
			s.warn(KindUnknown, s.name+" has no option "+abridge(s.args[i]), s.usage())
			i-- // the next word may be an option again
		case i+1 == len(s.args):
			s.fail(KindMissing, s.name+" has no value for "+s.args[i], s.usage())
		default:
			take(i + 1)
		}
	}
}
