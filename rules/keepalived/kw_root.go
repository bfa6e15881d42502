package keepalived

import (
	"strconv"
	"strings"
	"time"

	"ipvsadm/vrrp"
)

// language has the tables of all blocks.
type language struct {
	root           *table[root]
	global         *table[globals]
	instance       *table[instance]
	authentication *table[authentication]
	group          *table[group]
	script         *table[script]
	trackFile      *table[trackFile]
	process        *table[process]
	garpGroup      *table[garpGroup]
	trackGroup     *table[trackGroup]
	bfd            *table[bfd]
	tls            *table[tls]
	server         *table[server]
	real           *table[real]
	url            *table[url]
	smtpHost       *table[checker]
	checkers       []*table[checker]
}

func (l *loader) language() *language {
	return &language{
		root:           l.rootTable(),
		global:         l.globalTable(),
		instance:       l.instanceTable(),
		authentication: authenticationTable(),
		group:          l.groupTable(),
		script:         l.scriptTable(),
		trackFile:      l.trackFileTable(),
		process:        l.processTable(),
		garpGroup:      garpGroupTable(),
		trackGroup:     trackGroupTable(),
		bfd:            bfdTable(),
		tls:            tlsTable(),
		server:         l.serverTable(),
		real:           l.realTable(),
		url:            urlTable(),
		smtpHost:       smtpHostTable(),
		checkers:       l.checkerTables(),
	}
}

// all returns every table, blocks before those within them.
func (w *language) all() []vocabulary {
	list := []vocabulary{w.root, w.global, w.group, w.instance, w.authentication, w.script, w.trackFile, w.process,
		w.trackGroup, w.garpGroup, w.bfd, w.tls, w.server, w.real}
	for _, t := range w.checkers {
		list = append(list, t)
	}
	return append(list, w.url, w.smtpHost)
}

// ownersElsewhere returns the blocks, two at most, that know a word.
func (p *parser) ownersElsewhere(name string) []string {
	var blocks []string
	for _, t := range p.lang.all() {
		if info, _ := t.find(name); info != nil && len(blocks) < 2 {
			blocks = append(blocks, t.blockName())
		}
	}
	return blocks
}

// root is the top of the files.
type root struct{ base }

func (l *loader) rootTable() *table[root] {
	block := func(name, args, doc string, open func(*statement) *frame) word[root] {
		return word[root]{
			wordInfo: wordInfo{name: name, args: args, doc: doc, many: true},
			open:     func(s *statement, _ *root) *frame { return open(s) },
		}
	}
	return newTable("", "What stands outside all blocks.", l.rootProcess(), []word[root]{
		block("global_defs", "", "What concerns the whole process, and defaults.", func(s *statement) *frame {
			return enter(s, l.words.global, &l.global, &l.global.base, nil)
		}),
		l.staticWord("static_ipaddress", "Addresses to put up at the start, one on each line.", func(s *statement) {
			if a, ok := l.addressLine(s, lineStatic); ok {
				l.vrrp.Addresses = append(l.vrrp.Addresses, a)
			}
		}),
		l.staticWord("static_routes", "Routes to put up at the start, one on each line.", func(s *statement) {
			if r, ok := l.routeLine(s, lineStatic); ok {
				l.vrrp.Routes = append(l.vrrp.Routes, r)
			}
		}),
		l.staticWord("static_rules", "Routing rules to put up at the start, one on each line.", func(s *statement) {
			if r, ok := l.ruleLine(s, lineStatic); ok {
				l.vrrp.Rules = append(l.vrrp.Rules, r)
			}
		}),
		block("track_group", "NAME", "Instances that are told when a static address, route or rule is lost.", l.openTrackGroup),
		block("vrrp_script", "NAME", "A program whose exit status instances can track.", l.openScript),
		block("track_file", "NAME", "A file with a number that instances and servers can track.", l.openTrackFile).replacing("vrrp_track_file"),
		block("vrrp_track_process", "NAME", "Processes whose number instances can track.", l.openProcess),
		block("vrrp_sync_group", "NAME", "Instances that are master together or not at all.", l.openGroup).named(),
		block("vrrp_instance", "NAME", "A virtual router.", l.openInstance).named(),
		block("garp_group", "[NAME]", "Interfaces that share a pace of announcements.", l.openGARPGroup),
		block("bfd_instance", "NAME", "A BFD session.", l.openBFD),
		block("SSL", "", "Files for SSL_GET.", func(s *statement) *frame { return enter(s, l.words.tls, &l.tls, &l.tls.base, nil) }),
		block("virtual_server_group", "NAME", "Addresses and marks of services that are balanced alike.", l.openServerGroup),
		block("virtual_server", "ADDR|fwmark|group [PORT|N|NAME]", "A virtual server: ADDR [PORT], fwmark N or group NAME.", l.openServer),
	})
}

// staticWord is a block of lines at the top of a file.
func (l *loader) staticWord(name, doc string, item func(*statement)) word[root] {
	return word[root]{
		wordInfo: wordInfo{name: name, doc: doc, many: true},
		item:     func(s *statement, _ *root) { item(s) },
	}
}

// rootProcess are the words that concern the process and stand in no block.
func (l *loader) rootProcess() []word[root] {
	g := &l.global.Global
	setting := func(name, args, doc string, at *string) word[root] {
		return text(name, args, doc, func(*root) *string { return at })
	}
	return []word[root]{
		setting("net_namespace", "NAME", "Network namespace to run in.", &g.NetNamespace),
		{
			wordInfo: wordInfo{name: "net_namespace_ipvs", args: "[NAME]", doc: "Network namespace of the IPVS table: that of net_namespace, we manage no other; without name the one we were started in."},
			set: func(s *statement, _ *root) {
				g.HasIPVSNamespace, g.IPVSNamespace, l.ipvsPos = true, "", s.pos
				if len(s.args) > 0 {
					g.IPVSNamespace = s.str(0)
				}
			},
			show: func(p *printer, _ *root) {
				switch {
				case g.IPVSNamespace != "":
					p.line(quote(g.IPVSNamespace))
				case g.HasIPVSNamespace:
					p.line()
				}
			},
		},
		setting("instance", "NAME", "Tells several processes on one machine apart.", &g.Instance),
		unused[root]("namespace_with_ipsets", "", noFirewall),
		unused[root]("use_pid_dir", "", "-p names the pid file"),
		unused[root]("child_wait_time", "SECONDS", oneProcess),
		unused[root]("linkbeat_use_polling", "", "the kernel tells when a link goes down"),
		{
			wordInfo: wordInfo{name: "linkbeat_interfaces", doc: "Not used: the kernel tells when a link goes down.", unused: "the kernel tells when a link goes down", many: true},
			item:     func(*statement, *root) {},
		},
		{
			wordInfo: wordInfo{name: "interface_up_down_delays", doc: "How long an interface must be down and up to count as such: IF DOWN [UP], 0 to 255 s.", many: true},
			item:     func(s *statement, _ *root) { l.debounce(s) },
			show:     func(p *printer, _ *root) { printItems(p, l.vrrp.Debounce, formatDebounce) },
		},
	}
}

// debounce reads a line of interface_up_down_delays.
func (l *loader) debounce(s *statement) {
	const most = 255 * time.Second
	switch {
	case !isInterface(s.name):
		s.warn(KindValue, strconv.Quote(abridge(s.name))+" is ignored: it is not a name for an interface", "")
		return
	case len(s.args) == 0:
		s.fail(KindMissing, s.name+" has no delay", "write "+s.name+" DOWN [UP]")
		return
	}
	d := vrrp.DebounceConfig{Device: strings.Clone(s.name)}
	var ok bool
	if d.Down, ok = s.seconds(0, 0, most); !ok {
		return
	}
	d.Up = d.Down
	if len(s.args) > 1 {
		if d.Up, ok = s.seconds(1, 0, most); !ok {
			return
		}
	}
	if i, ok := l.debounced[d.Device]; ok {
		s.warn(KindDuplicate, d.Device+" has delays already; the last ones count", "leave one out")
		l.vrrp.Debounce[i] = d
		return
	}
	l.debounced[d.Device] = len(l.vrrp.Debounce)
	l.vrrp.Debounce = append(l.vrrp.Debounce, d)
}

func formatDebounce(d vrrp.DebounceConfig) []string {
	return []string{quote(d.Device), formatSeconds(d.Down), formatSeconds(d.Up)}
}

// garpGroup is a garp_group while it is read.
type garpGroup struct {
	base
	vrrp.PacingConfig
}

func garpGroupTable() *table[garpGroup] {
	return newTable("garp_group", "Interfaces that share a pace of announcements.", []word[garpGroup]{
		pacing("garp_interval", "Least time between two gratuitous ARPs.", func(g *garpGroup) *time.Duration { return &g.ARPInterval }),
		pacing("gna_interval", "Least time between two neighbour advertisements.", func(g *garpGroup) *time.Duration { return &g.NAInterval }),
		{
			wordInfo: wordInfo{name: "interface", args: "IF", doc: "The interface."},
			set:      func(s *statement, g *garpGroup) { s.addDevice(s.args[0], g) },
		},
		{
			wordInfo: wordInfo{name: "interfaces", doc: "The interfaces, one or more on each line.", many: true},
			item: func(s *statement, g *garpGroup) {
				for _, name := range append([]string{s.name}, s.args...) {
					s.addDevice(name, g)
				}
			},
			show: func(p *printer, g *garpGroup) {
				printItems(p, g.Devices, func(n string) []string { return []string{quote(n)} })
			},
		},
	})
}

func (s *statement) addDevice(name string, g *garpGroup) {
	if !isInterface(name) {
		s.badValue(name, "a name for an interface: 1 to 15 characters without /, : and blanks")
		return
	}
	g.Devices = append(g.Devices, strings.Clone(name))
}

func (l *loader) openGARPGroup(s *statement) *frame {
	g := &garpGroup{}
	return enter(s, l.words.garpGroup, g, &g.base, func() {
		if !g.has("garp_interval") && !g.has("gna_interval") {
			l.warn(KindIncomplete, g.pos, "garp_group is ignored: it has no interval", "write garp_interval SECONDS in it")
			return
		}
		if g.ARPInterval == 0 && g.NAInterval == 0 {
			return // as fast as can be
		}
		devices := g.Devices[:0]
		for _, d := range g.Devices {
			if l.paced[d] {
				l.warn(KindDuplicate, g.pos, d+" is in a garp_group already; the first one counts", "leave one out")
				continue
			}
			l.paced[d] = true
			devices = append(devices, d)
		}
		if g.Devices = devices; len(devices) > 0 {
			l.vrrp.Pacing = append(l.vrrp.Pacing, g.PacingConfig)
		}
	})
}

// trackGroup is a track_group while it is read.
type trackGroup struct {
	base
	vrrp.StaticGroupConfig
}

func trackGroupTable() *table[trackGroup] {
	return newTable("track_group", "Instances that are told when a static address, route or rule is lost.", []word[trackGroup]{{
		wordInfo: wordInfo{name: "group", doc: "Names of the instances, one or more on each line.", many: true},
		item: func(s *statement, g *trackGroup) {
			for _, name := range append([]string{s.name}, s.args...) {
				g.Instances = append(g.Instances, strings.Clone(name))
			}
		},
		show: func(p *printer, g *trackGroup) {
			printItems(p, g.Instances, func(n string) []string { return []string{quote(n)} })
		},
	}})
}

func (l *loader) openTrackGroup(s *statement) *frame {
	g := &trackGroup{}
	g.Name = s.str(0)
	if !l.define(s, "track_group", g.Name) {
		return nil
	}
	return enter(s, l.words.trackGroup, g, &g.base, func() { l.trackGroups = append(l.trackGroups, g) })
}

// bfd is a bfd_instance, of which nothing is kept.
type bfd struct{ base }

func bfdTable() *table[bfd] {
	var words []word[bfd]
	for _, w := range []struct{ name, args string }{
		{"neighbor_ip", "ADDR"}, {"neighbour_ip", "ADDR"}, {"source_ip", "ADDR"}, {"min_rx", "MS"}, {"min_tx", "MS"},
		{"idle_tx", "MS"}, {"multiplier", "N"}, {"passive", ""}, {"ttl", "N"}, {"hoplimit", "N"}, {"max_hops", "N"},
		{"multihop", ""}, {"weight", "N [reverse]"}, {"vrrp", ""}, {"checker", ""},
	} {
		words = append(words, word[bfd]{wordInfo: wordInfo{name: w.name, args: w.args, doc: "Not used: " + noBFD + "."}})
	}
	return newTable("bfd_instance", "A BFD session: read and not used.", words)
}

func (l *loader) openBFD(s *statement) *frame {
	if s.report.once("bfd_instance") {
		s.note(KindUnused, "bfd_instance is read and not used: "+noBFD, "")
	}
	b := &bfd{}
	return enter(s, l.words.bfd, b, &b.base, nil)
}
